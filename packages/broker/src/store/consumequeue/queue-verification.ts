// Checks whether a consume queue's files are as the last checkpoint saved them.
import { crc32 } from 'node:zlib';
import type { ConsumeQueue } from './consume-queue.js';
import { systemCode } from '../errors.js';
import type { SavedQueue } from './queue-checkpoint.js';
import { isUnchanged } from './queue-sums.js';
import type { FileSum } from './queue-sums.js';
import { UNIT } from './queue-view.js';
import type { QueueView } from './queue-view.js';
import { isZero } from '../files/segment.js';

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
  fromScratch: boolean;
}

export class QueueVerifier {
  #spare = Buffer.alloc(0);
  /** Whether there are bytes where the next entry of the file that was read last is to be. */
  #entryBehind = false;

  constructor(
    readonly view: QueueView,
    /** Where the log begins. */
    readonly logFirst: number,
    /** Where it began at the last checkpoint. */
    readonly savedFirst: number,
  ) {}

  /** Makes the queue go on where it is good; returns from where on it is not. */
  async verify(queue: ConsumeQueue, saved: SavedQueue): Promise<QueueDamage | undefined> {
    await queue.files.load(true, true);
    const good: FileSum[] = [];
    this.#entryBehind = false;
    for (const [i, file] of saved.files.entries()) {
      const there = queue.files.has(file.start);
      if (!there && this.#hasGone(saved, i)) continue;
      if (!there || !(await this.#isGood(queue, saved, file))) return this.#goOnBefore(queue, saved, file, good);
      good.push(file);
    }
    queue.resume(saved, good);
    // Old files were to go, and did not.
    if (this.savedFirst > this.logFirst) await queue.findFirst(this.view);
    // It would be taken for one of the queue by Apache RocketMQ.
    if (this.#entryBehind) await queue.clearBehind();
    return undefined;
  }

  /** Whether all messages that the file led to were removed with their part of the log. */
  #hasGone({ files, lastPhysical }: SavedQueue, i: number): boolean {
    const next = files[i + 1];
    return next ? next.firstPhysical <= this.logFirst : lastPhysical < this.logFirst;
  }

  async #goOnBefore(queue: ConsumeQueue, saved: SavedQueue, file: FileSum, good: FileSum[]): Promise<QueueDamage> {
    const index = file.start / UNIT;
    const fromScratch = good.length === 0;
    await queue.resumeAt(this.view, index, fromScratch ? index : saved.first, good);
    return { index, physicalOffset: file.firstPhysical, fromScratch };
  }

  async #isGood({ files }: ConsumeQueue, { next }: SavedQueue, file: FileSum): Promise<boolean> {
    const { start, units, crc } = file;
    if (units !== Math.min(next - start / UNIT, files.fileSize / UNIT)) return false;
    if (files.cut.some(({ from }) => from >= start && from < start + units * UNIT)) return false;
    const isFull = units * UNIT === files.fileSize;
    // To read all full files of a large store would take seconds.
    if (isFull && files.onDisk && isUnchanged(file, await files.stat(start))) return true;
    file.changed = 0;
    const end = start + units * UNIT;
    let sum = 0;
    try {
      for (let at = start; at < end; at += CHUNK) {
        const length = Math.min(CHUNK, end - at);
        const count = await files.read(this.#room(length + UNIT), 0, length + UNIT, at);
        if (count < length) return false;
        sum = crc32(this.#spare.subarray(0, length), sum);
        this.#entryBehind = at + length === end && !isZero(this.#spare.subarray(length), count - length);
      }
    } catch (error) {
      if (systemCode(error) !== 'EIO') throw error;
      await files.remove(start);
      return false;
    }
    return sum === crc;
  }

  /** Most queues of a store with many are short. */
  #room(bytes: number): Buffer {
    if (this.#spare.length < bytes) this.#spare = Buffer.allocUnsafeSlow(bytes <= SHORT ? SHORT : CHUNK + UNIT);
    return this.#spare;
  }
}
