// Tests that functions are at most 60 lines long, and that modules hold no state.
import { describe, expect, it } from '@jest/globals';
import { sources } from './sources.js';
import { functionsOf, moduleStateOf, testNamesOf } from './syntax.js';

const LONGEST_FUNCTION = 60;

/** State outside of an instance, with the reason for which it may be there. */
const STATE: Readonly<Record<string, readonly [name: string, reason: string][]>> = {
  'packages/nest-rocketmq/src/decorators/unserved-listeners.ts': [
    ['waiting', 'decorated classes that no app has provided: decorators know no app'],
  ],
  'packages/nest-rocketmq/src/backends/store-holders.ts': [
    ['holders', 'which stores the apps of this process have open'],
  ],
};

describe('the functions', () => {
  it.each(sources.map(({ path, text }) => [path, text]))('of %s have 60 lines at most', (_path, text) => {
    expect(functionsOf(text).filter(({ lines }) => lines > LONGEST_FUNCTION)).toEqual([]);
  });

  it('are measured from their first line to their last', () => {
    const text = '// é\nfunction one() {\n  return 1;\n}\nclass A {\n  #two = () => {\n  };\n  three() {\n\n\n  }\n}\n';
    expect(functionsOf(text)).toEqual([
      { name: 'one', lines: 3 },
      { name: '(without a name)', lines: 2 },
      { name: 'three', lines: 4 },
    ]);
  });
});

describe('the names of tests', () => {
  it('are those of groups, tests and the rows of their tables, and no other texts', () => {
    const text = `
      const rows = [['named in a table', 1]];
      const other = 'not a name';
      describe('a group', () => {
        it('a test', () => expect(f('not a name')).toBe('not a name'));
        test.each([['a row', 2]])('%s', () => {});
        it.each(rows)(\`in \${other}\`, () => {});
      });
    `;
    expect(testNamesOf(text)).toEqual(
      expect.arrayContaining(['a group', 'a test', 'a row', 'named in a table', 'in ']),
    );
    expect(testNamesOf(text)).not.toContain('not a name');
  });
});

describe('the modules', () => {
  it.each(sources.map(({ path, text }) => [path, text]))('%s has no state outside of its instances', (path, text) => {
    expect(moduleStateOf(text)).toEqual((STATE[path] ?? []).map(([name]) => name));
  });

  it('are not allowed state that is gone', () => {
    const paths = new Set(sources.map(({ path }) => path));
    expect(Object.keys(STATE).filter((path) => !paths.has(path))).toEqual([]);
  });

  it.each([
    ['let next = 1;', ['next']],
    ['export let next = 1;', ['next']],
    ['const cache = new WeakMap();', ['cache']],
    ['const seen = new Set();\nfunction f(x) { seen.add(x); }', ['seen']],
    ['const list = [];\nconst f = (x) => { list.push(x); };', ['list']],
    ['const table = {};\nclass A { f(k) { table[k] = 1; } }', ['table']],
    ['const count = { of: 0 };\nexport function f() { count.of++; }', ['count']],
    ['export const shared = new Pool();', ['shared']],
    ['const NAMES = new Set(["a"]);\nexport const has = (x) => NAMES.has(x);', []],
    [
      'const LIST = [1, 2];\nexport function f() { let own = 1; own++; const mine = []; mine.push(own); return LIST; }',
      [],
    ],
  ])('with %j have the state %j', (text, names) => {
    expect(moduleStateOf(text)).toEqual(names);
  });
});
