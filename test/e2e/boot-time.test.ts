// Measures how long an app with the embedded broker takes to boot, beside an empty app. Needs the build.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { leastTime } from './least-time.js';

const PROGRAM = join(import.meta.dirname, 'boot-app.mjs');
const MOST_LATER_MS = 10;

/** The least ms of CPU of a boot that is not the first of its process. */
function laterBoot(what: 'empty' | 'broker'): number {
  const env = { ...process.env, NODE_OPTIONS: '', ROCKETMQ_NAME_SERVER: undefined };
  const { stdout } = spawnSync(process.execPath, [PROGRAM, what], { encoding: 'utf8', env });
  return Math.min(...(JSON.parse(stdout) as { later: number[] }).later);
}

test('a later boot in a process takes at most 10 ms more with the embedded broker', async () => {
  const round = (): Promise<number> => Promise.resolve(laterBoot('broker') - laterBoot('empty'));
  expect(await leastTime(MOST_LATER_MS, round)).toBeLessThan(MOST_LATER_MS);
});
