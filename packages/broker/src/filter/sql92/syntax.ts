// Declares the parts of a parsed SQL92 expression; the names follow the classes of Apache's filter module.

export type Comparison = '>' | '>=' | '<' | '<=';
export type TextTest = 'contains' | 'startswith' | 'endswith';

/** Something with a value, which is no condition. */
export type Operand =
  | { readonly kind: 'property'; readonly name: string }
  | { readonly kind: 'string'; readonly value: string }
  /** From -2^31 to 2^31 - 1 a Java Integer, otherwise a Long. */
  | { readonly kind: 'integer'; readonly value: number }
  | { readonly kind: 'long'; readonly value: bigint }
  | { readonly kind: 'double'; readonly value: number }
  | { readonly kind: 'negative'; readonly of: Expression };

/** Something that is true, false or unknown. */
export type Condition =
  | { readonly kind: 'constant'; readonly value: boolean | null }
  /** A property that stands where a condition must. */
  | { readonly kind: 'cast'; readonly name: string }
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Condition[] }
  | { readonly kind: 'not'; readonly of: Condition }
  | { readonly kind: 'equal'; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'isNull'; readonly of: Expression }
  | { readonly kind: 'compare'; readonly operator: Comparison; readonly left: Operand; readonly right: Operand }
  | {
      readonly kind: 'between';
      readonly not: boolean;
      readonly of: Operand;
      readonly low: Operand;
      readonly high: Operand;
    }
  | { readonly kind: 'in'; readonly not: boolean; readonly name: string; readonly values: readonly string[] }
  | {
      readonly kind: 'text';
      readonly test: TextTest;
      readonly not: boolean;
      readonly of: Expression;
      readonly search: string;
    };

export type Expression = Operand | Condition;

const OPERANDS: ReadonlySet<string> = new Set<Operand['kind']>([
  'property',
  'string',
  'integer',
  'long',
  'double',
  'negative',
]);

export function isOperand(expression: Expression): expression is Operand {
  return OPERANDS.has(expression.kind);
}

export type NumberLiteral = Extract<Operand, { readonly kind: 'integer' | 'long' | 'double' }>;

export function isNumber(expression: Expression): expression is NumberLiteral {
  return expression.kind === 'integer' || expression.kind === 'long' || expression.kind === 'double';
}

/** A literal: its value is known without a message. Apache does not count a number behind a minus. */
export function isLiteral(expression: Expression): boolean {
  return (
    expression.kind === 'constant' || (isOperand(expression) && !['property', 'negative'].includes(expression.kind))
  );
}
