// Filters records by an SQL92 expression.
import { compile, namesIn, Truth } from './compile.js';
import type { Evaluate } from './compile.js';
import { parse } from './parser.js';
import type { FilterLimits } from './parser.js';
import { PropertySource } from './property-source.js';

export class SqlFilter {
  readonly #source: PropertySource;
  readonly #evaluate: Evaluate;

  /** @throws InvalidFilterError with the position */
  constructor(
    readonly expression: string,
    limits: FilterLimits,
  ) {
    const condition = parse(expression, limits);
    this.#source = new PropertySource([...namesIn(condition)]);
    this.#evaluate = compile(condition, this.#source);
  }

  /** @param properties encoded, as in a record */
  evaluate(properties: Buffer): Truth {
    this.#source.load(properties);
    return this.#evaluate();
  }

  /** @param record a whole one */
  matches(record: Buffer): boolean {
    this.#source.loadRecord(record);
    return this.#evaluate() === Truth.TRUE;
  }
}
