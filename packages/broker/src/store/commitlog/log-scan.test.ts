// Tests that a walk over the log reads ahead, so that the disk works while records are looked at.
import { describe, expect, it } from '@jest/globals';
import { message, openStore } from '../../../test-kit/store.js';
import { fileError } from '../errors.js';
import { MemoryFileSystem, type MemoryFile } from '../files/memory-file-system.js';
import type { OpenMode } from '../files/file-system.js';
import { OpenFiles } from '../files/open-files.js';
import { SegmentFiles } from '../files/segment-files.js';
import { LogScan } from './log-scan.js';
import type { RecordView } from './record.js';

const FILE = 1_048_576;
const WINDOW = 262_144;
const LARGEST = 16_384;
const COUNT = 2_500;

/** Tells up to where it was read, and how many reads are under way. Reads of what is behind `bad` fail. */
class Disk extends MemoryFileSystem {
  farthest = 0;
  reading = 0;
  bad = Infinity;

  override openSync(path: string, mode: OpenMode): MemoryFile {
    const file = super.openSync(path, mode);
    const base = Number(/\/commitlog\/(\d+)$/.exec(path)?.[1] ?? NaN);
    if (Number.isNaN(base)) return file;
    file.read = async (target, offset, length, position) => {
      this.farthest = Math.max(this.farthest, base + position + length);
      this.reading++;
      // Slower than a walk that waits for none of it.
      await new Promise((resolve) => setImmediate(resolve));
      this.reading--;
      if (base + position + length > this.bad) throw fileError('EIO', path);
      return file.readSync(target, offset, length, position);
    };
    return file;
  }
}

async function filled(): Promise<{ disk: Disk; scan: LogScan; end: number }> {
  const disk = new Disk();
  const store = await openStore({ fileSystem: disk, mappedFileSizeCommitLog: FILE });
  let end = 0;
  for (let i = 0; i < COUNT; i++) {
    const { physicalOffset, size } = store.append(message({ body: 'x'.repeat(800) }));
    end = physicalOffset + size;
  }
  await store.drain();
  await store.close();
  const files = new SegmentFiles(new OpenFiles(disk, 4), '/store/commitlog', FILE, 1);
  await files.load(false);
  disk.farthest = 0;
  return { disk, scan: new LogScan(files, true, LARGEST, () => undefined), end };
}

describe('a walk over the log', () => {
  it('has asked for the bytes behind the window while it looks at those within', async () => {
    const { disk, scan, end } = await filled();
    let records = 0;
    let leastAhead = Infinity;
    const walked = await scan.walk(0, {
      record: ({ physicalOffset, size }) => {
        records++;
        const behind = physicalOffset + size;
        // At the end of a file there is no more to ask for.
        if (behind % FILE < FILE - WINDOW) leastAhead = Math.min(leastAhead, disk.farthest - behind);
      },
      corrupt: () => expect(true).toBe(false),
    });
    expect([records, walked]).toEqual([COUNT, end]);
    expect(leastAhead).toBeGreaterThan(WINDOW - LARGEST);
    expect(disk.reading).toBe(0);
  });

  it('asks for nothing behind its limit', async () => {
    const { disk, scan } = await filled();
    scan.limit = 300_000;
    await scan.walk(0, { record: () => undefined, corrupt: () => undefined });
    expect(disk.farthest).toBeLessThanOrEqual(300_000);
  });

  it('fails where bytes that it needs cannot be read, and not before', async () => {
    const { disk, scan } = await filled();
    disk.bad = WINDOW + 1_000;
    let last = 0;
    const record = ({ physicalOffset, size }: RecordView): void => void (last = physicalOffset + size);
    await expect(scan.walk(0, { record, corrupt: () => undefined })).rejects.toThrow('EIO');
    expect(last).toBeGreaterThan(WINDOW - LARGEST);
    expect(disk.reading).toBe(0);
  });

  it('ends when nothing is read any more, and without an error of what it did not need', async () => {
    const { disk, scan, end } = await filled();
    disk.bad = end + WINDOW;
    scan.knownEnd = end;
    expect(await scan.walk(0, { record: () => undefined, corrupt: () => undefined })).toBe(end);
    expect(disk.farthest).toBeGreaterThan(disk.bad);
    expect(disk.reading).toBe(0);
  });
});
