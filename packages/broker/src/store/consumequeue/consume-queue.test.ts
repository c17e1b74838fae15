import { describe, expect, it } from '@jest/globals';
import { ConsumeQueue } from './consume-queue.js';
import type { MemoryFileSystem } from '../files/memory-file-system.js';
import { memoryFileSystem } from '../files/memory-file-system.js';
import { OpenFiles } from '../files/open-files.js';
import { QueueView, UNIT } from './queue-view.js';
import { SegmentFiles } from '../files/segment-files.js';

const PER_FILE = 50;
const SIZE = 100;

function queueOn(disk: MemoryFileSystem): ConsumeQueue {
  const files = new SegmentFiles(new OpenFiles(disk, 4), '/consumequeue/T/0', PER_FILE * UNIT, 1);
  return new ConsumeQueue('T', 0, files);
}

/** Its messages are `SIZE` bytes each, and lie next to each other in the log. */
async function filled(count: number, first = 0): Promise<{ disk: MemoryFileSystem; queue: ConsumeQueue }> {
  const disk = memoryFileSystem();
  const queue = queueOn(disk);
  queue.startAt(first);
  for (let i = first; i < first + count; i++) queue.append(i * SIZE, SIZE, 0);
  await queue.tail.writeOut();
  return { disk, queue };
}

describe('a consume queue', () => {
  it.each([1, 2, 7, 800])(
    'finds the first entry that fits in as many steps as it likes (%i entries at once)',
    async (units) => {
      const view = new QueueView(units);
      for (const count of [0, 1, 2, 49, 50, 51, 170]) {
        const { queue } = await filled(count);
        for (let limit = 0; limit <= count + 1; limit++) {
          for (const from of [0, Math.min(3, count)]) {
            const found = await queue.lowest(view, from, (_, physicalOffset) => physicalOffset >= limit * SIZE);
            expect([count, from, found]).toEqual([count, from, Math.max(from, Math.min(limit, count))]);
          }
        }
      }
    },
  );

  it.each([
    [0, 0],
    [1, 0],
    [120, 0],
    [30, 70],
  ])('knows its ends again when it is opened: %i entries from %i on', async (count, first) => {
    const { disk } = await filled(count, first);
    const view = new QueueView(16);
    const queue = queueOn(disk);
    await queue.load(view, false);
    const ends = { next: queue.next, last: queue.lastPhysical, end: queue.maxPhysical };
    const next = count === 0 ? 0 : first + count;
    expect(ends).toEqual({ next, last: count === 0 ? -1 : (next - 1) * SIZE, end: next * SIZE });
    expect(queue.first).toBe(count === 0 ? 0 : first);
  });

  it('T195: has no entry of a message that has gone, and no file without one', async () => {
    const { disk, queue } = await filled(170);
    const trim = async (minPhysical: number): Promise<void> => {
      await queue.trim(new QueueView(16), minPhysical);
      await queue.removeGone();
    };
    await trim(60 * SIZE);
    expect([queue.first, queue.files.starts.length]).toEqual([60, 3]);
    await trim(59 * SIZE);
    expect(queue.first).toBe(60);
    await trim(500 * SIZE);
    expect([queue.first, queue.files.starts]).toEqual([170, [150 * UNIT]]);
    queue.append(600 * SIZE, SIZE, 0);
    await trim(500 * SIZE);
    expect([queue.first, queue.next]).toEqual([170, 171]);
    expect(disk.files.size).toBe(1);
  });
});
