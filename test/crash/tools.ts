// Tells which tests run: all in a long run, and those of faults that this machine can inject. The others are reported as
// skipped, by name; with REQUIRE_… set, they fail.
import { spawnSync } from 'node:child_process';
import { it } from '@jest/globals';

/** Set by CRASH_LONG=1, as `npm run test:crash` does: all cases run, else some of them. */
export const isLong = process.env['CRASH_LONG'] === '1';

/** `it`, or the skipping of it. */
export type It = typeof it | typeof it.skip;

function only(possible: boolean, variable: string, without: string): { it: It; note: string } {
  if (possible) return { it, note: '' };
  if (process.env[variable] === '1') throw new Error(`${variable}=1, and ${without}`);
  return { it: it.skip, note: ` (skipped: ${without})` };
}

/** For faults at system calls. */
export function withStrace(): { it: It; note: string } {
  const works = spawnSync('strace', ['-f', '-o', '/dev/null', '-e', 'trace=fsync', 'true']).status === 0;
  return only(works, 'REQUIRE_STRACE', 'strace is not there or may not trace: apt-get install strace');
}

/** For disks of a few MiB. */
export function withMounts(): { it: It; note: string } {
  const works =
    spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', '/mnt']).status === 0;
  return only(works, 'REQUIRE_TMPFS', 'a tmpfs cannot be mounted: this takes root');
}
