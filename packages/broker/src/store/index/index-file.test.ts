import { describe, expect, it } from '@jest/globals';
import { IndexFile } from './index-file.js';
import { MemoryFileSystem, type MemoryFile } from '../files/memory-file-system.js';
import { fileError } from '../errors.js';
import type { OpenMode } from '../files/file-system.js';
import { OpenFiles } from '../files/open-files.js';

const LAYOUT = { maxHashSlotNum: 40, maxIndexNum: 10_000 };
const PATH = '/index/20260101000000000';
const HASHES = 55;

class DyingDisk extends MemoryFileSystem {
  /** Writes and syncs until one fails; none does at Infinity. */
  left = Infinity;

  override openSync(path: string, mode: OpenMode): MemoryFile {
    const file = super.openSync(path, mode);
    const { writeSync, sync } = file;
    file.writeSync = (...args) => {
      this.#spend(path);
      return writeSync.apply(file, args);
    };
    file.sync = async () => {
      this.#spend(path);
      return sync.apply(file);
    };
    return file;
  }

  #spend(path: string): void {
    if (--this.left < 0) throw fileError('EIO', path);
  }
}

function indexOn(disk: MemoryFileSystem): IndexFile {
  return new IndexFile(new OpenFiles(disk, 4), PATH, LAYOUT, () => undefined);
}

/** Puts entries `from` to `to`; several hashes share a slot. */
function fill(index: IndexFile, from: number, to: number): void {
  for (let i = from; i < to; i++) index.put(i % HASHES, i, 1_000_000 + i * 1_000);
}

async function found(index: IndexFile, hash: number): Promise<number[]> {
  const offsets: number[] = [];
  await index.find(
    hash,
    ({ physicalOffset }) => offsets.push(physicalOffset) > 0,
    () => undefined,
  );
  return offsets;
}

/** Flushes 200 entries, and 200 more on a disk that takes `calls` more calls; whether that failed. */
async function secondFlushFails(index: IndexFile, disk: DyingDisk, calls: number): Promise<boolean> {
  fill(index, 0, 200);
  await index.flush();
  fill(index, 200, 400);
  disk.left = calls;
  return index.flush().then(
    () => false,
    () => true,
  );
}

async function expectAll(index: IndexFile, count: number): Promise<void> {
  for (let hash = 0; hash < HASHES; hash++) {
    const put: number[] = [];
    for (let i = hash; i < count; i += HASHES) put.unshift(i);
    expect([hash, await found(index, hash)]).toEqual([hash, put]);
  }
}

describe('an index file', () => {
  it.each([
    ['close together', 1],
    ['far apart', 7],
  ])('gives all entries of a long chain, %s', async (_what, apart) => {
    const index = indexOn(new MemoryFileSystem());
    for (let i = 0; i < 9_000; i++) index.put(i % apart, i, 1_000_000);
    await index.link();
    const put = Array.from({ length: Math.ceil(9_000 / apart) }, (_, i) => i * apart).toReversed();
    expect(await found(index, 0)).toEqual(put);
  });

  it('gives none twice when they come to the file while they are being asked for', async () => {
    const index = indexOn(new MemoryFileSystem());
    fill(index, 0, 3 * HASHES);
    const offsets: number[] = [];
    await index.find(
      1,
      async ({ physicalOffset }) => {
        if (offsets.push(physicalOffset) === 2) {
          await index.link();
          fill(index, 3 * HASHES, 4 * HASHES);
        }
        return true;
      },
      () => undefined,
    );
    expect(offsets).toEqual([1 + 2 * HASHES, 1 + HASHES, 1]);
  });

  it('gives entries of a hash, the newest first, whether they wait, are linked, or both', async () => {
    const index = indexOn(new MemoryFileSystem());
    fill(index, 0, 300);
    await expectAll(index, 300);
    await index.link();
    await expectAll(index, 300);
    fill(index, 300, 500);
    await expectAll(index, 500);
    await index.flush();
    await expectAll(index, 500);
  });

  it('gives them while a link is under way that lets others in at every step', async () => {
    const disk = new MemoryFileSystem();
    let put = 300;
    const index: IndexFile = new IndexFile(new OpenFiles(disk, 4), PATH, LAYOUT, () => {
      fill(index, put, put + 3);
      put += 3;
      return expectAll(index, put);
    });
    fill(index, 0, put);
    await index.link();
    expect(put).toBeGreaterThan(300);
    await expectAll(index, put);
    await index.flush();
    await expectAll(index, put);
  });

  it('T196: says in its header what Apache would: used slots, count, first and last message', async () => {
    const disk = new MemoryFileSystem();
    const index = indexOn(disk);
    for (const hash of [3, 43, 3, 7]) index.put(hash, 100 + hash, 5_000 + hash * 1_000);
    await index.flush();
    const header = Buffer.alloc(40);
    disk.openSync(PATH, 'read').readSync(header, 0, 40, 0);
    const longs = [0, 8, 16, 24].map((at) => Number(header.readBigInt64BE(at)));
    expect(longs).toEqual([8_000, 12_000, 103, 107]);
    // 3 and 43 share a slot.
    expect([header.readInt32BE(32), header.readInt32BE(36)]).toEqual([2, 5]);
  });

  it('loses no entry to a link or flush that fails at whatever call, once it is tried again', async () => {
    for (let n = 0, failed = true; failed; n++) {
      const disk = new DyingDisk();
      const index = indexOn(disk);
      failed = await secondFlushFails(index, disk, n);
      await expectAll(index, 400);
      disk.left = Infinity;
      fill(index, 400, 450);
      await expectAll(index, 450);
      await index.flush();
      await expectAll(index, 450);
      await expectAll(await indexOn(disk).load(), 450);
    }
  });

  it('keeps what its header counts when the process dies at whatever call, and takes the same numbers again', async () => {
    for (let n = 0, failed = true; failed; n++) {
      const disk = new DyingDisk();
      const index = indexOn(disk);
      failed = await secondFlushFails(index, disk, n);
      disk.left = Infinity;
      const again = await indexOn(disk).load();
      const counted = again.indexCount - 1;
      // The last call is the sync behind the header.
      expect(failed ? [200, 400] : [400]).toContain(counted);
      await expectAll(again, counted);
      fill(again, counted, 500);
      await expectAll(again, 500);
      await again.flush();
      await expectAll(again, 500);
      await expectAll(await indexOn(disk).load(), 500);
    }
  });
});
