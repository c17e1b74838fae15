// Finds out whether a consume queue's files are as the last checkpoint noted them.
import { crc32 } from 'node:zlib';
import type { ConsumeQueue } from './consume-queue.js';
import { systemCode } from './errors.js';
import type { NotedQueue } from './queue-checkpoint.js';
import type { FileSum } from './queue-sums.js';
import { UNIT } from './queue-view.js';
import type { QueueView } from './queue-view.js';
import { isZero } from './segment.js';

/** Bytes read at once. */
const CHUNK = 262_144;
const SHORT = 16_384;

/** From where on a queue must be compared with the log. */
export interface QueueDamage {
  /** Its first entry that may be wrong. */
  index: number;
  /** Where in the log the message of that entry, or of the first one behind it, begins. */
  physicalOffset: number;
  /** Whether nothing before is left. */
  anew: boolean;
}

export class QueueVerifier {
  #spare = Buffer.alloc(0);

  constructor(
    readonly view: QueueView,
    /** Where the log begins. */
    readonly logFirst: number,
  ) {}

  /** Makes the queue go on where it is good; tells from where on it is not. */
  async verify(queue: ConsumeQueue, noted: NotedQueue): Promise<QueueDamage | undefined> {
    await queue.files.load(true, true);
    const good: FileSum[] = [];
    for (let i = 0; i < noted.files.length; i++) {
      const file = noted.files[i];
      const there = queue.files.has(file.start);
      if (!there && this.#hasGone(noted, i)) continue;
      if (!there || !(await this.#isGood(queue, noted, file))) return this.#goOnBefore(queue, noted, file, good);
      good.push(file);
    }
    queue.resume(this.view, noted, good);
    if (await this.#hasEntryBehind(queue)) await queue.clearBehind();
    return undefined;
  }

  /** Whether all messages that the file led to were removed with their part of the log. */
  #hasGone({ files, lastPhysical }: NotedQueue, i: number): boolean {
    return i + 1 < files.length ? files[i + 1].firstPhysical <= this.logFirst : lastPhysical < this.logFirst;
  }

  /** It would be taken for one of the queue by Apache RocketMQ. */
  async #hasEntryBehind({ files, next }: ConsumeQueue): Promise<boolean> {
    const count = await files.readAside(this.view.scratch, 0, UNIT, next * UNIT);
    return count > 0 && !isZero(this.view.scratch, count);
  }

  #goOnBefore(queue: ConsumeQueue, noted: NotedQueue, file: FileSum, good: FileSum[]): QueueDamage {
    const index = file.start / UNIT;
    const anew = good.length === 0;
    queue.resume(this.view, { first: anew ? index : noted.first, next: index }, good);
    return { index, physicalOffset: file.firstPhysical, anew };
  }

  async #isGood(queue: ConsumeQueue, { next }: NotedQueue, { start, units, crc }: FileSum): Promise<boolean> {
    const { files } = queue;
    if (units !== Math.min(next - start / UNIT, files.fileSize / UNIT)) return false;
    if (files.cut.some(({ from }) => from >= start && from < start + units * UNIT)) return false;
    const end = start + units * UNIT;
    // Most queues of a store with many are short.
    if (this.#spare.length < Math.min(CHUNK, end - start))
      this.#spare = Buffer.allocUnsafeSlow(end - start <= SHORT ? SHORT : CHUNK);
    let sum = 0;
    try {
      for (let at = start; at < end; at += CHUNK) {
        const length = Math.min(CHUNK, end - at);
        if ((await files.readAside(this.#spare, 0, length, at)) < length) return false;
        sum = crc32(this.#spare.subarray(0, length), sum);
      }
    } catch (error) {
      if (systemCode(error) !== 'EIO') throw error;
      files.remove(start);
      return false;
    }
    return sum === crc;
  }
}
