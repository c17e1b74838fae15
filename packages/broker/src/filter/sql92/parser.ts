// Parses an SQL92 expression by the grammar of Apache's SelectorParser.jj (5.5.0), and refuses what that refuses.
import { printable } from '@nest-rocketmq/remoting/internal';
import { InvalidFilterError } from './invalid-filter-error.js';
import { Lexer } from './lexer.js';
import type { Token, TokenKind } from './lexer.js';
import { literalOf } from './literals.js';
import { isLiteral, isNumber, isOperand } from './syntax.js';
import type { Comparison, Condition, Expression, Operand, TextTest } from './syntax.js';

/** What an expression may ask of the broker; the names are those of the broker's options. */
export interface FilterLimits {
  /** Parentheses, NOTs and signs inside each other. */
  readonly maxFilterDepth: number;
  /** Values and operators: what is looked at for each message. */
  readonly maxFilterTerms: number;
}

/** Part of an expression, and where it begins. */
interface Part {
  readonly expression: Expression;
  readonly at: number;
}

const COMPARISONS: ReadonlySet<TokenKind> = new Set<Comparison>(['>', '>=', '<', '<=']);
const TEXT_TESTS: ReadonlySet<TokenKind> = new Set<TextTest>(['contains', 'startswith', 'endswith']);
const AFTER_NOT: ReadonlySet<TokenKind> = new Set<TokenKind>([...TEXT_TESTS, 'between', 'in']);
const A_VALUE = 'a property, a value, NOT, a sign or (';

const isComparison = (kind: TokenKind): kind is Comparison => COMPARISONS.has(kind);
const isTextTest = (kind: TokenKind): kind is TextTest => TEXT_TESTS.has(kind);

/**
 * What stands behind a complete expression is not looked at, apart from its first token: so does Apache.
 * @throws InvalidFilterError
 */
export function parse(expression: string, limits: FilterLimits): Condition {
  return new Parser(expression, limits).parse();
}

class Parser {
  readonly #lexer: Lexer;
  /** Tokens that were looked at, and are not taken yet: two at most. */
  readonly #ahead: Token[] = [];
  #depth = 0;
  #terms = 0;

  constructor(
    readonly expression: string,
    readonly limits: FilterLimits,
  ) {
    this.#lexer = new Lexer(expression);
  }

  parse(): Condition {
    return this.#condition(this.#or());
  }

