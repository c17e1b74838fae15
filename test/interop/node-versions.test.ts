// Runs what only later versions of Node have, and what an app starts with, on Node 22 and 24: ZSTD with the Java client,
// node:sqlite, and the embedded broker. `packed-apps.test.ts` starts the packed app on them.
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { cleanUp } from './harness/clean-up.js';
import { OTHER_NODES, testOn } from './harness/node-versions.js';
import type { OtherNode, Statuses } from './harness/node-versions.js';

jest.setTimeout(600_000);

const PATHS = ['interop/mixed-clients', 'message/compression', 'e2e/idempotency-sql', 'e2e/embedded-backend'];
const NAMES = /our broker T024 T051|compression by ZSTD|the store on SQLite|^the store (?!on)|turning the clock/;

const running = new Map<OtherNode, Promise<Statuses>>();
beforeAll(() => {
  for (const version of OTHER_NODES) {
    const run = testOn(version, PATHS, NAMES);
    running.set(version, run);
    // Its tests hear of it, after those of the version before.
    run.catch(() => undefined);
  }
});
afterAll(cleanUp);

describe.each(OTHER_NODES)('on Node %s', (version) => {
  const statuses = async (name: RegExp): Promise<string[]> =>
    [...(await running.get(version)!)].filter(([fullName]) => name.test(fullName)).map(([, status]) => status);
  const passed = (count: number): string[] => Array<string>(count).fill('passed');

  test('T024: the Java client reads what we compress by ZSTD, and we what it does, on our broker on that Node', async () => {
    await expect(statuses(/Java reads what we compress by ZLIB, LZ4, ZSTD/)).resolves.toEqual(passed(1));
  });

  test.each([
    ['ZSTD', /compression by ZSTD/, 5],
    ['the idempotency store on node:sqlite', /the store on SQLite/, 13],
    ['the embedded broker', /^the store (?!on)|turning the clock/, 9],
  ])('%s passes its tests, and none is skipped', async (_what, name, count) => {
    await expect(statuses(name)).resolves.toEqual(passed(count));
  });
});
