import { describe, expect, it } from '@jest/globals';
import { MemoryFileSystem, asideOf } from '../files/memory-file-system.js';
import type { OpenMode, StoreFile } from '../files/file-system.js';
import { OpenFiles } from '../files/open-files.js';
import { FILLER_SIZE, QueueTail } from './queue-tail.js';
import { QueueView, UNIT } from './queue-view.js';
import { SegmentFiles } from '../files/segment-files.js';

const FOLDER = '/store/consumequeue/t/0';
/** More than are written out at once while nothing else is going on. */
const MANY = 20_000;
const SIZE = 100;

/** A disk whose writes off the thread end when the test says so. */
class SlowDisk extends MemoryFileSystem {
  #ended: Promise<void> = Promise.resolve();
  #end: () => void = () => {};
  full = false;
  override readonly aside = asideOf(this);

  override open(path: string, mode: OpenMode): StoreFile {
    const file = super.open(path, mode);
    const { write, writeAside } = file;
    file.write = (...range) => {
      if (this.full) throw new Error('ENOSPC');
      return write.apply(file, range);
    };
    file.writeAside = async (...range) => {
      await this.#ended;
      if (this.full) throw new Error('ENOSPC');
      return writeAside.apply(file, range);
    };
    return file;
  }

  hold(): void {
    this.#ended = new Promise((resolve) => (this.#end = resolve));
  }

  release(): void {
    this.#end();
  }
}

function opened(): { disk: SlowDisk; files: SegmentFiles; tail: QueueTail } {
  const disk = new SlowDisk();
  const files = new SegmentFiles(new OpenFiles(disk, 4), FOLDER, 300_000 * UNIT, 4);
  return { disk, files, tail: new QueueTail(files) };
}

function append(tail: QueueTail, count: number): void {
  for (let i = 0; i < count; i++) tail.append(tail.next * SIZE, SIZE, tail.next);
}

/** The numbers of the entries below `flushed` that are not in the file as they were appended. */
function wrong(files: SegmentFiles, tail: QueueTail): number[] {
  const view = new QueueView(tail.flushed);
  files.read(view.scratch, 0, tail.flushed * UNIT, 0);
  view.buffer = view.scratch;
  return Array.from({ length: tail.flushed }, (_, i) => i).filter(
    (i) => view.physicalOffset(i) !== i * SIZE || view.size(i) !== SIZE || view.tagsCode(i) !== i,
  );
}

describe('while the newest entries of a queue are written off the thread', () => {
  it('as many more may come as want to, and all get to the file as they are', async () => {
    const { disk, files, tail } = opened();
    append(tail, 1000);
    disk.hold();
    const written = tail.writeOutAside();
    append(tail, MANY);
    disk.release();
    await written;
    append(tail, MANY);
    await tail.writeOutAside();
    expect([tail.flushed, tail.next, wrong(files, tail)]).toEqual([1000 + 2 * MANY, 1000 + 2 * MANY, []]);
  });

  it('a topic that is deleted takes its files along, those too that are just being made', async () => {
    const { disk, files, tail } = opened();
    append(tail, 10);
    disk.hold();
    const written = tail.writeOutAside();
    tail.remove();
    disk.release();
    await written;
    expect([disk.list(FOLDER), files.starts, tail.failure, tail.waits]).toEqual([[], [], undefined, false]);
  });

  it('what the disk does not take waits, and is written when there is room', async () => {
    const { disk, files, tail } = opened();
    append(tail, 10);
    disk.full = true;
    await tail.writeOutAside();
    expect([tail.failure, tail.flushed]).toEqual([new Error('ENOSPC'), 0]);
    disk.full = false;
    await tail.writeOutAside();
    expect([tail.failure, tail.flushed, wrong(files, tail)]).toEqual([undefined, 10, []]);
  });

  it('a file that begins before the first entry is not left without the fillers before it', async () => {
    const { disk, files, tail } = opened();
    tail.startAt(50);
    append(tail, 10);
    disk.full = true;
    await tail.writeOutAside();
    expect([tail.failure, files.starts]).toEqual([new Error('ENOSPC'), []]);
    disk.full = false;
    await tail.writeOutAside();
    const view = new QueueView(60);
    files.read(view.scratch, 0, 60 * UNIT, 0);
    view.buffer = view.scratch;
    expect(Array.from({ length: 60 }, (_, i) => view.size(i))).toEqual(
      Array.from({ length: 60 }, (_, i) => (i < 50 ? FILLER_SIZE : SIZE)),
    );
  });
});
