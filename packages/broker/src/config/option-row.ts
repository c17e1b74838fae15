// Describes one option of the broker: its type, default and range, and where it can be given.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';

/** The option as a flag of the command nest-rocketmq-broker. */
export interface FlagOfOption {
  /** Without the two dashes. */
  readonly name: string;
  /** What stands behind it in `--help`. */
  readonly argument: string;
  /** What the command takes without the flag. */
  readonly fallback: string;
  readonly says: string;
}

/** The option as a row of LIMITS.md. */
export interface LimitOfOption {
  readonly chapter: 'Topics, groups, messages' | 'Connections and memory' | 'Name server';
  /** What is limited, and what happens beyond the limit. */
  readonly says: string;
}

/** Where else than in `BrokerOptions` an option stands. */
export interface Places<Given> {
  readonly flag?: FlagOfOption;
  /** Its key in broker.conf where Apache's name differs from ours. */
  readonly conf?: string;
  /** Apache's words in broker.conf for its values. */
  readonly confWords?: ReadonlyMap<string, Given>;
  readonly limit?: LimitOfOption;
}

/** @typeParam Given what a user may give. @typeParam Value what the broker works with */
export interface OptionRow<Given, Value = Given> extends Places<Given> {
  /** As TypeScript writes it. */
  readonly type: string;
  /** Undefined where it depends on other options: see `fallbackSays`. */
  readonly fallback: Given | undefined;
  readonly fallbackSays?: string;
  readonly unit?: string;
  /** Which values are allowed, in words. */
  readonly range?: string;
  /** What it is, in one or two sentences. */
  readonly says: string;
  /** @throws InvalidOptionError for a value that is not allowed */
  check(option: string, given: unknown): Value;
  /** A value of broker.conf. @throws InvalidOptionError */
  parse(key: string, text: string): Given;
}

export type GivenOf<Row> = Row extends OptionRow<infer Given, infer _Value> ? Given : never;
export type ValueOf<Row> = Row extends OptionRow<infer _Given, infer Value> ? Value : never;

export function integer(
  fallback: number,
  [min, max]: readonly [number, number],
  unit: string | undefined,
  says: string,
  limit?: LimitOfOption,
): OptionRow<number> {
  const range = `${min} to ${max}`;
  return {
    type: 'number',
    fallback,
    says,
    range,
    ...(unit !== undefined && { unit }),
    ...(limit && { limit }),
    check(option, given) {
      if (Number.isInteger(given) && Number(given) >= min && Number(given) <= max) return Number(given);
      throw new InvalidOptionError(option, given, `an integer from ${range}`);
    },
    parse(key, text) {
      if (/^-?\d{1,15}$/.test(text)) return Number(text);
      throw new InvalidOptionError(key, text, 'an integer');
    },
  };
}

export function flag(fallback: boolean, says: string): OptionRow<boolean> {
  const allowed = 'true or false';
  return {
    type: 'boolean',
    fallback,
    says,
    check(option, given) {
      if (typeof given === 'boolean') return given;
      throw new InvalidOptionError(option, given, allowed);
    },
    parse(key, text) {
      if (text === 'true' || text === 'false') return text === 'true';
      throw new InvalidOptionError(key, text, allowed);
    },
  };
}

interface TextRow<Given extends string, Value> extends Places<Given> {
  readonly fallback?: Given;
  readonly fallbackSays?: string;
  readonly range?: string;
  readonly says: string;
  check(option: string, given: unknown): Value;
}

export function text<Value = string>(row: TextRow<string, Value>): OptionRow<string, Value> {
  return { fallback: undefined, type: 'string', parse: (_key, value) => value, ...row };
}

/** A text of which there are only a few. */
export function choice<Word extends string>(
  words: readonly Word[],
  row: Omit<TextRow<Word, Word>, 'check' | 'range'>,
): OptionRow<Word> {
  const type = words.map((word) => `'${word}'`).join(' | ');
  const allowed = words.map((word) => `"${word}"`).join(' or ');
  const check = (option: string, given: unknown): Word => {
    const known = words.find((word) => word === given);
    if (known === undefined) throw new InvalidOptionError(option, given, allowed);
    return known;
  };
  return { fallback: undefined, ...row, type, check, parse: (key, value) => check(key, value) };
}
