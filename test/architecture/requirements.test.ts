// Tests that each requirement of the Nest module names tests that exist.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { root, testSources } from './sources.js';
import { testNamesOf } from './syntax.js';

/** Requirements without a test yet. The list only shrinks: who writes the test names it in tests.json. */
const OPEN: readonly string[] = [];

/** The titles of the tests of each requirement. */
const table = JSON.parse(readFileSync(join(root, 'test/fixtures/requirements/tests.json'), 'utf8')) as Record<
  string,
  string[]
>;

describe('a requirement of the Nest module', () => {
  it('has tests, unless it is open', () => {
    const open = Object.entries(table).flatMap(([requirement, titles]) => (titles.length === 0 ? [requirement] : []));
    expect(open).toEqual(OPEN);
  });

  it('names tests that exist', () => {
    const text = new Set(testSources.flatMap((source) => testNamesOf(source.text)));
    const missing = Object.values(table)
      .flat()
      .filter((title) => !text.has(title));
    expect(missing).toEqual([]);
  });

  it('has one of 23 numbers: the other two are the broker’s metrics and the console', () => {
    const numbers = Object.keys(table).flatMap((name) => /^\d+/.exec(name)?.map(Number) ?? []);
    const all = Array.from({ length: 25 }, (_, at) => at + 1).filter((number) => number !== 21 && number !== 22);
    expect(numbers).toEqual(all);
  });
});
