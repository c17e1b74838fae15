// Checks whether this machine can inject a kind of fault. If not, the tests are reported as skipped, by name; with REQUIRE_…
// set, they fail.
import { spawnSync } from 'node:child_process';
import { it } from '@jest/globals';

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
