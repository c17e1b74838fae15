import { describe, expect, it } from '@jest/globals';
import { fileError } from '../errors.js';
import type { OpenMode } from './file-system.js';
import { MemoryFileSystem } from './memory-file-system.js';
import type { MemoryFile } from './memory-file-system.js';
import { OpenFiles } from './open-files.js';
import { Prefetch } from './prefetch.js';
import { CHUNK, ReadCache } from './read-cache.js';
import { SegmentFiles } from './segment-files.js';
import { message, openStore } from '../../../test-kit/store.js';

const END = 2_000_000;

/** Counts reads of what is not a queue, and can be made to fail. */
class Disk extends MemoryFileSystem {
  override readonly onDisk = true;
  reads = 0;
  failing = false;

  override openSync(path: string, mode: OpenMode): MemoryFile {
    const file = super.openSync(path, mode);
    const { readSync } = file;
    file.readSync = (...range) => {
      if (!path.includes('consumequeue')) this.reads++;
      if (this.failing) throw fileError('EIO', path);
      return readSync.apply(file, range);
    };
    return file;
  }
}

interface Made {
  disk: Disk;
  cache: ReadCache;
  prefetch: Prefetch;
}

async function made(hotFrom = END): Promise<Made> {
  const disk = new Disk();
  const files = new SegmentFiles(new OpenFiles(disk, 4), '/files', 1_000_000, 1);
  await files.ensure(0);
  await files.ensure(1_000_000);
  await files.writeFully(Buffer.from('here'), 0, 4, 999_990);
  const cache = new ReadCache();
  const prefetch = new Prefetch(
    files,
    cache,
    () => hotFrom,
    () => END,
  );
  return { disk, cache, prefetch };
}

describe('what is read ahead', () => {
  it('is in memory then, across files, and is read once', async () => {
    const { disk, cache, prefetch } = await made();
    await Promise.all([prefetch.record(900_000, 200_000), prefetch.record(900_000, 200_000)]);
    expect(cache.find(999_990, 4)).toBe(true);
    expect(cache.buffer.toString('latin1', cache.at, cache.at + 4)).toBe('here');
    // Two chunks, of which the first lies in two files.
    expect(disk.reads).toBe(3);
    expect(prefetch.record(950_000, 100_000)).toBeUndefined();
  });

  it('is more for whoever goes on', async () => {
    const { prefetch } = await made();
    await prefetch.record(0, 1_000);
    await prefetch.record(CHUNK, 1_000);
    await new Promise(setImmediate);
    expect(prefetch.record(2 * CHUNK, 1_000)).toBeUndefined();
  });

  it('is nothing if it is in memory anyway', async () => {
    const { prefetch } = await made(5_000);
    expect([prefetch.record(6_000, 1_000), prefetch.lacks(6_000, 1_000)]).toEqual([undefined, false]);
  });

  it('is nothing if a damaged length asks for all', async () => {
    const { disk, prefetch } = await made();
    await prefetch.record(5, 2 ** 50);
    expect(disk.reads).toBe(0);
  });

  it('may fail: whoever reads the bytes gets the error', async () => {
    const { disk, prefetch } = await made();
    disk.failing = true;
    await expect(prefetch.record(0, 1_000)).resolves.toBeDefined();
    expect(prefetch.lacks(0, 1_000)).toBe(true);
    await expect(prefetch.recordAlone(0, 1_000)).rejects.toThrow('EIO');
  });

  it('is the end of the log too, as far as it goes', async () => {
    const { cache, prefetch } = await made();
    await prefetch.record(END - 100, 100);
    expect([cache.has(END - 100, 100), cache.has(END - 100, 101)]).toEqual([true, false]);
  });
});

it('indexes what was written lately without reading it from its files', async () => {
  const disk = new Disk();
  const store = await openStore({ fileSystem: disk });
  for (let i = 0; i < 500; i++) store.append(message({ properties: { KEYS: `k${i}` } }));
  await store.drain();
  disk.reads = 0;
  const { records } = await store.queryByKey('T', 'k499', 1, 0, Number.MAX_SAFE_INTEGER);
  expect([records.length, disk.reads]).toEqual([1, 0]);
  await store.close();
});
