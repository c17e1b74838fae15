// Owns reading of the commit log: from the tail in memory, else by large aligned reads, and the check that what came
// from disk is the record that was asked for.
import type { CommitLog } from './commit-log.js';
import { ReadCache } from '../files/read-cache.js';
import { AT_PHYSICAL_OFFSET, RecordView, SHORTEST_RECORD, readLong } from './record.js';

/** Where a queue says that the record is. */
export interface QueuePlace {
  topic: Buffer;
  queueId: number;
  queueOffset: number;
}

/** Bytes of an aligned read. Queues share the log, so the neighbours of a record are wanted soon. */
const BLOCK = 131_072;
const BLOCKS = 32;
/** Bytes of a record, at most: what says more is damaged. */
const LONGEST_RECORD = 16_777_216;
const EMPTY = Buffer.alloc(0);

export class LogReader {
  /** Records from disk that failed their check. */
  corruptRecords = 0;
  buffer: Buffer = EMPTY;
  at = 0;
  readonly #blocks = new Map<number, Buffer>();
  readonly #record = new RecordView();
  /** What was read off the thread, to be served from here. */
  readonly cache = new ReadCache();
  /** What `find` found is in a buffer of the record's own, which nobody writes to again. */
  own = false;

  constructor(
    readonly log: CommitLog,
    readonly checkCrc: boolean,
    /** Told of each record that fails its check. */
    readonly onCorrupt: (position: number, size: number) => void,
  ) {}

  /**
   * Whether a record of `size` bytes is at `position` and is whole; then `buffer` has it at `at`, until the next call or
   * append.
   * @param place that it was asked for by, if it was: an entry with one bit flipped may lead to a good record of another
   *   queue, or of another place in this one
   */
  find(position: number, size: number, place?: QueuePlace): boolean {
    const { log } = this;
    this.own = false;
    if (size < SHORTEST_RECORD || size > LONGEST_RECORD) return false;
    if (position < log.files.first || position + size > log.committed) return false;
    if (this.#inTail(position, size)) return true;
    if (!this.#inFiles(position, size)) return false;
    if (this.#isWhole(size, position, place)) return true;
    this.corruptRecords++;
    this.onCorrupt(position, size);
    return false;
  }

  /** The record, if `find` finds it; a view, good until the next call or append. */
  record(position: number, size: number, place?: QueuePlace): Buffer | undefined {
    return this.find(position, size, place) ? this.buffer.subarray(this.at, this.at + size) : undefined;
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

  /** The same, in bytes of its own. */
  copy(position: number, size: number): Buffer | undefined {
    const found = this.record(position, size);
    return found && Buffer.from(found);
  }

  /** When the record was stored, ms since the epoch. */
  storeTimestamp(position: number, size: number): number | undefined {
    const found =
      this.find(position, size) && this.#record.parse(this.buffer, this.at, this.at + size, position, false);
    return found ? this.#record.storeTimestamp : undefined;
  }

  /** Size of the record that begins at `position`, if one does. */
  sizeAt(position: number): number | undefined {
    if (position < this.log.files.first || position + SHORTEST_RECORD > this.log.committed) return undefined;
    if (!this.#inTail(position, SHORTEST_RECORD) && !this.#inFiles(position, SHORTEST_RECORD)) return undefined;
    const { buffer, at } = this;
    return readLong(buffer, at + AT_PHYSICAL_OFFSET) === position ? buffer.readInt32BE(at) : undefined;
  }

  #inTail(position: number, size: number): boolean {
    const chunk = this.log.tail.chunkOf(position, size);
    if (!chunk) return false;
    this.buffer = chunk.buffer;
    this.at = position - chunk.base;
    return true;
  }

  /** Bytes of the log as they are in the files; false where the file is missing or cannot be read. */
  #inFiles(position: number, size: number): boolean {
    const { files } = this.log;
    if (this.cache.find(position, size)) {
      ({ buffer: this.buffer, at: this.at, own: this.own } = this.cache);
      return true;
    }
    const start = files.startOf(position);
    const inFile = position - start;
    const blockAt = inFile - (inFile % BLOCK);
    const block =
      inFile + size <= blockAt + BLOCK && this.#block(start + blockAt, Math.min(BLOCK, files.fileSize - blockAt));
    if (!block) return this.#readAlone(position, size);
    this.buffer = block;
    this.at = inFile - blockAt;
    return true;
  }

  /** Forgets what was read of files that are gone. */
  forgetBelow(position: number): void {
    for (const at of this.#blocks.keys()) if (at < position) this.#blocks.delete(at);
    this.cache.forgetBelow(position);
  }

  #block(at: number, length: number): Buffer | undefined {
    const known = this.#blocks.get(at);
    if (known) return known;
    // What may still be appended to must not be remembered.
    if (at + length > this.log.committed) return undefined;
    const buffer = this.#oldestBlock(length) ?? Buffer.allocUnsafeSlow(length);
    if (this.log.files.read(buffer, 0, length, at) < length) return undefined;
    this.#blocks.set(at, buffer);
    return buffer;
  }

  /** Takes the memory of the block that was read first, if there are enough. */
  #oldestBlock(length: number): Buffer | undefined {
    if (this.#blocks.size < BLOCKS) return undefined;
    const [[at, block]] = this.#blocks;
    this.#blocks.delete(at);
    return block.length === length ? block : undefined;
  }

  #readAlone(position: number, size: number): boolean {
    this.buffer = Buffer.allocUnsafeSlow(size);
    this.at = 0;
    return this.log.files.read(this.buffer, 0, size, position) === size;
  }
}
