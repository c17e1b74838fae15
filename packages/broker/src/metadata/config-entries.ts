// Separates the entries of a configuration file that can be used from those that cannot, and names the latter in the log.
import { entriesOf, isObject, printable } from '@nest-rocketmq/remoting/internal';
import type { JsonObject, Logger } from '@nest-rocketmq/remoting/internal';

/** Bad entries that are named in one line. */
const MOST_NAMED = 20;

export interface Usable<T> {
  usable: [key: string, value: T][];
  /** Entries that cannot be used. */
  leftOut: number;
}

/**
 * @param what the entries are, for the log: `topics of topics.json`
 * @param decode undefined where the entry cannot be used
 */
export function usableEntries<T>(
  what: string,
  table: unknown,
  decode: (key: string, value: unknown) => T | undefined,
  logger: Logger,
): Usable<T> {
  const usable: [string, T][] = [];
  const bad: string[] = [];
  for (const [key, value] of entriesOf(table)) {
    const name = String(key);
    const decoded = decode(name, value);
    if (decoded === undefined) bad.push(name);
    else usable.push([name, decoded]);
  }
  if (bad.length > 0) logger.warn(`${what} with invalid values are ignored: ${listed(bad)}`);
  return { usable, leftOut: bad.length };
}

/** Names for a log line, with a limit on their number. */
export function listed(names: readonly string[]): string {
  const more = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : '';
  return names.slice(0, MOST_NAMED).map(printable).join(', ') + more;
}

/** A whole number from 0 to `most`, also as text; undefined if it is none. */
export function wholeNumber(value: unknown, most = Number.MAX_SAFE_INTEGER): number | undefined {
  const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
  return Number.isSafeInteger(number) && (number as number) >= 0 && (number as number) <= most
    ? (number as number)
    : undefined;
}

/** Whether each of these members is absent or a whole number from 0 to its most. */
export function haveWholeNumbers(json: unknown, most: Readonly<Record<string, number>>): json is JsonObject {
  if (!isObject(json)) return false;
  return Object.entries(most).every(
    ([name, limit]) => json[name] === undefined || wholeNumber(json[name], limit) !== undefined,
  );
}
