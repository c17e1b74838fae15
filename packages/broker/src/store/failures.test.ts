// Disks that fail while the store runs.
import { describe, expect, it } from '@jest/globals';
import { ManualClock, silentLogger } from '@nest-rocketmq/remoting/internal';
import type { OpenMode } from './files/file-system.js';
import { MemoryFileSystem, type MemoryFile } from './files/memory-file-system.js';
import { fileError } from './errors.js';
import { bodies, killed, message, openStore } from '../../test-kit/store.js';
import type { MessageStore } from './store.js';

/** Files whose writes and syncs can be made to fail, or to wait. */
class Disk extends MemoryFileSystem {
  writeError: string | undefined;
  /** Bytes that a failing write still takes before it fails. */
  room = 0;
  syncError: string | undefined;
  syncs = 0;
  /** Set: syncs wait for `letGo`. */
  held: (() => void)[] | undefined;
  /** Set: writes off the thread wait for `letWrite`. */
  heldWrites: (() => void)[] | undefined;
  asyncWrites = 0;
  #syncing = 0;

  override openSync(path: string, mode: OpenMode): MemoryFile {
    const file = super.openSync(path, mode);
    const inLog = path.includes('/commitlog/');
    const writeSync = file.writeSync.bind(file);
    file.writeSync = (source, offset, length, position) => {
      if (!this.writeError || !inLog) return writeSync(source, offset, length, position);
      const part = Math.min(length, this.room);
      if (part === 0) throw fileError(this.writeError, path);
      this.room -= part;
      return writeSync(source, offset, part, position);
    };
    const write = file.write.bind(file);
    file.write = async (...args) => {
      if (!inLog) return write(...args);
      this.asyncWrites++;
      if (this.heldWrites) await new Promise<void>((resolve) => this.heldWrites?.push(resolve));
      return write(...args);
    };
    file.sync = async () => {
      if (!inLog) return;
      this.syncs++;
      this.#syncing++;
      if (this.held) await new Promise<void>((resolve) => this.held?.push(resolve));
      this.#syncing--;
      if (this.syncError) throw fileError(this.syncError, path);
    };
    return file;
  }

  override get writesMayWait(): boolean {
    return this.#syncing > 0;
  }

  letWrite(): void {
    for (const go of this.heldWrites ?? []) go();
    this.heldWrites = undefined;
  }

  letGo(): void {
    for (const go of this.held ?? []) go();
    this.held = undefined;
  }
}

/** Resolves when what was appended has been written; its flush may wait. */
async function written(store: MessageStore): Promise<void> {
  const { commits } = store.metrics;
  store.commit();
  while (store.metrics.commits === commits) await new Promise(setImmediate);
}

describe('when the disk is full', () => {
  it.each([0, 50, 150])(
    'refuses what cannot be written, serves what is there, and goes on when there is room (%i bytes left)',
    async (room) => {
      const disk = new Disk();
      const store = await openStore({ fileSystem: disk });
      const told: unknown[] = [];
      store.onCommitted((upTo, failure) => told.push([upTo, (failure as { code?: string } | undefined)?.code]));
      const { size } = store.append(message({ body: 'a' }));
      await store.drain();
      disk.writeError = 'ENOSPC';
      disk.room = room;
      store.append(message({ body: 'b' }));
      store.append(message({ body: 'c' }));
      await store.drain();
      expect(told).toEqual([
        [size, undefined],
        [size, 'STORE_WRITE_FAILED'],
      ]);
      expect(await bodies(store)).toEqual(['a']);
      disk.writeError = undefined;
      expect(store.append(message({ body: 'd' })).queueOffset).toBe(1);
      await store.drain();
      expect(await bodies(store)).toEqual(['a', 'd']);
      const after = killed(disk);
      await store.close();
      const again = await openStore({ fileSystem: after });
      expect(await bodies(again)).toEqual(['a', 'd']);
      await again.close();
    },
  );
});

