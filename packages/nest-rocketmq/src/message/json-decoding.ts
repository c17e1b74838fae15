// Parses JSON without silently rounding integers beyond 2^53.
import { randomBytes } from 'node:crypto';
import { MessageDecodeError } from '../errors.js';

/**
 * What to do with an integer that a JavaScript number cannot hold exactly: refuse the body, turn it into a string or a
 * BigInt, or round it.
 */
export type BigIntegerPolicy = 'error' | 'string' | 'bigint' | 'number';

export const BIG_INTEGER_POLICIES: readonly BigIntegerPolicy[] = ['error', 'string', 'bigint', 'number'];

const BYTE_ORDER_MARK = 0xfeff;
/** The shortest integer beyond 2^53 has 16 digits: a text without such a run is safe. */
const LONG_DIGITS = /\d{16}/;
/** Matches strings, so that digits in them are skipped, and integers of at least 16 digits. */
const STRING_OR_LONG_INTEGER = /"[^"\\]*(?:\\.[^"\\]*)*"|(?<![\d.eE+-])-?\d{16,}(?![\d.eE])/gs;

/** @throws SyntaxError, or MessageDecodeError by the policy 'error' */
export function parseJson(text: string, bigIntegers: BigIntegerPolicy): unknown {
  // Some producers on Windows write a byte order mark, which JSON.parse refuses.
  const json = text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text;
  if (bigIntegers === 'number' || !LONG_DIGITS.test(json)) return JSON.parse(json) as unknown;
  return parseWithBigIntegers(json, bigIntegers);
}

function parseWithBigIntegers(json: string, policy: BigIntegerPolicy): unknown {
  // Parsed before any digits are quoted: the text itself has to be JSON.
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

/** 'error' concerns only what rounding would change; the other types all integers beyond 2^53, so that types are stable. */
function isAffected(digits: string, policy: BigIntegerPolicy): boolean {
  const number = Number(digits);
  if (policy !== 'error') return !Number.isSafeInteger(number);
  // JavaScript writes the shortest digits that parse to the number, Java writes all of them.
  return String(number) !== digits && !(Number.isFinite(number) && BigInt(number) === BigInt(digits));
}

function shortened(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
