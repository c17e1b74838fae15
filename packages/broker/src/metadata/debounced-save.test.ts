import { describe, expect, it } from '@jest/globals';
import { ManualClock, silentLogger } from '@nest-rocketmq/remoting/internal';
import type { ConfigFile } from './config-file.js';
import { DebouncedSave } from './debounced-save.js';

const INTERVAL = 5000;

function saved(): { save: DebouncedSave; clock: ManualClock; written: unknown[]; disk: { full: boolean } } {
  const clock = new ManualClock();
  const written: unknown[] = [];
  const disk = { full: false };
  const file = {
    save: async (value: unknown) => {
      if (disk.full) throw new Error('ENOSPC');
      await Promise.resolve();
      written.push(value);
    },
  } as unknown as ConfigFile;
  let version = 0;
  const save = new DebouncedSave({ file, clock, logger: silentLogger, interval: INTERVAL, content: () => ++version });
  return { save, clock, written, disk };
}

describe('a file that is saved after its changes', () => {
  it('is written once for all changes of an interval, and not without one', async () => {
    const { save, clock, written } = saved();
    save.changed();
    save.changed();
    await clock.advance(INTERVAL - 1);
    expect(written).toEqual([]);
    await clock.advance(10 * INTERVAL);
    expect(written).toEqual([1]);
    expect(clock.pending).toBe(0);
  });

  it('is written at once when everything stops, and leaves no timer', async () => {
    const { save, clock, written } = saved();
    save.changed();
    await save.stop();
    save.changed();
    expect(written).toEqual([1]);
    expect(clock.pending).toBe(0);
  });

  it('is tried again when the disk would not take it', async () => {
    const { save, clock, written, disk } = saved();
    disk.full = true;
    save.changed();
    await clock.advance(INTERVAL);
    disk.full = false;
    await clock.advance(INTERVAL);
    expect(written).toHaveLength(1);
  });
});
