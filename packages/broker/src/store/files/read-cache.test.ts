import { describe, expect, it } from '@jest/globals';
import type { OpenMode } from './file-system.js';
import { MemoryFileSystem, type MemoryFile } from './memory-file-system.js';
import { CHUNK, ReadCache } from './read-cache.js';
import { message, openStore } from '../../../test-kit/store.js';
import type { MessageStore } from '../store.js';

/** Counts the bytes that are read of the commit log. */
class CountingDisk extends MemoryFileSystem {
  override readonly onDisk = true;
  bytes = 0;

  override openSync(path: string, mode: OpenMode): MemoryFile {
    const file = super.openSync(path, mode);
    if (!path.includes('commitlog')) return file;
    const { readSync } = file;
    file.readSync = (...range) => {
      const count = readSync.apply(file, range);
      this.bytes += count;
      return count;
    };
    return file;
  }
}

const LARGE = { mappedFileSizeCommitLog: 67_108_864, maxMessageSize: 4_194_304 };

async function filled(disk: CountingDisk, bodies: readonly number[]): Promise<MessageStore> {
  const writing = await openStore({ fileSystem: disk, ...LARGE });
  for (const size of bodies) {
    writing.append(message({ body: 'x'.repeat(size) }));
    await writing.drain();
  }
  await writing.close();
  const store = await openStore({ fileSystem: disk, ...LARGE, tailCacheBytes: 0 });
  disk.bytes = 0;
  return store;
}

/** @returns bytes answered to one who reads all, and how many messages */
async function readAll(store: MessageStore): Promise<[bytes: number, count: number]> {
  let [bytes, count] = [0, 0];
  for (let offset = 0, end = 1; offset < end;) {
    const range = { offset, maxCount: 32, maxBytes: 262_144, filter: undefined };
    await store.prefetch('T', 0, range);
    const found = await store.getMessage('T', 0, offset, 32, 262_144, undefined, undefined, true);
    bytes += found.body.reduce((sum, { length }) => sum + length, 0);
    count += found.count;
    [offset, end] = [found.nextBeginOffset, found.maxOffset];
  }
  return [bytes, count];
}

const times = (count: number, size: number): number[] => Array.from({ length: count }, () => size);

describe('a backlog that is read from the disk', () => {
  it.each([
    ['4 MB', times(8, 4_000_000)],
    ['1 MB', times(12, 1_000_000)],
    ['300 kB', times(30, 300_000)],
    ['200 kB', times(60, 200_000)],
    ['50 kB', times(200, 50_000)],
    ['1 kB', times(9_000, 1_000)],
  ])('in messages of %s is read once', async (_what, bodies) => {
    const disk = new CountingDisk();
    const store = await filled(disk, bodies);
    const [answered, count] = await readAll(store);
    expect(count).toBe(bodies.length);
    expect(disk.bytes / answered).toBeLessThan(1.2);
    await store.close();
  });

  it('whose small messages stand between large ones is read little more than once', async () => {
    const disk = new CountingDisk();
    const bodies = Array.from({ length: 100 }, (_, i) => [500, 40_000, 260_000, 900_000][i % 4]!);
    const store = await filled(disk, bodies);
    const [answered, count] = await readAll(store);
    expect(count).toBe(bodies.length);
    // A small one is read with its neighbours, and of a large one beside it a part twice.
    expect(disk.bytes / answered).toBeLessThan(1.4);
    await store.close();
  });

  it('is read for what one pull gives, however many it asks for', async () => {
    const disk = new CountingDisk();
    const store = await filled(disk, times(32, 1_000_000));
    await store.prefetch('T', 0, { offset: 0, maxCount: 32, maxBytes: 262_144, filter: undefined });
    expect(disk.bytes).toBeLessThan(1_100_000);
    const range = { offset: 0, maxCount: 32, maxBytes: 262_144, filter: undefined };
    expect([store.isCold('T', 0, range), store.isCold('T', 0, { ...range, offset: 5 })]).toEqual([false, true]);
    await store.close();
  });

  it('is read once for many who ask for the same large message at the same time', async () => {
    const disk = new CountingDisk();
    const store = await filled(disk, [4_000_000]);
    const range = { offset: 0, maxCount: 32, maxBytes: 262_144, filter: undefined };
    await Promise.all(times(10, 0).map(async () => store.prefetch('T', 0, range)));
    expect(disk.bytes).toBeLessThan(4_100_000);
    await store.close();
  });

  it('is read once, and ahead, for a filter that asks for records and wants few of them', async () => {
    const disk = new CountingDisk();
    const sizes = times(400, 5_000);
    const store = await filled(disk, sizes);
    let asked = 0;
    const filter = (_tagsCode: number, record: () => Buffer | undefined): boolean => {
      const bytes = record();
      return bytes === undefined || ++asked % 100 === 0;
    };
    let count = 0;
    for (let offset = 0; offset < sizes.length;) {
      await store.prefetch('T', 0, { offset, maxCount: 1, maxBytes: 262_144, filter });
      expect(store.isCold('T', 0, { offset: Math.min(offset + 20, 399), maxCount: 1, maxBytes: 1, filter })).toBe(
        false,
      );
      const found = await store.getMessage('T', 0, offset, 1, 262_144, filter);
      [offset, count] = [found.nextBeginOffset, count + found.count];
    }
    expect({ count, asked }).toEqual({ count: 4, asked: 400 });
    expect(disk.bytes / (sizes.length * 5_000)).toBeLessThan(1.4);
    await store.close();
  });

  it('is given to those who may keep it in memory of their own', async () => {
    const store = await filled(new CountingDisk(), [1_000_000]);
    await store.prefetch('T', 0, { offset: 0, maxCount: 32, maxBytes: 262_144, filter: undefined });
    (await store.getMessage('T', 0, 0, 1, 1)).body[0]!.fill(0);
    expect((await store.getMessage('T', 0, 0, 1, 1)).body[0]!.includes('xxxx')).toBe(true);
    await store.close();
  });
});

describe('the cache of what was read', () => {
  it('finds what lies across two chunks, and nothing that it has not in full', () => {
    const cache = new ReadCache();
    cache.keepChunk(0, Buffer.alloc(CHUNK, 'a'));
    expect(cache.find(CHUNK - 10, 20)).toBe(false);
    cache.keepChunk(CHUNK, Buffer.alloc(CHUNK, 'b'));
    expect(cache.find(CHUNK - 10, 20)).toBe(true);
    expect(cache.buffer.toString('latin1', cache.at, cache.at + 20)).toBe('a'.repeat(10) + 'b'.repeat(10));
    expect(cache.find(2 * CHUNK - 10, 20)).toBe(false);
  });

  it('keeps a bounded number of chunks and bytes, and nothing of files that are gone', () => {
    const cache = new ReadCache();
    for (let i = 0; i < 100; i++) cache.keepChunk(i * CHUNK, Buffer.alloc(1));
    for (let i = 0; i < 10; i++) cache.keepRecord(i, Buffer.alloc(4_000_000));
    expect([cache.has(0, 4_000_000), cache.has(9, 4_000_000)]).toEqual([false, true]);
    cache.forgetBelow(CHUNK * 1_000);
    expect(cache.has(9, 4_000_000)).toBe(false);
  });
});
