// Tests that each row of Apache's own test suite is a test here, or is named in COMPATIBILITY.md with the reason why not.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { root, testSources } from './sources.js';
import { testNamesOf } from './syntax.js';

/** Rows without a test yet. The list only shrinks: who writes the test of a row takes its id out. */
const OPEN: readonly string[] = [];
/** Rows of client and broker together that are tested on one of the two brokers alone. The list only shrinks. */
const OPEN_ON_ONE: readonly string[] = [];

const ID = /\bT\d{3}\b/g;

/** Ids by what a row is about: C the client, B the broker, CB both, and those that are not asked for. */
const marks = JSON.parse(readFileSync(join(root, 'test/fixtures/table-t/marks.json'), 'utf8')) as Record<
  string,
  string
>;
const rows = new Map(Object.entries(marks).flatMap(([mark, ids]) => ids.split(' ').map((id) => [id, mark] as const)));

const idsIn = (paths: RegExp): Set<string> =>
  new Set(
    testSources
      .filter(({ path, text }) => paths.test(path) && text.match(ID))
      .flatMap(({ text }) => testNamesOf(text))
      .flatMap((name) => name.match(ID) ?? []),
  );

const tested = idsIn(/./);
/** Tables run on both brokers. */
const testedOnApache = idsIn(/^test\/(interop|tables)\//);
const testedOnOurs = idsIn(/^(packages|test\/(e2e|tables|crash|architecture|orderly))\//);

/** Rows of COMPATIBILITY.md's table, `| T052 | reason |`; one line may name several. */
const reasons = new Set(
  [...readFileSync(join(root, 'COMPATIBILITY.md'), 'utf8').matchAll(/^\| (T\d{3}[T\d, ]*) \| [^|]{10,} \|$/gm)].flatMap(
    ([, ids]) => ids!.match(ID)!,
  ),
);

const inOrder = (ids: Iterable<string>): string[] => [...ids].toSorted();

describe('a row of the table', () => {
  it('has one of 200 ids', () => {
    const ids = Array.from({ length: 200 }, (_, at) => `T${String(at + 1).padStart(3, '0')}`);
    expect(inOrder(rows.keys())).toEqual(ids);
    expect(inOrder(tested).filter((id) => !rows.has(id))).toEqual([]);
  });

  it('is a test by its id, or COMPATIBILITY.md says why not', () => {
    const missing = inOrder(rows.keys()).filter((id) => !tested.has(id) && !reasons.has(id));
    expect(missing).toEqual(inOrder(OPEN));
  });

  it('of client and broker is a test on our broker and on Apache’s', () => {
    const missing = inOrder(rows.keys())
      .filter((id) => rows.get(id) === 'CB' && !reasons.has(id) && !OPEN.includes(id))
      .filter((id) => !testedOnApache.has(id) || !testedOnOurs.has(id));
    expect(missing).toEqual(inOrder(OPEN_ON_ONE));
  });
});
