// Measures how long a later app of a process takes to boot with the embedded broker, beside an empty app. Needs the build.
// The first one's time is mostly that of loading modules: `test/interop/packed-apps.test.ts` measures it as users have them.
import { expect, test } from '@jest/globals';
import { BOOT_PROGRAM, bothBoots } from './boots.js';
import { leastTime } from './least-time.js';

const MOST_LATER_MS = 10;

test('a later boot takes at most 10 ms more with the embedded broker', async () => {
  const round = (): Promise<number> => {
    const { broker, empty } = bothBoots(BOOT_PROGRAM, 'import', 'memory');
    return Promise.resolve(Math.min(...broker.later) - Math.min(...empty.later));
  };
  expect(await leastTime(MOST_LATER_MS, round)).toBeLessThan(MOST_LATER_MS);
});
