// Reads the values that are written in an SQL92 expression, within the ranges of Java's Integer, Long and Double.
import type { Token } from './lexer.js';
import type { Expression } from './syntax.js';

const MAX_INTEGER = 0x7fffffffn;
const MAX_LONG = 0x7fffffffffffffffn;
/** Digits of the largest Long. */
const LONG_DIGITS = 19;

/**
 * The value of a token, if it has one.
 * @param refuse makes the error for a value that is out of range
 */
export function literalOf({ kind, text }: Token, refuse: (problem: string) => Error): Expression | undefined {
  switch (kind) {
    case 'string':
      return { kind, value: text };
    case 'integer':
      return integerOf(text, refuse);
    case 'decimal':
      return decimalOf(text, refuse);
    case 'true':
    case 'false':
      return { kind: 'constant', value: kind === 'true' };
    case 'null':
      return { kind: 'constant', value: null };
    default:
      return undefined;
  }
}

function integerOf(text: string, refuse: (problem: string) => Error): Expression {
  const digits = text.replace(/l$/i, '');
  const value = digits.length > LONG_DIGITS ? undefined : BigInt(digits);
  if (value === undefined || value > MAX_LONG) throw refuse(`an integer is at most ${MAX_LONG}`);
  return value > MAX_INTEGER ? { kind: 'long', value } : { kind: 'integer', value: Number(value) };
}

/** Apache refuses zero and what is too small or too large for a Double. */
function decimalOf(text: string, refuse: (problem: string) => Error): Expression {
  const value = Number(text);
  if (value > 0 && value < Infinity) return { kind: 'double', value };
  throw refuse(`a decimal number is from ${Number.MIN_VALUE} to ${Number.MAX_VALUE}${value === 0 ? ': write 0' : ''}`);
}
