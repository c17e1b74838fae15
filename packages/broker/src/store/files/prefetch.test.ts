import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@nest-rocketmq/remoting/internal';
import type { FileSystem, StoreFile } from './file-system.js';
import { MemoryFileSystem, fileError } from './memory-file-system.js';
import { OpenFiles } from './open-files.js';
import { SegmentFiles } from './segment-files.js';
import { bodies, bodyOf, killed, message, openStore } from '../../../test-kit/store.js';
import { Prefetch } from './prefetch.js';

const PAGE = 4_096;

/** Knows which pages were read off the thread, and which were read on it before that. */
class ColdDisk extends MemoryFileSystem {
  override readonly onDisk = true;
  readonly cached = new Set<string>();
  readonly blocking = new Set<string>();
  asides = 0;
  failing = false;

  override open(path: string, mode: Parameters<FileSystem['open']>[1]): StoreFile {
    const file = super.open(path, mode);
    const { read } = file;
    file.read = (target, offset, length, position) => {
      for (const page of pages(path, position, length)) if (!this.cached.has(page)) this.blocking.add(page);
      return read.call(file, target, offset, length, position);
    };
    file.readAside = async (target, offset, length, position) => {
      this.asides++;
      if (this.failing) throw fileError('EIO', path);
      await Promise.resolve();
      for (const page of pages(path, position, length)) this.cached.add(page);
      return read.call(file, target, offset, length, position);
    };
    return file;
  }
}

function pages(path: string, position: number, length: number): string[] {
  const found: string[] = [];
  for (let at = position - (position % PAGE); at < position + length; at += PAGE) found.push(`${path}@${at}`);
  return found;
}

function filesOn(disk: MemoryFileSystem): SegmentFiles {
  const files = new SegmentFiles(new OpenFiles(disk, 4), '/files', 1_000_000, 1);
  files.ensure(0);
  files.ensure(1_000_000);
  return files;
}

describe('what is brought into the cache', () => {
  it('is read off the thread, across files, once', async () => {
    const disk = new ColdDisk();
    const warmUp = new Prefetch(filesOn(disk));
    await warmUp.bring(900_000, 1_100_000);
    expect(disk.cached).toContain('/files/00000000000000000000@995328');
    expect(disk.cached).toContain('/files/00000000000001000000@98304');
    expect(warmUp.bring(950_000, 1_050_000)).toBeUndefined();
  });

  it('is read ahead for whoever goes on', async () => {
    const disk = new ColdDisk();
    const warmUp = new Prefetch(filesOn(disk));
    await warmUp.bring(0, 1_000);
    await warmUp.bring(262_144, 263_000);
    await new Promise(setImmediate);
    expect(warmUp.bring(524_288, 900_000)).toBeUndefined();
  });

  it('is nothing where it was written lately, or is in memory anyway', () => {
    const disk = new ColdDisk();
    expect(new Prefetch(filesOn(disk), () => 5_000).bring(6_000, 7_000)).toBeUndefined();
    expect(new Prefetch(filesOn(new MemoryFileSystem())).bring(0, 7_000)).toBeUndefined();
  });

  it('is not much where a damaged length asks for all', async () => {
    const disk = new ColdDisk();
    await new Prefetch(filesOn(disk)).bring(-5, 2 ** 50);
    expect(disk.asides).toBeLessThan(100);
  });

  it('may fail: whoever reads the bytes meets the error', async () => {
    const disk = new ColdDisk();
    disk.failing = true;
    await expect(new Prefetch(filesOn(disk)).bring(0, 1_000)).resolves.toBeDefined();
  });
});

describe('a store on a cold disk', () => {
  it('reads nothing of a backlog on the thread that it has not brought into the cache', async () => {
    const disk = new ColdDisk();
    const count = 200;
    const writing = await openStore({ fileSystem: disk });
    for (let i = 0; i < count; i++) writing.append(message({ body: `${i}`.padEnd(1_000) }));
    await writing.close();
    const store = await openStore({ fileSystem: disk, tailCacheBytes: 0 });
    disk.cached.clear();
    disk.blocking.clear();
    let read = 0;
    for (let offset = 0; offset < count;) {
      await store.warmUp('T', 0, { offset, maxCount: 32, maxBytes: 262_144, filter: undefined });
      const found = store.getMessage('T', 0, offset, 32, 262_144);
      read += found.count;
      offset = found.nextBeginOffset;
    }
    expect([read, [...disk.blocking]]).toEqual([count, []]);
    expect(bodies(store)).toHaveLength(count);
    await store.close();
  });

  it.each([
    ['a clean stop', true],
    ['a kill', false],
  ])('reads nothing of its queues on the thread first when it is opened after %s', async (_what, clean) => {
    const disk = new ColdDisk();
    const writing = await openStore({ fileSystem: disk });
    for (let i = 0; i < 1_000; i++) writing.append(message({ queueId: i % 3 }));
    await writing.settled();
    await writing.close();
    // It is never closed, and leaves what a killed one leaves.
    if (!clean) await openStore({ fileSystem: disk });
    const left = new ColdDisk();
    for (const [path, content] of killed(disk).files) left.files.set(path, content);
    for (const path of disk.directories) left.directories.add(path);
    const store = await openStore({ fileSystem: left });
    const queues = [...left.blocking].filter((page) => page.includes('/consumequeue/'));
    expect([queues, bodies(store, 'T', 1).length]).toEqual([[], 333]);
    await store.close();
  });

  it('reads nothing on the thread first for a search by time, by key or by place', async () => {
    const disk = new ColdDisk();
    const clock = new ManualClock(1_000_000);
    const writing = await openStore({ fileSystem: disk, clock });
    for (let i = 0; i < 300; i++) {
      writing.append(message({ body: `${i}`, properties: { KEYS: `k${i}`, TAGS: 'a' } }));
      await clock.advance(1_000);
    }
    await writing.close();
    disk.cached.clear();
    const store = await openStore({ fileSystem: disk, clock });
    disk.blocking.clear();
    const offset = await store.offsetByTimestamp('T', 0, 1_123_000);
    const byKey = await store.queryByKey('T', 'k7', 1, 0, Number.MAX_SAFE_INTEGER);
    const byTag = await store.queryByKey('T', 'T#a', 5, 1_000_000, 1_010_000);
    const first = await store.findRecord(0);
    expect([offset, byKey.records.length, byTag.records.length, first && bodyOf(first)]).toEqual([123, 1, 5, '0']);
    expect([...disk.blocking]).toEqual([]);
    await store.close();
  });

  it('indexes what was written lately without reading it from its files', async () => {
    const disk = new ColdDisk();
    const store = await openStore({ fileSystem: disk });
    for (let i = 0; i < 500; i++) store.append(message({ properties: { KEYS: `k${i}` } }));
    await store.settled();
    disk.blocking.clear();
    const { records: found } = await store.queryByKey('T', 'k499', 1, 0, Number.MAX_SAFE_INTEGER);
    await store.close();
    const log = [...disk.blocking].filter((page) => page.includes('/commitlog/'));
    expect([found.length, log]).toEqual([1, []]);
  });
});
