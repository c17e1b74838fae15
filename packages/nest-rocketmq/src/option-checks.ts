// Owns the checks that options share. Each returns the value or throws an InvalidOptionError that names the option.
import { InvalidOptionError } from './errors.js';

const ADDRESS = /^(?:[^\s:;,/[\]]+|\[[0-9a-fA-F:.%]+\]):(\d{1,5})$/;
const HIGHEST_PORT = 65_535;

/** A plain object with no key outside `known`: a misspelt option must not pass as a default. */
export function checkKeys(option: string, given: unknown, known: readonly string[]): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new InvalidOptionError(option, given, `an object of ${known.join(', ')}`);
  }
  const unknown = Object.keys(given).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  const close = known.find((key) => key.toLowerCase() === unknown.toLowerCase());
  const name = option === 'options' ? unknown : `${option}.${unknown}`;
  const value = (given as Record<string, unknown>)[unknown];
  throw new InvalidOptionError(
    name,
    value,
    close ? `the option is called ${close}` : `one of the options ${known.join(', ')}`,
  );
}

export function checkInteger(option: string, given: unknown, min: number, max: number, unit = ''): number {
  if (typeof given === 'number' && Number.isInteger(given) && given >= min && given <= max) return given;
  throw new InvalidOptionError(option, given, `an integer from ${min} to ${max}${unit && ` (${unit})`}`);
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
  if (addresses.length > 0 && addresses.every(isAddress)) return addresses.join(';');
  throw new InvalidOptionError(option, given, `'host:port', or several as 'host:port;host2:port'`);
}

function isAddress(text: string): boolean {
  const port = Number(ADDRESS.exec(text)?.[1]);
  return port >= 1 && port <= HIGHEST_PORT;
}
