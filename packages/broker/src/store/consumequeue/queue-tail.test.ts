import { describe, expect, it } from '@jest/globals';
import { MemoryFileSystem, type MemoryFile } from '../files/memory-file-system.js';
import type { OpenMode } from '../files/file-system.js';
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

  override openSync(path: string, mode: OpenMode): MemoryFile {
    const file = super.openSync(path, mode);
    const { write } = file;
    file.write = async (...range) => {
      await this.#ended;
      if (this.full) throw new Error('ENOSPC');
      return write.apply(file, range);
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
async function wrong(files: SegmentFiles, tail: QueueTail): Promise<number[]> {
  const view = new QueueView(tail.flushed);
  const bytes = Buffer.alloc(tail.flushed * UNIT);
  await files.read(bytes, 0, bytes.length, 0);
  view.show(bytes, 0, tail.flushed);
  return Array.from({ length: tail.flushed }, (_, i) => i).filter(
    (i) => view.physicalOffset(i) !== i * SIZE || view.size(i) !== SIZE || view.tagsCode(i) !== i,
  );
}

describe('while the newest entries of a queue are written off the thread', () => {
  it('as many more may come as want to, and all get to the file as they are', async () => {
    const { disk, files, tail } = opened();
    append(tail, 1000);
    disk.hold();
    const written = tail.writeOut();
    append(tail, MANY);
    disk.release();
    await written;
    append(tail, MANY);
    await tail.writeOut();
    expect([tail.flushed, tail.next, await wrong(files, tail)]).toEqual([1000 + 2 * MANY, 1000 + 2 * MANY, []]);
  });

  it('a topic that is deleted takes its files along, those too that are just being made', async () => {
    const { disk, files, tail } = opened();
    append(tail, 10);
    disk.hold();
    const written = tail.writeOut();
    const removed = tail.remove();
    disk.release();
    await Promise.all([written, removed]);
    expect([disk.listSync(FOLDER), files.starts, tail.failure, tail.waits]).toEqual([[], [], undefined, false]);
  });

  it('what the disk does not take waits, and is written when there is room', async () => {
    const { disk, files, tail } = opened();
    append(tail, 10);
    disk.full = true;
    await tail.writeOut();
    expect([tail.failure, tail.flushed]).toEqual([new Error('ENOSPC'), 0]);
    disk.full = false;
    await tail.writeOut();
    expect([tail.failure, tail.flushed, await wrong(files, tail)]).toEqual([undefined, 10, []]);
  });

  it('a file that begins before the first entry is not left without the fillers before it', async () => {
    const { disk, files, tail } = opened();
    tail.startAt(50);
    append(tail, 10);
    disk.full = true;
    await tail.writeOut();
    expect([tail.failure, files.starts]).toEqual([new Error('ENOSPC'), []]);
    disk.full = false;
    await tail.writeOut();
    const view = new QueueView(60);
    const bytes = Buffer.alloc(60 * UNIT);
    await files.read(bytes, 0, bytes.length, 0);
    view.show(bytes, 0, 60);
    expect(Array.from({ length: 60 }, (_, i) => view.size(i))).toEqual(
      Array.from({ length: 60 }, (_, i) => (i < 50 ? FILLER_SIZE : SIZE)),
    );
  });
});