  #or(): Part {
    return this.#chain('or', () => this.#and());
  }

  #and(): Part {
    return this.#chain('and', () => this.#equality());
  }

  /** Parts with AND or OR between them. */
  #chain(kind: 'and' | 'or', next: () => Part): Part {
    const first = next();
    if (this.#peek().kind !== kind) return first;
    const parts = [first];
    while (this.#peek().kind === kind) {
      this.#term(this.#take());
      parts.push(next());
      if (parts.length === 2) this.#condition(first);
      this.#condition(parts.at(-1)!);
    }
    return { expression: { kind, parts: parts.map((part) => this.#condition(part)) }, at: first.at };
  }

  #equality(): Part {
    let left = this.#comparison();
    for (;;) {
      const { kind } = this.#peek();
      if (kind !== '=' && kind !== '<>' && kind !== 'is') return left;
      this.#term(this.#take());
      const expression = kind === 'is' ? this.#isNull(left) : this.#equal(left, kind === '<>');
      left = { expression, at: left.at };
    }
  }

  #isNull(left: Part): Condition {
    const not = this.#peek().kind === 'not';
    if (not) this.#take();
    this.#expect('null', not ? 'NULL' : 'NULL or NOT NULL');
    return negatedIf(not, { kind: 'isNull', of: left.expression });
  }

  #equal(left: Part, not: boolean): Condition {
    const right = this.#comparison();
    for (const { expression, at } of [left, right]) {
      if (expression.kind !== 'constant' || expression.value !== null) continue;
      throw this.#error('NULL cannot be compared: write IS NULL or IS NOT NULL', at);
    }
    const incomparable = left.expression.kind === 'constant' && isLiteral(right.expression);
    if (incomparable && right.expression.kind !== 'constant') {
      throw this.#error('TRUE and FALSE cannot be compared with a string or a number', left.at);
    }
    return negatedIf(not, { kind: 'equal', left: left.expression, right: right.expression });
  }

  #comparison(): Part {
    let left = this.#unary();
    for (;;) {
      const expression = this.#comparisonOf(left);
      if (!expression) return left;
      left = { expression, at: left.at };
    }
  }

  #comparisonOf(left: Part): Condition | undefined {
    const first = this.#peek();
    const not = first.kind === 'not';
    if (not && !AFTER_NOT.has(this.#peek(1).kind)) {
      throw this.#unexpected(
        first,
        'an operator: behind a value, NOT needs BETWEEN, IN, CONTAINS, STARTSWITH or ENDSWITH',
      );
    }
    const { kind } = not ? this.#peek(1) : first;
    if (!isComparison(kind) && !AFTER_NOT.has(kind)) return undefined;
    if (not) this.#take();
    this.#term(this.#take());
    if (isComparison(kind)) {
      const right = this.#unary();
      return { kind: 'compare', operator: kind, left: this.#number(left), right: this.#number(right) };
    }
    if (isTextTest(kind)) return { kind: 'text', test: kind, not, of: left.expression, search: this.#string() };
    return kind === 'in' ? this.#in(left, not) : this.#between(left, not);
  }

  #between(left: Part, not: boolean): Condition {
    const low = this.#unary();
    this.#expect('and', 'AND');
    const high = this.#unary();
    const [of, least, most] = [left, low, high].map((part) => this.#number(part)) as [Operand, Operand, Operand];
    if (!not && isWrittenLess(most, least)) {
      throw this.#error('the first value of BETWEEN is greater than the second', low.at);
    }
    return { kind: 'between', not, of, low: least, high: most };
  }

  #in(left: Part, not: boolean): Condition {
    this.#expect('(', '(');
    const values = [this.#string()];
    while (this.#peek().kind === ',') {
      this.#take();
      values.push(this.#string());
    }
    this.#expect(')', ', or )');
    if (left.expression.kind !== 'property') throw this.#error('IN needs a property on its left', left.at);
    return { kind: 'in', not, name: left.expression.name, values };
  }

  #unary(): Part {
    const first = this.#peek();
    const { kind, at } = first;
    if (kind !== '+' && kind !== '-' && kind !== 'not' && kind !== '(') return this.#primary();
    this.#term(this.#take());
    if (++this.#depth > this.limits.maxFilterDepth) {
      throw this.#error(`it is nested deeper than maxFilterDepth=${this.limits.maxFilterDepth} allows`, at);
    }
    const inner = kind === '(' ? this.#or() : this.#unary();
    this.#depth--;
    if (kind === '(') this.#expect(')', 'an operator or )');
    if (kind === '-') return { expression: { kind: 'negative', of: inner.expression }, at };
    if (kind === 'not') return { expression: { kind: 'not', of: this.#condition(inner) }, at };
    return { expression: inner.expression, at };
  }

  #primary(): Part {
    const token = this.#peek();
    const { at, kind, text } = token;
    const literal = kind === 'name' ? undefined : literalOf(token, (problem) => this.#error(problem, at));
    if (kind !== 'name' && !literal) throw this.#unexpected(token, A_VALUE);
    this.#term(this.#take());
    return { expression: literal ?? { kind: 'property', name: text }, at };
  }

  /** Apache casts a property to a condition, and nothing else. */
  #condition({ expression, at }: Part): Condition {
    if (!isOperand(expression)) return expression;
    if (expression.kind === 'property') return { kind: 'cast', name: expression.name };
    throw this.#error('a condition is expected here, not a value', at);
  }

  /** What may stand beside <, <=, >, >= and BETWEEN. */
  #number({ expression, at }: Part): Operand {
    if (!isOperand(expression) || expression.kind === 'string') {
      const found = expression.kind === 'string' ? 'a string' : 'a condition';
      throw this.#error(`numbers and properties alone have an order, not ${found}`, at);
    }
    return expression;
  }

  #string(): string {
    return this.#expect('string', "a string, such as 'a'").text;
  }

  #peek(index = 0): Token {
    while (this.#ahead.length <= index) this.#ahead.push(this.#lexer.next());
    return this.#ahead[index]!;
  }

  #take(): Token {
    const token = this.#peek();
    this.#ahead.shift();
    return token;
  }

  #expect(kind: TokenKind, expected: string): Token {
    const token = this.#peek();
    if (token.kind !== kind) throw this.#unexpected(token, expected);
    return this.#take();
  }

  #term({ at }: Token): void {
    const { maxFilterTerms } = this.limits;
    if (++this.#terms <= maxFilterTerms) return;
    throw this.#error(`it has more values and operators than maxFilterTerms=${maxFilterTerms} allows`, at);
  }

  #unexpected({ kind, text, at }: Token, expected: string): InvalidFilterError {
    const found =
      kind === 'end' ? 'the expression ends' : kind === 'string' ? 'a string stands' : `'${printable(text)}' stands`;
    return this.#error(`${found} where ${expected} is expected`, at);
  }

  #error(problem: string, at: number): InvalidFilterError {
    return new InvalidFilterError(problem, this.expression, at);
  }
}

function negatedIf(not: boolean, of: Condition): Condition {
  return not ? { kind: 'not', of } : of;
}

/** Of two numbers that are written without a sign, whether the first is less. */
function isWrittenLess(one: Operand, other: Operand): boolean {
  if (!isNumber(one) || !isNumber(other)) return false;
  const asDoubles = one.kind === 'double' || other.kind === 'double';
  return asDoubles ? Number(one.value) < Number(other.value) : one.value < other.value;
}
