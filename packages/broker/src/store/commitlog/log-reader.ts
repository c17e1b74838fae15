// Reads records of the commit log from memory, or from its files, and checks that what came from a file is the record that was
// asked for.
import type { CommitLog } from './commit-log.js';
import { Prefetch } from '../files/prefetch.js';
import { ReadCache } from '../files/read-cache.js';
import { AT_PHYSICAL_OFFSET, RecordView, SHORTEST_RECORD, readLong } from './record.js';

/** Where a queue says that the record is. */
export interface QueuePlace {
  topic: Buffer;
  queueId: number;
  queueOffset: number;
}

/** Whether a record is in memory, has to be read from the disk first, or is nowhere. */
export type Found = 'here' | 'cold' | 'none';

/** Bytes of a record, at most: what says more is damaged. */
const LONGEST_RECORD = 16_777_216;
const EMPTY = Buffer.alloc(0);

export class LogReader {
  /** Records from disk that failed their check. */
  corruptRecords = 0;
  buffer: Buffer = EMPTY;
  at = 0;
  readonly prefetch: Prefetch;
  readonly #record = new RecordView();
  readonly #cache = new ReadCache();
  /** What `find` found is in a buffer of the record's own, which nobody writes to again. */
  own = false;

  constructor(
    readonly log: CommitLog,
    readonly checkCrc: boolean,
    /** Called with each record that fails its check. */
    readonly onCorrupt: (position: number, size: number) => void,
  ) {
    this.prefetch = new Prefetch(
      log.files,
      this.#cache,
      () => log.hotFrom,
      () => log.committed,
    );
  }

  /**
   * Looks for a whole record of `size` bytes at `position`. If it is `here`, `buffer` has it at `at`, until the next call
   * or append; if it is `cold`, `load` reads it.
   * @param place that it was asked for by, if it was: an entry with one flipped bit may lead to a good record of another
   *   queue, or of another place in this one
   */
  find(position: number, size: number, place?: QueuePlace): Found {
    const { log } = this;
    this.own = false;
    if (size < SHORTEST_RECORD || size > LONGEST_RECORD) return 'none';
    if (position < log.files.first || position + size > log.committed) return 'none';
    if (this.#inTail(position, size)) return 'here';
    if (!this.#inCache(position, size)) return 'cold';
    if (this.#isWhole(size, position, place)) return 'here';
    this.corruptRecords++;
    this.onCorrupt(position, size);
    return 'none';
  }

  /**
   * Reads these bytes into memory, where `find` finds them next.
   * @returns false where the files do not have them
   * @throws what the file throws
   */
  async load(position: number, size: number): Promise<boolean> {
    await this.prefetch.record(position, size);
    if (this.#cache.has(position, size) || this.log.tail.chunkOf(position, size)) return true;
    return this.prefetch.recordAlone(position, size);
  }

  /** The record that `find` has found last. */
  shown(size: number): Buffer {
    return this.buffer.subarray(this.at, this.at + size);
  }

  /** The record in bytes of its own; undefined if there is no good one. @param size default: what the record says */
  read(position: number, size?: number): Buffer | undefined | Promise<Buffer | undefined> {
    const length = size ?? this.#sizeAt(position);
    if (length === undefined) return undefined;
    const found = length === 'cold' ? length : this.find(position, length);
    if (found === 'cold') return this.#loadAndRead(position, size);
    return found === 'here' && length !== 'cold' ? Buffer.from(this.shown(length)) : undefined;
  }

  async #loadAndRead(position: number, size: number | undefined): Promise<Buffer | undefined> {
    for (;;) {
      const length = size ?? this.#sizeAt(position);
      if (length === undefined) return undefined;
      const found = length === 'cold' ? length : this.find(position, length);
      if (found === 'none') return undefined;
      if (length !== 'cold' && found === 'here') return Buffer.from(this.shown(length));
      if (!(await this.load(position, length === 'cold' ? SHORTEST_RECORD : length))) return undefined;
    }
  }

  /** When the record was stored, ms since the epoch; undefined if there is no good one. */
  async storeTimestamp(position: number, size: number): Promise<number | undefined> {
    let found = this.find(position, size);
    while (found === 'cold' && (await this.load(position, size))) found = this.find(position, size);
    const good = found === 'here' && this.#record.parse(this.buffer, this.at, this.at + size, position, false);
    return good ? this.#record.storeTimestamp : undefined;
  }

  /** Forgets what was read of files that are gone. */
  forgetBelow(position: number): void {
    this.#cache.forgetBelow(position);
  }

  /** Size of the record that begins at `position`; undefined if none does. */
  #sizeAt(position: number): number | 'cold' | undefined {
    if (position < this.log.files.first || position + SHORTEST_RECORD > this.log.committed) return undefined;
    if (!this.#inTail(position, SHORTEST_RECORD) && !this.#inCache(position, SHORTEST_RECORD)) return 'cold';
    const { buffer, at } = this;
    return readLong(buffer, at + AT_PHYSICAL_OFFSET) === position ? buffer.readInt32BE(at) : undefined;
  }

  #isWhole(size: number, position: number, place: QueuePlace | undefined): boolean {
    const record = this.#record;
    const { buffer, at } = this;
    if (!record.parse(buffer, at, at + size, position, this.checkCrc) || record.size !== size) return false;
    if (!place) return true;
    const { topic } = place;
    return (
      record.queueOffset === place.queueOffset &&
      record.queueId === place.queueId &&
      record.topicLength === topic.length &&
      topic.compare(buffer, record.topicAt, record.topicAt + topic.length) === 0
    );
  }

  #inTail(position: number, size: number): boolean {
    const chunk = this.log.tail.chunkOf(position, size);
    if (!chunk) return false;
    this.buffer = chunk.buffer;
    this.at = position - chunk.base;
    return true;
  }

  #inCache(position: number, size: number): boolean {
    const cache = this.#cache;
    if (!cache.find(position, size)) return false;
    this.buffer = cache.buffer;
    this.at = cache.at;
    this.own = cache.own;
    return true;
  }
}
