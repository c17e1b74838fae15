// Owns reading of the commit log: from the tail in memory, else by large aligned reads, and the check that what came
// from disk is the record that was asked for.
import type { CommitLog } from './commit-log.js';
import { AT_PHYSICAL_OFFSET, RecordView, SHORTEST_RECORD, readLong } from './record.js';

/** Bytes of an aligned read. Queues share the log, so the neighbours of a record are wanted soon. */
const BLOCK = 131_072;
const BLOCKS = 64;

export class LogReader {
  /** Records from disk that failed their check. */
  corruptRecords = 0;
  readonly #blocks = new Map<number, Buffer>();
  readonly #record = new RecordView();

  constructor(
    readonly log: CommitLog,
    readonly checkCrc: boolean,
    /** Told of each record that fails its check. */
    readonly onCorrupt: (position: number, size: number) => void,
  ) {}

  /**
   * The record at `position`, if one of `size` bytes is there and is whole; a view, good until the next call or append.
   * @param queueOffset the place in its queue that it was asked for by, if it was: a record that says another would send
   *   its consumer there
   */
  record(position: number, size: number, queueOffset?: number): Buffer | undefined {
    const { log } = this;
    if (size < SHORTEST_RECORD || position < log.files.first || position + size > log.committed) return undefined;
    const recent = log.tail.read(position, size);
    if (recent) return recent;
    const stored = this.bytes(position, size);
    if (!stored) return undefined;
    if (this.#isWhole(stored, position, queueOffset)) return stored;
    this.corruptRecords++;
    this.onCorrupt(position, size);
    return undefined;
  }

  #isWhole(stored: Buffer, position: number, queueOffset: number | undefined): boolean {
    const record = this.#record;
    if (!record.parse(stored, 0, stored.length, position, this.checkCrc) || record.size !== stored.length) return false;
    return queueOffset === undefined || record.queueOffset === queueOffset;
  }

  /** The same, in bytes of its own. */
  copy(position: number, size: number): Buffer | undefined {
    const found = this.record(position, size);
    return found && Buffer.from(found);
  }

  /** When the record was stored, ms since the epoch. */
  storeTimestamp(position: number, size: number): number | undefined {
    const bytes = this.record(position, size);
    return bytes && this.#record.parse(bytes, 0, size, position, false) ? this.#record.storeTimestamp : undefined;
  }

  /** Size of the record that begins at `position`, if one does. */
  sizeAt(position: number): number | undefined {
    if (position < this.log.files.first || position + SHORTEST_RECORD > this.log.committed) return undefined;
    const head = this.log.tail.read(position, SHORTEST_RECORD) ?? this.bytes(position, SHORTEST_RECORD);
    return head && readLong(head, AT_PHYSICAL_OFFSET) === position ? head.readInt32BE(0) : undefined;
  }

  /** Bytes of the log as they are in the files; undefined where the file is missing or cannot be read. */
  bytes(position: number, size: number): Buffer | undefined {
    const { files } = this.log;
    const start = files.startOf(position);
    const inFile = position - start;
    const blockAt = inFile - (inFile % BLOCK);
    if (inFile + size > blockAt + BLOCK) return this.#readAside(position, size);
    const block = this.#block(start + blockAt, Math.min(BLOCK, files.fileSize - blockAt));
    if (block) return block.subarray(inFile - blockAt, inFile - blockAt + size);
    return this.#readAside(position, size);
  }

  /** Forgets what was read of files that are gone. */
  forgetBelow(position: number): void {
    for (const at of this.#blocks.keys()) if (at < position) this.#blocks.delete(at);
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

  #readAside(position: number, size: number): Buffer | undefined {
    const buffer = Buffer.allocUnsafeSlow(size);
    return this.log.files.read(buffer, 0, size, position) === size ? buffer : undefined;
  }
}
