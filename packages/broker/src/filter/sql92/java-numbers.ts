// Reads numbers from texts as Java's valueOf does: Integer's, Long's and Double's. Undefined stands for its
// NumberFormatException. Property values come from outside: each of these takes time in proportion to their length.
import { isDigit } from './lexer.js';

const MIN_INTEGER = -0x80000000;
const MAX_INTEGER = 0x7fffffff;
const MIN_LONG = -0x8000000000000000n;
const MAX_LONG = 0x7fffffffffffffffn;
/** Digits that a JavaScript number holds exactly. */
const EXACT_DIGITS = 15;
/** Digits of the largest Long. */
const LONG_DIGITS = 19;
const [PLUS, MINUS, ZERO, SPACE] = [43, 45, 48, 32];

/** Java's Integer.valueOf. */
export function integerOf(text: string): number | undefined {
  const value = longOf(text);
  return value === undefined || value < MIN_INTEGER || value > MAX_INTEGER ? undefined : Number(value);
}

/** Java's Long.valueOf. A number where that is exact, else a bigint: the two compare as numbers do. */
export function longOf(text: string): number | bigint | undefined {
  const sign = text.charCodeAt(0);
  const signed = sign === PLUS || sign === MINUS;
  let at = signed ? 1 : 0;
  if (at === text.length) return undefined;
  let value = 0;
  let digits = '';
  for (; at < text.length; at++) {
    const digit = digitOf(text.charCodeAt(at));
    if (digit === undefined) return undefined;
    if (digits === '' && digit === 0) continue;
    digits += String.fromCharCode(ZERO + digit);
    if (digits.length > LONG_DIGITS) return undefined;
    value = value * 10 + digit;
  }
  if (digits.length <= EXACT_DIGITS) return sign === MINUS ? -value : value;
  const exact = sign === MINUS ? -BigInt(digits) : BigInt(digits);
  return exact < MIN_LONG || exact > MAX_LONG ? undefined : exact;
}

/** Java takes the decimal digits of every script, one UTF-16 unit each. */
function digitOf(code: number): number | undefined {
  if (isDigit(code)) return code - ZERO;
  if (code < 0x80 || !isDecimalDigit(code)) return undefined;
  let zero = code;
  // Each script has its ten in a row.
  while (code - zero < 9 && isDecimalDigit(zero - 1)) zero--;
  return code - zero;
}

const isDecimalDigit = (code: number): boolean => /^\p{Nd}$/u.test(String.fromCharCode(code));

const DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?[fFdD]?$/;
const HEXADECIMAL = /^([+-]?)0[xX](?:([\da-fA-F]+)\.?|([\da-fA-F]*)\.([\da-fA-F]+))[pP]([+-]?\d+)[fFdD]?$/;
const SUFFIX = /[fFdD]$/;

/** Java's Double.valueOf. */
export function doubleOf(text: string): number | undefined {
  const trimmed = trim(text);
  if (DECIMAL.test(trimmed)) return Number(SUFFIX.test(trimmed) ? trimmed.slice(0, -1) : trimmed);
  const sign = trimmed[0] === '-' || trimmed[0] === '+' ? trimmed[0] : '';
  const unsigned = trimmed.slice(sign.length);
  if (unsigned === 'NaN') return NaN;
  if (unsigned === 'Infinity') return sign === '-' ? -Infinity : Infinity;
  const match = HEXADECIMAL.exec(trimmed);
  if (!match) return undefined;
  const [, , whole = match[3] ?? '', , fraction = '', exponent] = match;
  const value = hexadecimal(whole + fraction, Number(exponent) - 4 * fraction.length);
  return sign === '-' ? -value : value;
}

/** Java's String.trim. */
function trim(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && text.charCodeAt(start) <= SPACE) start++;
  while (end > start && text.charCodeAt(end - 1) <= SPACE) end--;
  return start === 0 && end === text.length ? text : text.slice(start, end);
}

/** More hexadecimal digits than a Double can tell apart. */
const MOST_HEX_DIGITS = 17;
const MANTISSA_BITS = 53;
const LEAST_EXPONENT = -1074;
const GREATEST_EXPONENT = 1024;

/** `digits` × 2^exponent, rounded half to even. */
function hexadecimal(digits: string, exponent: number): number {
  const significant = digits.replace(/^0+/, '');
  if (significant === '') return 0;
  const kept = significant.slice(0, MOST_HEX_DIGITS);
  const cut = significant.slice(MOST_HEX_DIGITS);
  // One more digit stands for all that were cut off: it decides ties.
  const mantissa = (BigInt(`0x${kept}`) << 4n) | (/[^0]/.test(cut) ? 1n : 0n);
  const power = exponent + 4 * cut.length - 4;
  const bits = mantissa.toString(2).length;
  if (power + bits > GREATEST_EXPONENT) return Infinity;
  const unit = Math.max(power + bits - MANTISSA_BITS, LEAST_EXPONENT);
  if (power + bits < LEAST_EXPONENT) return 0;
  return scaled(rounded(mantissa, unit - power), unit);
}

/** `value` / 2^bits, rounded half to even. */
function rounded(value: bigint, bits: number): number {
  if (bits <= 0) return Number(value << BigInt(-bits));
  const shift = BigInt(bits);
  const whole = value >> shift;
  const twice = (value - (whole << shift)) << 1n;
  const half = 1n << shift;
  const up = twice > half || (twice === half && (whole & 1n) === 1n);
  return Number(up ? whole + 1n : whole);
}

/** `value` × 2^exponent; in two steps, as 2^exponent alone may be out of range. */
function scaled(value: number, exponent: number): number {
  const first = Math.trunc(exponent / 2);
  return value * 2 ** first * 2 ** (exponent - first);
}
