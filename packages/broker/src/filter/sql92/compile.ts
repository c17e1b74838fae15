// Compiles a parsed SQL92 expression to closures that evaluate it as the classes of Apache's filter module do.
import { FAILED, orderOf } from './comparison.js';
import type { Value, ValueType } from './comparison.js';
import type { PropertySource } from './property-source.js';
import { isOperand } from './syntax.js';
import type { Comparison, Condition, Expression, TextTest } from './syntax.js';

/** What a condition says of a message. */
export const Truth = {
  FALSE: 0,
  TRUE: 1,
  /** Java's null: a property that the message does not have. */
  UNKNOWN: 2,
  /** An exception in Java: it ends the whole expression, and the message is not delivered. */
  FAILED: 3,
} as const;
export type Truth = (typeof Truth)[keyof typeof Truth];

/** Looks at the message that the source was loaded with. */
export type Evaluate = () => Truth;

interface Compiled {
  readonly type: ValueType;
  readonly value: () => Value;
}

const truthOf = (value: boolean): Truth => (value ? Truth.TRUE : Truth.FALSE);

const TESTS: Record<Comparison | '=', (order: number) => boolean> = {
  '=': (order) => order === 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
};

const TEXT_TESTS: Record<TextTest, (text: string, search: string) => boolean> = {
  contains: (text, search) => text.includes(search),
  startswith: (text, search) => text.startsWith(search),
  endswith: (text, search) => text.endsWith(search),
};

/** The names of the properties that an expression asks for. */
export function namesIn(condition: Expression): Set<string> {
  const names = new Set<string>();
  const visit = (part: unknown): void => {
    if (typeof part !== 'object' || part === null) return;
    if ('name' in part) names.add(part.name as string);
    for (const child of Object.values(part)) visit(child);
  };
  visit(condition);
  return names;
}

/** @param source has all of `namesIn` */
export function compile(condition: Condition, source: PropertySource): Evaluate {
  return new Compiler(source).condition(condition);
}

class Compiler {
  constructor(readonly source: PropertySource) {}

