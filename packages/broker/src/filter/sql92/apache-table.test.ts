// Compares our evaluation with a table that Apache's own classes made (test/interop/java/src/filter).
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { encodeProperties } from '@nest-rocketmq/remoting/internal';
import { InvalidFilterError } from './invalid-filter-error.js';
import { SqlFilter } from './sql-filter.js';

const FILE = join(import.meta.dirname, '../../../../../test/fixtures/sql92/table.jsonl');
const LIMITS = { maxFilterDepth: 100, maxFilterTerms: 1000 };
/** By `Truth`; the letters of the table. */
const LETTERS = 'FTUE';

type Row = [expression: string, results: string | null, line?: number, column?: number];

const [head, ...lines] = readFileSync(FILE, 'utf8').trimEnd().split('\n');
const { sets } = JSON.parse(head!) as { sets: Record<string, string>[] };
const rows = lines.map((line) => JSON.parse(line) as Row);
const encoded = sets.map((set) => Buffer.from(encodeProperties(Object.entries(set))));

/** The same row, made by our classes. */
function ours([expression, , line]: Row): Row {
  try {
    const filter = new SqlFilter(expression, LIMITS);
    return [expression, encoded.map((properties) => LETTERS[filter.evaluate(properties)]).join('')];
  } catch (error) {
    if (!(error instanceof InvalidFilterError)) throw error;
    return line === undefined ? [expression, null] : [expression, null, error.line, error.column];
  }
}

describe('the table of Apache 5.5.0', () => {
  it('has thousands of expressions, taken and refused, and all four results', () => {
    const refused = rows.filter(([, results]) => results === null);
    expect(rows.length).toBeGreaterThan(6000);
    expect(refused.length).toBeGreaterThan(1000);
    expect(rows.length - refused.length).toBeGreaterThan(3500);
    for (const letter of LETTERS) expect(rows.some(([, results]) => results?.includes(letter))).toBe(true);
  });

  it('is what our evaluation gives, and what we refuse is refused there, at the same place', () => {
    const different = rows.map((row) => [row, ours(row)]).filter(([a, b]) => JSON.stringify(a) !== JSON.stringify(b));
    expect(different).toEqual([]);
  });
});
