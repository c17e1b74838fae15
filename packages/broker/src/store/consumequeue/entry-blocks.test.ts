// Tests the entries that are kept of files of consume queues: which they are, how many, and that none is served that the
// file does not have any more.
import { describe, expect, it } from '@jest/globals';
import { MemoryFileSystem, type MemoryFile } from '../files/memory-file-system.js';
import type { OpenMode } from '../files/file-system.js';
import { OpenFiles } from '../files/open-files.js';
import { SegmentFiles } from '../files/segment-files.js';
import { ConsumeQueue } from './consume-queue.js';
import { EntryBlocks } from './entry-blocks.js';
import { QueueView, UNIT } from './queue-view.js';

const MOST_BLOCKS = 64;
const SIZE = 100;
const AT_ONCE = 50;

/** Counts reads; a read that is held has its bytes at once, and returns when the test says so. */
class Disk extends MemoryFileSystem {
  reads = 0;
  held: Promise<void> | undefined;

  override openSync(path: string, mode: OpenMode): MemoryFile {
    const file = super.openSync(path, mode);
    file.read = async (...range) => {
      this.reads++;
      const count = file.readSync(...range);
      await this.held;
      return count;
    };
    return file;
  }
}

const queueOn = (disk: Disk, blocks: EntryBlocks, queueId = 0): ConsumeQueue => {
  const files = new SegmentFiles(new OpenFiles(disk, 4), `/consumequeue/T/${queueId}`, 1_000 * UNIT, 1);
  return new ConsumeQueue('T', queueId, files, undefined, blocks);
};

const append = (queue: ConsumeQueue, count: number, size: number): void => {
  for (let i = 0; i < count; i++) queue.append(queue.next * size, size, 0);
};

/** A queue whose entries are in its file only. */
async function onFile(disk: Disk, blocks: EntryBlocks, count = 120, queueId = 0, size = SIZE): Promise<ConsumeQueue> {
  const written = queueOn(disk, blocks, queueId);
  append(written, count, size);
  await written.tail.writeOut();
  const queue = queueOn(disk, blocks, queueId);
  await queue.load(new QueueView(16), false);
  disk.reads = 0;
  return queue;
}

/** Where the messages from `index` on are, as far as that is in memory. */
function inMemory(queue: ConsumeQueue, index: number, count = 1): number[] {
  const view = new QueueView(AT_ONCE);
  const shown = queue.showFromMemory(view, index, count);
  return shown ? Array.from({ length: view.count }, (_, entry) => view.physicalOffset(entry)) : [];
}

async function read(queue: ConsumeQueue, index: number): Promise<[physicalOffset: number, size: number]> {
  const view = new QueueView(1);
  await queue.read(view, index, 1);
  return [view.physicalOffset(0), view.size(0)];
}

describe('the blocks of entries', () => {
  const block = (index: number) => ({ index, count: 1, bytes: Buffer.alloc(UNIT) });

  it('are one for each queue, the one that was read last', () => {
    const blocks = new EntryBlocks();
    const [one, other] = [{}, {}];
    blocks.set(one, block(1));
    blocks.set(other, block(2));
    blocks.set(one, block(3));
    expect([blocks.get(one)?.index, blocks.get(other)?.index, blocks.get({})]).toEqual([3, 2, undefined]);
    blocks.delete(one);
    expect([blocks.get(one), blocks.get(other)?.index]).toEqual([undefined, 2]);
  });

  it(`are ${MOST_BLOCKS} at most: the one that was read longest ago goes`, () => {
    const blocks = new EntryBlocks();
    const queues = Array.from({ length: MOST_BLOCKS + 2 }, () => ({}));
    for (const [index, queue] of queues.slice(0, MOST_BLOCKS).entries()) blocks.set(queue, block(index));
    expect(queues.filter((queue) => blocks.get(queue))).toHaveLength(MOST_BLOCKS);
    blocks.set(queues[0]!, block(99));
    for (const queue of queues.slice(MOST_BLOCKS)) blocks.set(queue, block(0));
    expect(queues.map((queue) => blocks.get(queue) !== undefined)).toEqual(
      queues.map((_, index) => index !== 1 && index !== 2),
    );
  });
});

