// Parses JSON without rounding integers beyond 2^53 in silence.
import { randomBytes } from 'node:crypto';
import { MessageDecodeError } from '../errors.js';

/** What becomes of an integer that a JavaScript number cannot hold exactly. */
export type BigIntegerPolicy = 'error' | 'string' | 'bigint' | 'number';

export const BIG_INTEGER_POLICIES: readonly BigIntegerPolicy[] = ['error', 'string', 'bigint', 'number'];

const BYTE_ORDER_MARK = 0xfeff;
/** The shortest integer beyond 2^53 has 16 digits: a text without such a run needs no second look. */
const LONG_DIGITS = /\d{16}/;
/** Strings, so that digits in them are passed over; integers of 16 digits or more without fraction or exponent. */
const STRING_OR_LONG_INTEGER = /"[^"\\]*(?:\\.[^"\\]*)*"|(?<![\d.eE+-])-?\d{16,}(?![\d.eE])/gs;

/** @throws SyntaxError, or MessageDecodeError by the policy 'error' */
export function parseJson(text: string, bigIntegers: BigIntegerPolicy): unknown {
  // Some producers on Windows write a mark, which JSON.parse takes for a wrong character.
  const json = text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text;
  if (bigIntegers === 'number' || !LONG_DIGITS.test(json)) return JSON.parse(json) as unknown;
  return parseWithBigIntegers(json, bigIntegers);
}

function parseWithBigIntegers(json: string, policy: BigIntegerPolicy): unknown {
  // Checked before any digit is put between quotes: the text itself has to be JSON.
  const rounded = JSON.parse(json) as unknown;
  const mark = `${randomBytes(8).toString('hex')}:`;
  let found = false;
  const marked = json.replace(STRING_OR_LONG_INTEGER, (token) => {
    if (token.startsWith('"') || !isAffected(token, policy)) return token;
    found = true;
    return `"${mark}${token}"`;
  });
  if (!found) return rounded;
  return JSON.parse(marked, (key, value: unknown) => {
    if (typeof value !== 'string' || !value.startsWith(mark)) return value;
    const digits = value.slice(mark.length);
    if (policy === 'string') return digits;
    if (policy === 'bigint') return BigInt(digits);
    throw new MessageDecodeError(
      `the number ${shortened(digits)}${key && ` of '${shortened(key)}'`} would be rounded to ${Number(digits)}. Set the module option ` +
        `messageConverter: new JsonMessageConverter({ bigIntegers: 'string' }), or 'bigint', or 'number' to let it be rounded.`,
    );
  }) as unknown;
}

/** An error is for what changes; a type, for all beyond 2^53 alike, whether or not a number happens to hold it. */
function isAffected(digits: string, policy: BigIntegerPolicy): boolean {
  const number = Number(digits);
  if (policy !== 'error') return !Number.isSafeInteger(number);
  // A JavaScript producer writes the shortest digits that give the number back, a Java producer all of them.
  return String(number) !== digits && !(Number.isFinite(number) && BigInt(number) === BigInt(digits));
}

function shortened(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
