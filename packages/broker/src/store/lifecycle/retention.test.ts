import { describe, expect, it } from '@jest/globals';
import { ManualClock, silentLogger } from '@nest-rocketmq/remoting/internal';
import type { DiskUsage } from '../files/file-system.js';
import { MemoryFileSystem } from '../files/memory-file-system.js';
import type { MessageStore, StoreOptions } from '../store.js';
import { bodies, message, openStore } from '../../../test-kit/store.js';

const HOUR = 3_600_000;
/** Local time, as the hours of `deleteWhen` are. */
const at = (day: number, hour: number): number => new Date(2026, 0, day, hour).getTime();

class Disk extends MemoryFileSystem {
  used = 10;
  /** Does not say how full it is. */
  silent = false;
  override diskUsage(): Promise<DiskUsage> {
    if (this.silent) return Promise.reject(new Error('ENOSYS'));
    return Promise.resolve({ total: 100, free: 100 - this.used });
  }
}

async function filled(
  more: Partial<StoreOptions> = {},
  prepare: (disk: Disk) => void = () => undefined,
): Promise<{ store: MessageStore; disk: Disk; clock: ManualClock }> {
  const clock = new ManualClock(at(1, 12));
  const disk = new Disk(() => clock.now());
  prepare(disk);
  // A look every hour is enough here, and much quicker to turn through.
  const store = await openStore({ fileSystem: disk, clock, cleanResourceInterval: HOUR / 2, ...more });
  for (let i = 0; i < 30; i++) {
    store.append(message({ body: String(i).padEnd(12_000), properties: { KEYS: `k${i}` } }));
    await store.drain();
  }
  return { store, disk, clock };
}

const files = (disk: Disk): number => disk.listSync('/store/commitlog').length;

describe('old messages', () => {
  it('T193: are kept for 72 hours, and go in the hour of deleteWhen after that', async () => {
    const { store, disk, clock } = await filled();
    const all = files(disk);
    await clock.advanceTo(at(4, 11));
    expect(files(disk)).toBe(all);
    await clock.advanceTo(at(5, 3));
    expect(files(disk)).toBe(all);
    await clock.advanceTo(at(5, 5));
    expect(files(disk)).toBe(1);
    await store.close();
  });

  it('stay while they are needed, however old they are and however full the disk is', async () => {
    const { store, disk, clock } = await filled();
    const { physicalOffset } = (await store.readConsumeQueue('T', 0, 12))!;
    store.retention.neededFrom = () => physicalOffset;
    disk.used = 88;
    await clock.advanceTo(at(5, 5));
    expect(await store.readRecord(physicalOffset)).toBeDefined();
    expect(store.minOffset('T', 0)).toBeGreaterThan(0);
    store.retention.neededFrom = () => Infinity;
    await clock.advance(HOUR);
    expect(files(disk)).toBe(1);
    await store.close();
  });

  it('stay from the start of the store until it is known which are needed', async () => {
    const { store, disk, clock } = await filled({ neededFrom: () => 0 });
    const all = files(disk);
    await clock.advanceTo(at(5, 5));
    expect(files(disk)).toBe(all);
    await store.close();
  });

  it('leave the others with their offsets, and a minimum that says where those begin', async () => {
    const { store, disk, clock } = await filled({ deleteWhen: '4;5' });
    await clock.advanceTo(at(5, 6));
    const min = store.minOffset('T', 0);
    expect([min > 0, store.maxOffset('T', 0), files(disk)]).toEqual([true, 30, 1]);
    expect((await bodies(store)).map(Number)).toEqual(Array.from({ length: 30 - min }, (_, i) => min + i));
    expect(await store.getMessage('T', 0, 0, 32, 1_000_000)).toMatchObject({
      status: 'OFFSET_TOO_SMALL',
      nextBeginOffset: min,
    });
    expect(await store.readConsumeQueue('T', 0, min - 1)).toBeUndefined();
    await store.close();
    const again = await openStore({ fileSystem: disk, clock });
    expect([again.minOffset('T', 0), again.maxOffset('T', 0)]).toEqual([min, 30]);
    await again.close();
  });

  it('T193: go at any hour when the disk is over 75 % full, if they are old', async () => {
    const { store, disk, clock } = await filled({ deleteWhen: '' });
    disk.used = 80;
    await clock.advanceTo(at(4, 11));
    expect(files(disk)).toBeGreaterThan(1);
    await clock.advanceTo(at(4, 14));
    expect(files(disk)).toBe(1);
    await store.close();
  });

  it('T193: go whatever their age when it is over 85 %', async () => {
    const { store, disk, clock } = await filled();
    disk.used = 86;
    await clock.advance(HOUR);
    expect(files(disk)).toBe(1);
    expect(store.append(message()).status).toBe('PUT_OK');
    await store.close();
  });

  it('are not enough when it is over 90 %: new ones are refused until there is room', async () => {
    const { store, disk, clock } = await filled();
    disk.used = 91;
    await clock.advance(HOUR);
    expect([store.append(message()).status, store.refusal]).toEqual(['SERVICE_NOT_AVAILABLE', 'the disk is too full']);
    disk.used = 20;
    await clock.advance(HOUR);
    expect(store.append(message()).status).toBe('PUT_OK');
    await store.close();
  });

  it.each([true, false])(
    'go by their age where the system does not say how full the disk is (from the start: %p), which is logged once',
    async (fromStart) => {
      const warnings: string[] = [];
      const logger = { ...silentLogger, warn: (text: string) => void warnings.push(text) };
      const { store, disk, clock } = await filled({ logger }, (made) => (made.silent = fromStart));
      disk.used = 91;
      if (!fromStart) await clock.advance(HOUR);
      expect(store.refusal).toBe(fromStart ? undefined : 'the disk is too full');
      disk.silent = true;
      await clock.advance(HOUR);
      expect(store.append(message()).status).toBe('PUT_OK');
      await clock.advanceTo(at(5, 5));
      expect(files(disk)).toBe(1);
      expect(warnings).toEqual([
        'cannot tell how full the disk of /store is: Error: ENOSYS. Messages are taken, and files go by their age alone. Watch the disk.',
      ]);
      await store.close();
    },
  );

  it('go at the next look where the disk did not let one go', async () => {
    const { store, disk, clock } = await filled();
    const { removeSync } = disk;
    disk.removeSync = (path) => {
      if (path.includes('/commitlog/')) throw new Error('EBUSY');
      removeSync.call(disk, path);
    };
    const all = files(disk);
    disk.used = 86;
    await clock.advance(HOUR);
    expect(files(disk)).toBe(all);
    disk.removeSync = removeSync;
    await clock.advance(HOUR);
    expect(files(disk)).toBe(1);
    expect((await bodies(store)).length).toBeGreaterThan(0);
    await store.close();
  });

  it('do not change under a reader that holds them', async () => {
    const { store, disk, clock } = await filled();
    const { body } = await store.getMessage('T', 0, 0, 1, 1_000_000);
    const before = Buffer.from(body[0]!);
    disk.used = 86;
    await clock.advance(HOUR);
    expect(body[0]!.equals(before)).toBe(true);
    await store.close();
  });
});