describe('a queue that is read from its file', () => {
  it('is read in blocks, from which the next entries come', async () => {
    const disk = new Disk();
    const queue = await onFile(disk, new EntryBlocks());
    await queue.prefetch(new QueueView(AT_ONCE), 10, 1);
    expect(disk.reads).toBe(1);
    expect(inMemory(queue, 10, 2)).toEqual([10 * SIZE, 11 * SIZE]);
    expect(inMemory(queue, 59, 7)).toEqual([59 * SIZE]);
    expect([inMemory(queue, 9), inMemory(queue, 60)]).toEqual([[], []]);
    for (let index = 10; index < 60; index++) expect(await read(queue, index)).toEqual([index * SIZE, SIZE]);
    expect(disk.reads).toBe(1);
    expect(await read(queue, 60)).toEqual([60 * SIZE, SIZE]);
    expect(disk.reads).toBe(2);
  });

  it('keeps none of it when no more than the entries asked for were read', async () => {
    const queue = await onFile(new Disk(), new EntryBlocks());
    await queue.read(new QueueView(AT_ONCE), 10, 5);
    expect(inMemory(queue, 10)).toEqual([]);
  });

  it('keeps what it has read when its reader reads another queue with the same view', async () => {
    const [disk, blocks, view] = [new Disk(), new EntryBlocks(), new QueueView(AT_ONCE)];
    const queue = await onFile(disk, blocks);
    const other = await onFile(disk, blocks, 120, 1, 7 * SIZE);
    await queue.prefetch(view, 10, 1);
    await other.prefetch(view, 10, 1);
    expect([inMemory(queue, 10), inMemory(other, 10)]).toEqual([[10 * SIZE], [70 * SIZE]]);
  });

  it('serves a corrected entry, not what was kept of it', async () => {
    const queue = await onFile(new Disk(), new EntryBlocks());
    await queue.prefetch(new QueueView(AT_ONCE), 10, 1);
    await queue.correct(12, 7, 8, 9);
    expect(await read(queue, 12)).toEqual([7, 8]);
    await queue.prefetch(new QueueView(AT_ONCE), 10, 1);
    expect(inMemory(queue, 12)).toEqual([7]);
  });

  it('does not keep what was read before an entry was corrected, and came after', async () => {
    const disk = new Disk();
    const queue = await onFile(disk, new EntryBlocks());
    let release = (): void => undefined;
    disk.held = new Promise((resolve) => (release = resolve));
    const reading = queue.prefetch(new QueueView(AT_ONCE), 10, 1);
    // Until the read has its bytes.
    while (disk.reads === 0) await Promise.resolve();
    disk.held = undefined;
    await queue.correct(12, 7, 8, 9);
    release();
    expect(await reading).toBe(AT_ONCE);
    expect(inMemory(queue, 12)).toEqual([]);
    expect(await read(queue, 12)).toEqual([7, 8]);
  });

  it.each<[string, (queue: ConsumeQueue) => unknown, first: number]>([
    ['is cut and written anew', (queue) => queue.startAt(5), 5],
    ['is rebuilt from its start', (queue) => queue.startAt(0), 0],
    [
      'is loaded again',
      async (queue) => {
        await queue.load(new QueueView(16), false);
        queue.startAt(5);
      },
      5,
    ],
    [
      'goes on as it was saved',
      (queue) => queue.resume({ first: 0, next: 5, lastPhysical: 4 * SIZE, maxPhysical: 5 * SIZE }, []),
      5,
    ],
  ])('serves the new entries when it %s', async (_how, change, first) => {
    const queue = await onFile(new Disk(), new EntryBlocks());
    await queue.prefetch(new QueueView(AT_ONCE), 0, 1);
    await change(queue);
    expect(queue.next).toBe(first);
    append(queue, 90, 3 * SIZE);
    await queue.tail.writeOut();
    // From now on they are in the file only.
    queue.tail.release();
    for (let index = first; index < 90; index++) expect(await read(queue, index)).toEqual([index * 3 * SIZE, 3 * SIZE]);
  });

  it('shares nothing with a later queue of the same name', async () => {
    const [disk, blocks] = [new Disk(), new EntryBlocks()];
    const queue = await onFile(disk, blocks);
    await queue.prefetch(new QueueView(AT_ONCE), 0, 1);
    expect(inMemory(queue, 3)).toEqual([3 * SIZE]);
    disk.removeTreeSync('/consumequeue/T/0');
    const later = await onFile(disk, blocks, 120, 0, 3 * SIZE);
    expect(inMemory(later, 3)).toEqual([]);
    expect(await read(later, 3)).toEqual([9 * SIZE, 3 * SIZE]);
  });
});
