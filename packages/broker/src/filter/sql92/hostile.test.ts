// Tests expressions and properties that nobody writes in good faith: each is refused, or evaluated in time.
import { describe, expect, it } from '@jest/globals';
import { encodeProperties } from '@nest-rocketmq/remoting/internal';
import { limitRows } from '../../config/limit-rows.js';
import { Truth } from './compile.js';
import { InvalidFilterError } from './invalid-filter-error.js';
import { SqlFilter } from './sql-filter.js';
import { randomOf } from '../../../test-kit/random.js';

/** The broker's defaults. */
const LIMITS = { maxFilterDepth: 100, maxFilterTerms: 512 };
const LENGTH = 10_240;
const SEED = 20_260_601;
/** Far above what each takes, and far below what one with no bound would take: processor time of this process, ms. */
const PATIENCE_MS = 1_000;

const SIGNS = ['(', ')', '- ', '+', '--', '/*', '*/', "'", "''", '\n', '\t', '.', ',', '\0', '\ud800', 'é', '='];
const WORDS = [
  'a',
  ' AND ',
  ' OR ',
  'NOT ',
  '<>',
  '>',
  ' IS NULL',
  ' IS NOT NULL',
  ' IN (',
  ' BETWEEN ',
  " CONTAINS 'a'",
];
const PIECES = [...SIGNS, ...WORDS, '5', '9'.repeat(30), '.5e9', 'TRUE'];

function outcome(expression: string): SqlFilter | 'refused' {
  try {
    return new SqlFilter(expression, LIMITS);
  } catch (error) {
    if (error instanceof InvalidFilterError) return 'refused';
    throw error;
  }
}

function taking(what: () => void): number {
  const before = process.cpuUsage();
  what();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

const fill = (piece: string): string => piece.repeat(Math.floor(LENGTH / piece.length));

describe('a hostile expression', () => {
  const hostile = [
    ...PIECES.map(fill),
    `a = ${fill('(a = ')}`,
    `a IN (${fill("'x',")}'x')`,
    `a = '${'x'.repeat(LENGTH)}`,
    fill('-(-(a BETWEEN 1 AND 2) BETWEEN 1 AND 2) OR '),
    `${'-('.repeat(50)}a > 5${') BETWEEN 1 AND 2'.repeat(50)}`,
    `a > ${'9'.repeat(LENGTH)}`,
    `a > 1e${'9'.repeat(LENGTH)}`,
  ];

  it.each(hostile.map((expression) => [JSON.stringify(expression.slice(0, 30)), expression]))(
    'that begins with %s is refused or compiled in time',
    (_begin, expression) => {
      expect(taking(() => outcome(expression))).toBeLessThan(PATIENCE_MS);
    },
  );

  it.each([' IS NOT NULL', " NOT CONTAINS 'x'", ' <> TRUE', ' = a', ' OR a = b'])(
    'with as many of %p in a row as options may allow is evaluated',
    (operator) => {
      const most = (name: 'maxFilterDepth' | 'maxFilterTerms'): number =>
        Number(limitRows[name].range?.split(' ').at(-1));
      const limits = { maxFilterDepth: most('maxFilterDepth'), maxFilterTerms: most('maxFilterTerms') };
      const terms = operator.match(/\w+|<>|=/g)!.filter((word) => !['NULL', 'NOT', 'x'].includes(word)).length;
      const filter = new SqlFilter(`a${operator.repeat(Math.floor((limits.maxFilterTerms - 1) / terms))}`, limits);
      expect(Object.values(Truth)).toContain(filter.evaluate(Buffer.alloc(0)));
    },
  );

  it(`by chance, seed ${SEED}, is refused or compiled, and evaluated`, () => {
    const random = randomOf(SEED);
    const properties = Buffer.from(encodeProperties([['a', 'x']]));
    const results = new Set<string>();
    for (let i = 0; i < 5_000; i++) {
      let expression = '';
      for (let left = 1 + random() * 12; left > 0; left--) expression += PIECES[Math.floor(random() * PIECES.length)];
      const filter = outcome(expression);
      results.add(filter === 'refused' ? filter : String(filter.evaluate(properties)));
    }
    expect([...results].toSorted()).toEqual([...Object.values(Truth).map(String), 'refused'].toSorted());
  });
});

describe('a hostile property', () => {
  const long = 32_000;

  it.each([
    ['digits', '1'.repeat(long)],
    ['digits and what is none', `${'1'.repeat(long)}x`],
    ['zeros', `${'0'.repeat(long)}5`],
    ['a fraction', `0.${'1'.repeat(long)}x`],
    ['hexadecimal digits', `0x${'f'.repeat(long)}.p0`],
    ['hexadecimal digits and what is none', `0x${'f'.repeat(long)}z`],
    ['an exponent', `1e${'9'.repeat(long)}`],
    ['white space', ' '.repeat(long)],
    ['white space around a digit', `${' '.repeat(long / 2)}5${' '.repeat(long / 2)}`],
    ['digits of another script', '٥'.repeat(long / 2)],
    ['what nearly has the text that is asked for', 'ab'.repeat(long / 2)],
  ])('of %s is evaluated in time', (_what, value) => {
    const asked = ['a = 5', 'a = 5000000000', 'a > 5.5', "a CONTAINS 'ababac'", 'a > a'];
    const filter = new SqlFilter(`NOT (${asked.map((one) => `(${one}) IS NULL`).join(' AND ')})`, LIMITS);
    const properties = Buffer.from(encodeProperties([['a', value]]));
    expect(taking(() => filter.evaluate(properties))).toBeLessThan(PATIENCE_MS);
  });
});
