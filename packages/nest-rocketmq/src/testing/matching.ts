// Decides whether a message is the one that a test asks for.
import { inspect, isDeepStrictEqual } from 'node:util';
import { MessageProperty } from '@nest-rocketmq/remoting/internal';

/** What `expect.anything()` and the like of Jest and Vitest return. */
export interface AsymmetricMatcher {
  asymmetricMatch(other: unknown): boolean;
}

/** Some of the fields of a payload, at any depth. */
export type PartialDeep<T> = T extends (...args: never[]) => unknown
  ? T
  : T extends readonly (infer E)[]
    ? readonly (PartialDeep<E> | AsymmetricMatcher)[]
    : T extends object
      ? { readonly [K in keyof T]?: PartialDeep<T[K]> | AsymmetricMatcher }
      : T;

/**
 * Which message is meant: one of its keys or its id; some fields of its payload, in which the asymmetric matchers of Jest and
 * Vitest may stand (`expect.anything()`); or a function that says so.
 */
export type MessageMatch<P, M = unknown> =
  | string
  | AsymmetricMatcher
  | (unknown extends P ? object | number | boolean : PartialDeep<P>)
  | ((payload: P, message: M) => boolean);

/** Keeps a type from being inferred here: a match must not say what the payload is. */
export type Fixed<P> = [P][P extends unknown ? 0 : never];

/** What a match is tried on. */
export interface Matchable {
  readonly payload: unknown;
  readonly properties: ReadonlyMap<string, string>;
  readonly msgId: string;
}

export function matches<M extends Matchable>(message: M, match: MessageMatch<never, M> | undefined): boolean {
  if (match === undefined) return true;
  if (typeof match === 'string') return keysOf(message.properties).includes(match) || message.msgId === match;
  if (typeof match === 'function') {
    return (match as (payload: unknown, message: M) => boolean)(message.payload, message);
  }
  return includes(message.payload, match);
}

export function keysOf(properties: ReadonlyMap<string, string>): string[] {
  return (properties.get(MessageProperty.KEYS) ?? '').split(' ').filter((key) => key !== '');
}

/** For an error. */
export function describeMatch(match: unknown): string {
  if (match === undefined) return '';
  if (typeof match === 'string') return ` with key or id '${match}'`;
  return typeof match === 'function' ? ' that the function accepts' : ` like ${brief(match)}`;
}

export function brief(value: unknown): string {
  const text = inspect(value, { depth: 3, breakLength: Infinity, maxStringLength: 60, maxArrayLength: 5 });
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

/** Whether `expected` is part of `value`: its fields, at any depth. Lists have to be of the same length. */
function includes(value: unknown, expected: unknown): boolean {
  if (isAsymmetric(expected)) return expected.asymmetricMatch(value);
  if (Array.isArray(expected)) {
    return (
      Array.isArray(value) &&
      value.length === expected.length &&
      expected.every((each, at) => includes(value[at], each))
    );
  }
  if (!isPlain(expected)) return isDeepStrictEqual(value, expected);
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(expected).every(([key, each]) => includes((value as Record<string, unknown>)[key], each));
}

function isAsymmetric(value: unknown): value is AsymmetricMatcher {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { asymmetricMatch?: unknown }).asymmetricMatch === 'function'
  );
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}
