// Splits an SQL92 expression into tokens, as Apache's SelectorParser.jj (5.5.0) defines them.
import { printable } from '@nest-rocketmq/remoting/internal';
import { InvalidFilterError } from './invalid-filter-error.js';

const KEYWORDS = [
  'not',
  'and',
  'or',
  'between',
  'in',
  'true',
  'false',
  'null',
  'is',
  'contains',
  'startswith',
  'endswith',
] as const;
const OPERATORS = ['<>', '<=', '>=', '=', '<', '>', '(', ')', ',', '+', '-'] as const;

export type Keyword = (typeof KEYWORDS)[number];
export type Operator = (typeof OPERATORS)[number];
export type TokenKind = Keyword | Operator | 'name' | 'string' | 'integer' | 'decimal' | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** As it stands in the expression; of a string, what it means. */
  readonly text: string;
  /** Index of its first character. */
  readonly at: number;
}

const WHITE_SPACE = ' \t\n\r\f';
const keywords = new Set<string>(KEYWORDS);

/** Whether a character code is one of an ASCII digit. */
export const isDigit = (code: number): boolean => code >= 48 && code <= 57;

function isNameStart(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 95 || code === 36;
}

/**
 * Gives one token at a time. What stands behind the last token that the parser asks for is never looked at: Apache's
 * parser does not ask for the end of the expression either.
 */
export class Lexer {
  #at = 0;

  constructor(readonly expression: string) {}

  /** @throws InvalidFilterError */
  next(): Token {
    this.#skip();
    const { expression } = this;
    const at = this.#at;
    // As in JavaCC, the end is where the last character stands.
    if (at >= expression.length) return { kind: 'end', text: '', at: Math.max(0, at - 1) };
    const code = expression.charCodeAt(at);
    if (isNameStart(code)) return this.#name();
    if (isDigit(code) || (code === 46 && isDigit(expression.charCodeAt(at + 1)))) return this.#number();
    if (expression[at] === "'") return this.#string();
    const operator = OPERATORS.find((one) => expression.startsWith(one, at));
    if (operator !== undefined) return this.#token(operator, at + operator.length);
    throw new InvalidFilterError(`the character '${printable(expression[at])}' is not allowed here`, expression, at);
  }

  /** White space and comments. One that does not end is none: `--` is then two signs, and a slash an error. */
  #skip(): void {
    const { expression } = this;
    for (;;) {
      while (this.#at < expression.length && WHITE_SPACE.includes(expression[this.#at])) this.#at++;
      const end = commentEnd(expression, this.#at);
      if (end < 0) return;
      this.#at = end;
    }
  }

  #name(): Token {
    const { expression } = this;
    let end = this.#at + 1;
    while (isNameStart(expression.charCodeAt(end)) || isDigit(expression.charCodeAt(end))) end++;
    const word = expression.slice(this.#at, end).toLowerCase();
    return this.#token(keywords.has(word) ? (word as Keyword) : 'name', end);
  }

  #number(): Token {
    const { expression } = this;
    const start = this.#at;
    let end = this.#digits(start);
    const integerEnd = end;
    if (expression[end] === '.') end = this.#digits(end + 1);
    end = this.#exponent(end);
    if (end > integerEnd) return this.#token('decimal', end);
    // Apache's integers have no leading zeros: the next digit begins another token.
    if (expression[start] === '0') return this.#token('integer', start + 1);
    const suffix = expression[end] === 'l' || expression[end] === 'L' ? 1 : 0;
    return this.#token('integer', end + suffix);
  }

  /** Where the digits from `at` on end. */
  #digits(at: number): number {
    let end = at;
    while (isDigit(this.expression.charCodeAt(end))) end++;
    return end;
  }

  /** Where an exponent from `at` on ends; `at` where there is none. */
  #exponent(at: number): number {
    const { expression } = this;
    if (expression[at] !== 'e' && expression[at] !== 'E') return at;
    const digits = expression[at + 1] === '+' || expression[at + 1] === '-' ? at + 2 : at + 1;
    return isDigit(expression.charCodeAt(digits)) ? this.#digits(digits) : at;
  }

  #string(): Token {
    const { expression } = this;
    const start = this.#at;
    let end = expression.indexOf("'", start + 1);
    while (end >= 0 && expression[end + 1] === "'") {
      const next = expression.indexOf("'", end + 2);
      // As in JavaCC, the longest string that does end is taken.
      if (next < 0) break;
      end = next;
    }
    if (end < 0) throw new InvalidFilterError('the string that begins here does not end', expression, start);
    this.#at = end + 1;
    return { kind: 'string', text: expression.slice(start + 1, end).replaceAll("''", "'"), at: start };
  }

  #token(kind: TokenKind, end: number): Token {
    const at = this.#at;
    this.#at = end;
    return { kind, text: this.expression.slice(at, end), at };
  }
}

/** Where the comment at `at` ends; -1 where none begins there, or it does not end. */
function commentEnd(expression: string, at: number): number {
  if (expression.startsWith('/*', at)) {
    const end = expression.indexOf('*/', at + 2);
    return end < 0 ? -1 : end + 2;
  }
  if (!expression.startsWith('--', at)) return -1;
  for (let end = at + 2; end < expression.length; end++) {
    if (expression[end] === '\n' || expression[end] === '\r') return end + 1;
  }
  return -1;
}
