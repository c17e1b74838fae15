// Tests that the errors are one family, and that docs/errors.md lists them all.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { errorClasses, plainErrors, strangers } from './errors.js';
import { root } from './sources.js';

/** A plain error, where one has to be, and why. */
const PLAIN = new Set([
  // It stands for an error of Node's file system, with that one's `code`.
  'packages/broker/src/store/errors.ts: new Error(',
]);

const classes = errorClasses();

interface Row {
  readonly package: string;
  readonly name: string;
  readonly codes: readonly string[];
  readonly when: string;
  readonly remedy: string;
}

/** The rows of docs/errors.md: a table under a heading for each package. */
function documented(): Row[] {
  const text = readFileSync(join(root, 'docs/errors.md'), 'utf8');
  return text
    .split(/^## /m)
    .slice(1)
    .flatMap((section) => {
      const heading = section.split('\n')[0]?.trim() ?? '';
      return [...section.matchAll(/^\| `(\w+)` \| (.*?) \| (.*?) \| (.*?) \|$/gm)].map(
        ([, name = '', codes = '', when = '', remedy = '']) => ({
          package: heading,
          name,
          codes: [...codes.matchAll(/`([A-Z_]+)`/g)].map(([, code = '']) => code).toSorted(),
          when,
          remedy,
        }),
      );
    });
}

const key = ({ package: of, name, codes }: Pick<Row, 'package' | 'name' | 'codes'>): string =>
  `${of} ${name} ${codes.join(', ')}`.trim();

describe('the errors', () => {
  it('are found in the sources', () => {
    expect(classes.length).toBeGreaterThan(30);
    const codes = Object.fromEntries(classes.map((each) => [each.name, each.codes]));
    expect(codes).toMatchObject({ ConnectError: ['CONNECT_FAILED'], LimitExceededError: ['REQUEST_REFUSED'] });
    expect(codes['StoreError']).toContain('STORE_LAYOUT');
  });

  it('are one family', () => {
    expect(strangers()).toEqual([]);
    expect(plainErrors().filter((place) => !PLAIN.has(place))).toEqual([]);
  });

  it('have one class of a name', () => {
    const names = classes.map(({ name }) => name);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  it('have a code, unless they are only the base of others', () => {
    const without = classes.filter(({ codes }) => codes.length === 0);
    expect(without.map(({ name }) => name).toSorted()).toEqual(['MQClientError', 'RocketMQError']);
  });

  it('stand in docs/errors.md, each with its package and code, and no others do', () => {
    expect(documented().map(key).toSorted()).toEqual(classes.map(key).toSorted());
  });

  it('are explained there: when one comes, and what helps', () => {
    for (const { name, when, remedy } of documented()) {
      expect([name, when.length > 10, remedy.length > 1]).toEqual([name, true, true]);
    }
  });
});
