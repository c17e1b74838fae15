import { describe, expect, it } from '@jest/globals';
import { identityOf, isHolderAlive } from './process-life.js';
import type { ReadSystemFile } from './process-life.js';

const PID = process.pid;
const BOOT_S = 1_700_000_000;
const START_TICKS = 5_000;
/** When the process started, ms since the epoch. */
const STARTED = BOOT_S * 1_000 + START_TICKS * 10;

interface Told {
  state?: string;
  threads?: number;
  start?: number;
  command?: string;
  boot?: string;
  bootTime?: number;
  container?: string;
}

function system(told: Told = {}): ReadSystemFile {
  const { state = 'S', threads = 1, start = START_TICKS, command = 'node', boot = 'b', bootTime = BOOT_S } = told;
  const between = '1 1 1 0 -1 4194560 0 0 0 0 0 0 0 0 20 0';
  const files: Record<string, string> = {
    [`/proc/${PID}/stat`]: `${PID} (${command}) ${state} ${between} ${threads} 0 ${start} 0 0`,
    '/proc/stat': `cpu 1 2\nbtime ${bootTime}\n`,
    '/proc/sys/kernel/random/boot_id': `${boot}\n`,
    '/proc/self/ns/pid': told.container ?? 'pid:[1]',
  };
  return (path) => files[path];
}

const alive = (told: Told, since = STARTED): boolean => isHolderAlive(PID, since, undefined, system(told));

describe('the process that has a lock', () => {
  it.each(['S', 'R', 'D', 'T', 't', 'I'])('lives while its state is %s', (state) => {
    expect(alive({ state })).toBe(true);
  });

  it.each(['Z', 'X', 'x'])('is dead when its state is %s, though its id is there', (state) => {
    expect(alive({ state })).toBe(false);
  });

  it('lives when only its first thread has ended', () => {
    expect(alive({ state: 'Z', threads: 12 })).toBe(true);
  });

  it('may have a command of any name', () => {
    expect(alive({ state: 'Z', command: 'a) S 1 (b' })).toBe(false);
    expect(alive({ state: 'S', command: 'a) Z 1 (b' })).toBe(true);
  });

  it('is dead when its id is nobody’s', () => {
    expect(isHolderAlive(4_194_304, STARTED)).toBe(false);
  });

  it('lives as far as can be told where the system does not tell', () => {
    const silent = (): undefined => undefined;
    expect(isHolderAlive(PID, STARTED, undefined, silent)).toBe(true);
    expect(identityOf(PID, silent)).toBeUndefined();
  });

  it('is dead when another one has its id, which is younger than the lock', () => {
    expect(alive({}, STARTED - 60_000)).toBe(false);
    expect(alive({}, STARTED + 60_000)).toBe(true);
  });

  describe('that the lock identifies', () => {
    const identity = identityOf(PID, system())!;
    const lives = (told: Told, since = STARTED): boolean => isHolderAlive(PID, since, identity, system(told));

    it('lives, and still does when the clock was set', () => {
      expect(lives({})).toBe(true);
      // The time of boot is counted back from the clock.
      expect(lives({ bootTime: BOOT_S + 3_600 })).toBe(true);
    });

    it('is dead when another one has its id, however soon it was given out again', () => {
      expect(lives({ start: START_TICKS + 1 }, STARTED + 60_000)).toBe(false);
    });

    it('is dead when the machine was started since, or when it was in another container', () => {
      expect(lives({ boot: 'c' }, STARTED + 60_000)).toBe(false);
      expect(lives({ container: 'pid:[2]' }, STARTED + 60_000)).toBe(false);
    });
  });
});