describe('with sync flush', () => {
  it('T191, T198: promises and shows a message only when the disk has it, and flushes many at once without blocking', async () => {
    const disk = new Disk();
    disk.held = [];
    const store = await openStore({ fileSystem: disk, flush: 'sync' });
    const told: number[] = [];
    store.onCommitted((upTo) => told.push(upTo));
    const { size } = store.append(message());
    await written(store);
    for (let i = 0; i < 100; i++) {
      store.append(message());
      store.commit();
    }
    expect([told, store.maxOffset('T', 0)]).toEqual([[], 0]);
    disk.letGo();
    await store.drain();
    expect(told).toEqual([size, size * 101]);
    expect([store.maxOffset('T', 0), disk.syncs]).toEqual([101, 2]);
    await store.close();
  });

  it.each(['/store/abort', '/store/commitlog/00000000000000000000'])(
    'says which store it is, and what to do, where %s cannot be read at its start',
    async (path) => {
      const disk = new Disk();
      const more = { fileSystem: disk };
      const store = await openStore(more);
      store.append(message());
      await store.close();
      disk.openSync('/store/abort', 'create');
      const { openSync } = disk;
      disk.openSync = (asked, mode) => {
        if (asked === path) throw fileError('EIO', path);
        return openSync.call(disk, asked, mode);
      };
      await expect(openStore(more)).rejects.toMatchObject({
        code: 'STORE_OPEN_FAILED',
        message: `the store /store cannot be opened: Error: EIO: ${path}. Check the disk, and what stands in that folder; or choose another folder.`,
      });
      disk.openSync = openSync;
      await (await openStore(more)).close();
    },
  );

  it('promises nothing more after one flush has failed, though the next would succeed', async () => {
    const disk = new Disk();
    const store = await openStore({ fileSystem: disk, flush: 'sync' });
    const told: unknown[] = [];
    store.onCommitted((upTo, failure) => told.push([upTo, (failure as { code?: string } | undefined)?.code]));
    const { size } = store.append(message({ body: 'good' }));
    await store.drain();
    disk.syncError = 'EIO';
    store.append(message({ body: 'not on the disk' }));
    await store.drain();
    disk.syncError = undefined;
    expect(told).toEqual([
      [size, undefined],
      [size, 'STORE_FLUSH_FAILED'],
    ]);
    expect(store.append(message()).status).toBe('SERVICE_NOT_AVAILABLE');
    expect(store.refusal).toMatch(/cannot flush the commit log.*Check the disk/);
    expect(await bodies(store)).toEqual(['good']);
    await store.close();
    expect(disk.statSync('/store/abort')).toBeDefined();
  });

  it('keeps what was written before a write failed that had waited for the flush', async () => {
    const disk = new Disk();
    disk.held = [];
    const store = await openStore({ fileSystem: disk, flush: 'sync' });
    const told: unknown[] = [];
    store.onCommitted((upTo, failure) => told.push([upTo, (failure as { code?: string } | undefined)?.code]));
    const { size } = store.append(message({ body: 'a' }));
    await written(store);
    disk.writeError = 'ENOSPC';
    store.append(message({ body: 'b' }));
    store.commit();
    expect(told).toEqual([]);
    disk.letGo();
    await store.drain();
    expect(told).toContainEqual([size, undefined]);
    expect(told).toContainEqual([size, 'STORE_WRITE_FAILED']);
    disk.writeError = undefined;
    expect(store.append(message({ body: 'd' })).status).toBe('PUT_OK');
    await store.drain();
    expect(await bodies(store)).toEqual(['a', 'd']);
    await store.close();
  });

  it('T046: refuses more when too much waits for the disk', async () => {
    const disk = new Disk();
    disk.held = [];
    const store = await openStore({ fileSystem: disk, flush: 'sync', maxPendingBytes: 500 });
    const statuses = Array.from({ length: 8 }, () => store.append(message()).status);
    expect(statuses.slice(-1)).toEqual(['OS_PAGE_CACHE_BUSY']);
    disk.letGo();
    await store.drain();
    expect(store.append(message()).status).toBe('PUT_OK');
    await store.close();
  });
});

describe('a batch', () => {
  it('T046: is taken as a whole where it brings more than may wait for the disk, and the next one is refused as a whole', async () => {
    const disk = new Disk();
    disk.held = [];
    const store = await openStore({ fileSystem: disk, flush: 'sync', maxPendingBytes: 500 });
    const batch = Array.from({ length: 8 }, () => message());
    const statusesOf = (): string[] => [...new Set(store.appendBatch(batch).map(({ status }) => status))];
    expect([statusesOf(), statusesOf()]).toEqual([['PUT_OK'], ['OS_PAGE_CACHE_BUSY']]);
    disk.letGo();
    await store.drain();
    expect(await bodies(store)).toHaveLength(8);
    await store.close();
  });
});

describe('a consume queue', () => {
  it.each([
    ['writeSync', 'It is tried again; until then messages are refused. Check the disk.', 'PUT_OK'],
    [
      'sync',
      'Messages are refused, for the disk may have lost what it could not write. Check the disk, and start again.',
      'SERVICE_NOT_AVAILABLE',
    ],
  ] as const)('whose %s fails has messages refused, with what to do: %s', async (call, remedy, afterwards) => {
    const [clock, disk, errors] = [new ManualClock(), new MemoryFileSystem(), [] as string[]];
    const logger = { ...silentLogger, error: (text: string) => void errors.push(text) };
    let failing = true;
    const openSync = disk.openSync.bind(disk);
    disk.openSync = (path, mode) => {
      const file = openSync(path, mode);
      const { [call]: works } = file;
      const fails = (): never => {
        throw fileError('EIO', path);
      };
      if (path.includes('/consumequeue/'))
        Object.assign(file, {
          [call]: (...args: never[]): unknown => (failing ? fails() : Reflect.apply(works, file, args)),
        });
      return file;
    };
    const store = await openStore({ fileSystem: disk, clock, logger, checkpointInterval: 1_000 });
    store.append(message());
    await store.drain();
    await clock.advance(1_000);
    expect(errors).toEqual([
      expect.stringMatching(/^cannot write the consume queues, the index or the checkpoint: Error: EIO: .*0000\. /),
    ]);
    expect(errors[0]).toContain(remedy);
    expect(store.append(message()).status).toBe('SERVICE_NOT_AVAILABLE');
    failing = false;
    await clock.advance(1_000);
    expect(store.append(message()).status).toBe(afterwards);
    await store.close();
  });
});

