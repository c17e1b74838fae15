// Orders two values as Apache's ComparisonExpression does, which converts texts to the type of the other side.
import { doubleOf, integerOf, longOf } from './java-numbers.js';

/** A value while an expression is evaluated; `null` is Java's. */
export type Value = string | number | bigint | boolean | null | typeof FAILED;
export type Known = string | number | bigint | boolean;

/** What an exception is in Java: the whole expression has no result, and the message is not delivered. */
export const FAILED = Symbol('failed');

/** The Java type of a value, which is known before there is a message. */
export type ValueType = 'text' | 'integer' | 'long' | 'double' | 'boolean' | 'nothing';
type NumberType = 'integer' | 'long' | 'double';

/** Less than 0, 0 or greater, as Java's compareTo. */
export type Order = (left: Known, right: Known) => number | typeof FAILED;

const NUMBER_OF: Record<NumberType, (text: string) => number | bigint | undefined> = {
  integer: integerOf,
  long: longOf,
  double: doubleOf,
};

const isNumberType = (type: ValueType): type is NumberType => Object.hasOwn(NUMBER_OF, type);

/** What Java answers where it cannot compare. */
const INCOMPARABLE: Order = () => -1;
const FAILS: Order = () => FAILED;

/** @param byNumber whether two texts are compared as numbers: for <, <=, > and >= */
export function orderOf(left: ValueType, right: ValueType, byNumber: boolean): Order {
  if (left === 'text' && right === 'text') return byNumber ? textsAsDoubles : texts;
  if (left === 'text' && isNumberType(right)) return textToNumber(right);
  if (isNumberType(left) && right === 'text') return reversed(textToNumber(left));
  if (isNumberType(left) && isNumberType(right)) return left === 'double' || right === 'double' ? asDoubles : numbers;
  if (left === 'boolean' && right === 'boolean') return numbers;
  if (left === 'text' && right === 'boolean') return (l, r) => numbers(String(l).toLowerCase() === 'true', r);
  // Apache's class casts the truth value to a text, which Java does not do.
  return left === 'boolean' && right === 'text' ? FAILS : INCOMPARABLE;
}

/** Of an integer and a bigint too. */
const numbers = (left: Known, right: Known): number => (left < right ? -1 : left > right ? 1 : 0);

/** Only whether they are equal is asked. */
const texts: Order = (left, right) => (left === right ? 0 : 1);

const asDoubles: Order = (left, right) => doubles(Number(left), Number(right));

/** Java's Double.compare: NaN is greater than all others and equal to itself, and -0.0 is less than 0.0. */
function doubles(left: number, right: number): number {
  if (left < right) return -1;
  if (left > right) return 1;
  if (left === right && left !== 0) return 0;
  return rank(left) - rank(right);
}

const rank = (value: number): number => (Number.isNaN(value) ? 2 : Object.is(value, -0) ? 0 : 1);

const textsAsDoubles: Order = (left, right) => {
  const l = doubleOf(left as string);
  const r = l === undefined ? undefined : doubleOf(right as string);
  return l === undefined || r === undefined ? FAILED : doubles(l, r);
};

function textToNumber(type: NumberType): Order {
  const read = NUMBER_OF[type];
  const order = type === 'double' ? asDoubles : numbers;
  return (left, right) => {
    const value = read(left as string);
    return value === undefined ? FAILED : order(value, right);
  };
}

function reversed(order: Order): Order {
  return (left, right) => {
    const answer = order(right, left);
    return answer === FAILED ? FAILED : -answer;
  };
}
