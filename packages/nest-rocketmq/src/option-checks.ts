// Checks values of options. Each check returns the value, or throws an InvalidOptionError that names the option.
import { InvalidOptionError, isDialable, milliseconds } from '@nest-rocketmq/remoting/internal';

/** How many letters may be wrong in a misspelt option for the error to name the right one. */
const MOST_WRONG_LETTERS = 2;

/** Checks that the object has only known keys: a misspelt option must not silently get its default. */
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
  return best && best[1] <= Math.min(MOST_WRONG_LETTERS, name.length - 1) ? best[0] : undefined;
}

/** The Levenshtein distance: how many letters have to be inserted, deleted or replaced. */
function distance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of Array.from(a).entries()) {
    let left = i + 1;
    const row = [left];
    for (const [j, other] of Array.from(b).entries()) {
      left = Math.min(left + 1, above[j + 1]! + 1, above[j]! + (letter === other ? 0 : 1));
      row.push(left);
    }
    above = row;
  }
  return above.at(-1)!;
}

/**
 * Runs a check, and adds to its InvalidOptionError whose option it is. The client's and the broker's own checks throw the
 * same class.
 * @param where 'RocketMQModule.forRoot'
 * @param path the object that the option is in: 'embedded'
 */
export function inside<T>(where: string, path: string | undefined, check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw located(error, where, path);
  }
}

/** An InvalidOptionError with its place added; any other error unchanged. */
export function located(error: unknown, where: string, path?: string): unknown {
  if (!(error instanceof InvalidOptionError) || error.where !== undefined) return error;
  const option = path === undefined ? error.option : `${path}.${error.option}`;
  return new InvalidOptionError(option, error.given, error.allowed, where, { cause: error });
}

export function checkInteger(option: string, given: unknown, min: number, max: number, unit = ''): number {
  if (typeof given === 'number' && Number.isInteger(given) && given >= min && given <= max) return given;
  throw new InvalidOptionError(option, given, `an integer from ${min} to ${max}${unit && ` (${unit})`}`);
}

/** Checks a length of time. @param min ms @param max ms @returns ms */
export function checkDuration(option: string, given: unknown, min: number, max: number): number {
  const length = milliseconds(given);
  if (length !== undefined && Number.isInteger(length) && length >= min && length <= max) return length;
  throw new InvalidOptionError(
    option,
    given,
    `an integer from ${min} to ${max} (ms), or a length such as '30s' or '15m'`,
  );
}

/** Checks a point in time. @param given a Date, or ms since the epoch @returns ms since the epoch */
export function checkTime(option: string, given: unknown): number {
  const time = given instanceof Date ? given.getTime() : given;
  if (typeof time === 'number' && Number.isSafeInteger(time) && time >= 0) return time;
  throw new InvalidOptionError(option, given, 'a valid Date, or ms since the epoch');
}

/** The unit of an Apache setting that is a length of time here. */
export interface ApacheUnit {
  readonly name: string;
  readonly letter: string;
  /** ms */
  readonly length: number;
}

export const SECONDS: ApacheUnit = { name: 'seconds', letter: 's', length: 1_000 };
export const MINUTES: ApacheUnit = { name: 'minutes', letter: 'm', length: 60_000 };
export const HOURS: ApacheUnit = { name: 'hours', letter: 'h', length: 3_600_000 };

/**
 * Checks a length of time that RocketMQ counts in whole seconds, minutes or hours. A number is ms, as everywhere. One that would be
 * right in Apache's unit is refused, since it may be meant so.
 * @param max in `unit`
 * @returns the number of `unit`s
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

/** @throws InvalidOptionError */
export function checkFolder(option: string, given: unknown): string {
  if (typeof given === 'string' && given.trim() !== '') return given;
  throw new InvalidOptionError(option, given, "the path of a folder, or 'memory'");
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

/** Checks an object of the user's own by its methods. */
export function checkMethods(option: string, given: unknown, methods: readonly string[]): void {
  const candidate = given as Record<string, unknown> | null | undefined;
  if (typeof given === 'object' && methods.every((method) => typeof candidate?.[method] === 'function')) return;
  throw new InvalidOptionError(option, given, `an object with ${methods.map((method) => `${method}()`).join(' and ')}`);
}

/** Checks 'host:port;host2:port', and returns it without spaces. */
export function checkAddresses(option: string, given: unknown): string {
  const parts = typeof given === 'string' ? given.split(';').map((part) => part.trim()) : [];
  const addresses = parts.filter((part) => part !== '');
  if (addresses.length > 0 && addresses.every(isDialable)) return addresses.join(';');
  throw new InvalidOptionError(option, given, `'host:port', or several as 'host:port;host2:port'`);
}