describe('with async flush', () => {
  it('flushes in the background every 500 ms, only when there is something new', async () => {
    const disk = new Disk();
    const clock = new ManualClock();
    const store = await openStore({ fileSystem: disk, clock, checkpointInterval: 1_000_000 });
    store.append(message());
    store.commit();
    expect(store.metrics.flushedOffset).toBe(0);
    await clock.advance(500);
    expect(store.metrics.flushedOffset).toBe(store.metrics.committedOffset);
    const { syncs } = disk;
    await clock.advance(10_000);
    expect(disk.syncs).toBe(syncs);
    await store.close();
  });

  it('takes nothing more after a flush has failed, and still serves what it has', async () => {
    const disk = new Disk();
    const clock = new ManualClock();
    const store = await openStore({ fileSystem: disk, clock });
    store.append(message({ body: 'a' }));
    store.commit();
    disk.syncError = 'EIO';
    await clock.advance(1_000);
    expect(store.append(message()).status).toBe('SERVICE_NOT_AVAILABLE');
    expect(await bodies(store)).toEqual(['a']);
    await store.close();
  });

  describe('while a flush is under way', () => {
    async function flushing(): Promise<{ disk: Disk; clock: ManualClock; store: MessageStore; told: unknown[] }> {
      const disk = new Disk();
      const clock = new ManualClock();
      const store = await openStore({ fileSystem: disk, clock, checkpointInterval: 1_000_000 });
      const told: unknown[] = [];
      store.onCommitted((upTo, failure) => told.push([upTo, (failure as { code?: string } | undefined)?.code]));
      store.append(message({ body: 'a' }));
      store.commit();
      disk.held = [];
      await clock.advance(500);
      expect(disk.held).toHaveLength(1);
      told.length = disk.asyncWrites = 0;
      return { disk, clock, store, told };
    }

    it('writes off the thread, and promises when that has ended', async () => {
      const { disk, store, told } = await flushing();
      disk.heldWrites = [];
      const { size } = store.append(message({ body: 'b' }));
      store.commit();
      store.append(message({ body: 'c' }));
      store.commit();
      expect([disk.asyncWrites, told, await bodies(store)]).toEqual([1, [], ['a']]);
      disk.letWrite();
      await store.drain();
      expect(told).toEqual([
        [2 * size, undefined],
        [3 * size, undefined],
      ]);
      expect(await bodies(store)).toEqual(['a', 'b', 'c']);
      disk.letGo();
      const after = killed(disk);
      await store.close();
      const again = await openStore({ fileSystem: after });
      expect(await bodies(again)).toEqual(['a', 'b', 'c']);
      await again.close();
    });

    it.each([0, 50, 90])('a write that fails there refuses all behind it (%i bytes taken)', async (room) => {
      const { disk, store, told } = await flushing();
      disk.heldWrites = [];
      const { size } = store.append(message({ body: 'b' }));
      store.commit();
      store.append(message({ body: 'c' }));
      Object.assign(disk, { writeError: 'ENOSPC', room });
      disk.letWrite();
      await store.drain();
      expect(told).toEqual([[size, 'STORE_WRITE_FAILED']]);
      disk.writeError = undefined;
      expect(store.append(message({ body: 'd' })).queueOffset).toBe(1);
      disk.letGo();
      await store.drain();
      const after = killed(disk);
      await store.close();
      const again = await openStore({ fileSystem: after });
      expect(await bodies(again)).toEqual(['a', 'd']);
      await again.close();
    });

    it('a write that ends after the flush has failed is not promised', async () => {
      const { disk, store, told } = await flushing();
      disk.heldWrites = [];
      store.append(message({ body: 'b' }));
      store.commit();
      const { committedOffset } = store.metrics;
      disk.syncError = 'EIO';
      disk.letGo();
      await new Promise(setImmediate);
      expect([told, store.append(message()).status]).toEqual([[], 'SERVICE_NOT_AVAILABLE']);
      disk.letWrite();
      await store.drain();
      expect(told).toEqual([[committedOffset, 'STORE_FLUSH_FAILED']]);
      expect(await bodies(store)).toEqual(['a']);
      await store.close();
    });
  });
});
