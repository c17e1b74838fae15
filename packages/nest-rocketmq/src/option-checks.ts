// Owns the checks that options share. Each returns the value or throws an InvalidOptionError that names the option.
import { InvalidOptionError, RocketMQError, isDialable, milliseconds } from '@nest-rocketmq/remoting/internal';

/** How many letters apart a misspelt option and the one that was meant may be. */
const CLOSE = 2;

/** A plain object with no key outside `known`: a misspelt option must not pass as a default. */
export function checkKeys(option: string, given: unknown, known: readonly string[]): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new InvalidOptionError(option, given, `an object of ${known.join(', ')}`);
  }
  const unknown = Object.keys(given).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  const name = option === 'options' ? unknown : `${option}.${unknown}`;
  const value = (given as Record<string, unknown>)[unknown];
  const close = closest(unknown, known);
  const allowed = `one of the options ${known.join(', ')}`;
  throw new InvalidOptionError(name, value, close === undefined ? allowed : `the option is called ${close}`);
}

function closest(name: string, known: readonly string[]): string | undefined {
  const distances = known.map((each) => [each, distance(name.toLowerCase(), each.toLowerCase())] as const);
  const [best] = distances.toSorted((a, b) => a[1] - b[1]);
  return best && best[1] <= Math.min(CLOSE, name.length - 1) ? best[0] : undefined;
}

/** Levenshtein's: how many letters have to be put in, left out or changed. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of Array.from(a).entries()) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      next.push(Math.min(next[j] + 1, row[j + 1] + 1, row[j] + (letter === b[j] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length];
}

/**
 * Runs a check, and says in its error whose option it is. Errors of the client and the broker about their own options
 * are the same kind.
 * @param where 'RocketMQModule.forRoot'
 * @param path of the object that the option is in: 'embedded'
 */
export function inside<T>(where: string, path: string | undefined, check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw located(error, where, path);
  }
}

/** The error of a wrong option with its place; any other as it is. */
export function located(error: unknown, where: string, path?: string): unknown {
  if (!isOptionError(error) || error.where !== undefined) return error;
  const option = path === undefined ? error.option : `${path}.${error.option}`;
  return new InvalidOptionError(option, error.given, error.allowed, where, { cause: error });
}

interface OptionError {
  readonly option: string;
  readonly given: unknown;
  readonly allowed: string;
  readonly where?: string;
}

/** By its code: the broker, which has a class of its own for it, is loaded only where it runs. */
function isOptionError(error: unknown): error is OptionError {
  return error instanceof RocketMQError && error.code === 'INVALID_OPTION';
}

export function checkInteger(option: string, given: unknown, min: number, max: number, unit = ''): number {
  if (typeof given === 'number' && Number.isInteger(given) && given >= min && given <= max) return given;
  throw new InvalidOptionError(option, given, `an integer from ${min} to ${max}${unit && ` (${unit})`}`);
}

/** A length of time. @param min ms @param max ms @returns ms */
export function checkDuration(option: string, given: unknown, min: number, max: number): number {
  const length = milliseconds(given);
  if (length !== undefined && Number.isInteger(length) && length >= min && length <= max) return length;
  throw new InvalidOptionError(
    option,
    given,
    `an integer from ${min} to ${max} (ms), or a length such as '30s' or '15m'`,
  );
}

/** A unit in which Apache counts a setting that is a length of time here. */
export interface ApacheUnit {
  readonly name: string;
  readonly letter: string;
  /** ms */
  readonly length: number;
}

export const MINUTES: ApacheUnit = { name: 'minutes', letter: 'm', length: 60_000 };
export const HOURS: ApacheUnit = { name: 'hours', letter: 'h', length: 3_600_000 };

/**
 * A length of time that RocketMQ counts in whole minutes or hours. A number is ms, as everywhere; one that would have been
 * right in Apache's unit is refused, since nobody can tell which was meant.
 * @param max in `unit`
 * @returns how many of `unit`
 */
export function checkWhole(option: string, given: unknown, unit: ApacheUnit, max: number): number {
  const { name, letter, length } = unit;
  if (typeof given === 'number' && given > 0 && given <= max) {
    const reason = `a number is ms here, and Apache's own setting is in ${name}: write '${given}${letter}'`;
    throw new InvalidOptionError(option, given, reason);
  }
  const count = (milliseconds(given) ?? NaN) / length;
  if (Number.isInteger(count) && count >= 1 && count <= max) return count;
  throw new InvalidOptionError(option, given, `whole ${name} from '1${letter}' to '${max}${letter}'`);
}

export function checkBoolean(option: string, given: unknown): boolean {
  if (typeof given === 'boolean') return given;
  throw new InvalidOptionError(option, given, 'true or false');
}

export function checkOneOf<T extends string>(option: string, given: unknown, allowed: readonly T[]): T {
  const found = allowed.find((each) => each === given);
  if (found !== undefined) return found;
  throw new InvalidOptionError(option, given, allowed.map((each) => `'${each}'`).join(' or '));
}

export function checkClass(option: string, given: unknown): void {
  if (typeof given === 'function' && given.prototype !== undefined) return;
  throw new InvalidOptionError(option, given, 'a class');
}

/** An object with these methods, as a class of the user's own has them. */
export function checkMethods(option: string, given: unknown, methods: readonly string[]): void {
  const candidate = given as Record<string, unknown> | null | undefined;
  if (typeof given === 'object' && methods.every((method) => typeof candidate?.[method] === 'function')) return;
  throw new InvalidOptionError(option, given, `an object with ${methods.map((method) => `${method}()`).join(' and ')}`);
}

/** 'host:port;host2:port', returned without spaces. */
export function checkAddresses(option: string, given: unknown): string {
  const parts = typeof given === 'string' ? given.split(';').map((part) => part.trim()) : [];
  const addresses = parts.filter((part) => part !== '');
  if (addresses.length > 0 && addresses.every(isDialable)) return addresses.join(';');
  throw new InvalidOptionError(option, given, `'host:port', or several as 'host:port;host2:port'`);
}