  condition(condition: Condition): Evaluate {
    switch (condition.kind) {
      case 'constant': {
        const truth = condition.value === null ? Truth.UNKNOWN : truthOf(condition.value);
        return () => truth;
      }
      case 'cast': {
        // Properties are texts, and a text is not true.
        const property = this.#property(condition.name);
        return () => (property() === null ? Truth.UNKNOWN : Truth.FALSE);
      }
      case 'and':
        return chain(
          condition.parts.map((part) => this.condition(part)),
          Truth.FALSE,
          Truth.TRUE,
        );
      case 'or':
        return chain(
          condition.parts.map((part) => this.condition(part)),
          Truth.TRUE,
          Truth.FALSE,
        );
      case 'not':
        return not(this.condition(condition.of));
      case 'equal':
        return equal(this.#value(condition.left), this.#value(condition.right));
      case 'isNull':
        return isNull(this.#value(condition.of));
      case 'compare':
        return compare(this.#value(condition.left), this.#value(condition.right), condition.operator);
      case 'between':
        return this.#between(condition);
      case 'in':
        return isIn(this.#property(condition.name), new Set(condition.values), condition.not);
      case 'text':
        return textTest(this.#value(condition.of), condition);
    }
  }

  #between({ not: outside, of, low, high }: Extract<Condition, { kind: 'between' }>): Evaluate {
    const value = this.#value(of);
    const [below, above] = outside ? (['<', '>'] as const) : (['>=', '<='] as const);
    const first = compare(value, this.#value(low), below);
    // Apache evaluates the value twice. A value that is never known has one outcome, and may be large.
    if (value.type === 'nothing') return first;
    const parts = [first, compare(value, this.#value(high), above)];
    return outside ? chain(parts, Truth.TRUE, Truth.FALSE) : chain(parts, Truth.FALSE, Truth.TRUE);
  }

  #property(name: string): () => string | null {
    const { source } = this;
    const index = source.names.indexOf(name);
    return () => source.get(index);
  }

  #value(expression: Expression): Compiled {
    if (!isOperand(expression)) {
      const evaluate = this.condition(expression);
      const literalNull = expression.kind === 'constant' && expression.value === null;
      return { type: literalNull ? 'nothing' : 'boolean', value: () => VALUES[evaluate()]! };
    }
    if (expression.kind === 'property') return { type: 'text', value: this.#property(expression.name) };
    if (expression.kind === 'negative') return this.#negative(expression.of);
    const { kind, value } = expression;
    return { type: kind === 'string' ? 'text' : kind, value: () => value };
  }

  /** Apache negates numbers. The negative of all else is null, of a property too: that is a text. */
  #negative(of: Expression): Compiled {
    const { type, value } = this.#value(of);
    if (type !== 'integer' && type !== 'long' && type !== 'double') {
      return { type: 'nothing', value: () => (value() === FAILED ? FAILED : null) };
    }
    const negative = -(value() as number | bigint);
    return { type, value: () => negative };
  }
}

/** By `Truth`. */
const VALUES: readonly Value[] = [false, true, null, FAILED];

/** AND and OR of several. @param decides the truth of one part that is the truth of all */
function chain(parts: readonly Evaluate[], decides: Truth, otherwise: Truth): Evaluate {
  return () => {
    let result = otherwise;
    for (const part of parts) {
      const truth = part();
      if (truth === decides || truth === Truth.FAILED) return truth;
      if (truth === Truth.UNKNOWN) result = Truth.UNKNOWN;
    }
    return result;
  };
}

function not(of: Evaluate): Evaluate {
  return () => {
    const truth = of();
    return truth === Truth.TRUE ? Truth.FALSE : truth === Truth.FALSE ? Truth.TRUE : truth;
  };
}

function isNull({ value }: Compiled): Evaluate {
  return () => {
    const found = value();
    return found === FAILED ? Truth.FAILED : truthOf(found === null);
  };
}

function equal(left: Compiled, right: Compiled): Evaluate {
  const order = orderOf(left.type, right.type, false);
  return () => {
    const l = left.value();
    if (l === FAILED) return Truth.FAILED;
    const r = right.value();
    if (r === FAILED) return Truth.FAILED;
    // Two that are both missing are equal.
    if (l === null) return r === null ? Truth.TRUE : Truth.UNKNOWN;
    if (r === null) return Truth.FALSE;
    const answer = order(l, r);
    return answer === FAILED ? Truth.FAILED : truthOf(answer === 0);
  };
}

function compare(left: Compiled, right: Compiled, operator: Comparison): Evaluate {
  const order = orderOf(left.type, right.type, true);
  const test = TESTS[operator];
  return () => {
    const l = left.value();
    if (l === FAILED) return Truth.FAILED;
    if (l === null) return Truth.UNKNOWN;
    const r = right.value();
    if (r === FAILED) return Truth.FAILED;
    if (r === null) return Truth.UNKNOWN;
    const answer = order(l, r);
    return answer === FAILED ? Truth.FAILED : truthOf(test(answer));
  };
}

function isIn(property: () => string | null, values: ReadonlySet<string>, outside: boolean): Evaluate {
  return () => {
    const text = property();
    return text === null ? Truth.UNKNOWN : truthOf(values.has(text) !== outside);
  };
}

function textTest(
  { value }: Compiled,
  { test, not: opposite, search }: Extract<Condition, { kind: 'text' }>,
): Evaluate {
  // Apache's rule, for the NOT forms too: nothing contains the empty text.
  if (search === '') return () => Truth.FALSE;
  const holds = TEXT_TESTS[test];
  return () => {
    const text = value();
    if (text === FAILED) return Truth.FAILED;
    return typeof text === 'string' ? truthOf(holds(text, search) !== opposite) : Truth.FALSE;
  };
}
