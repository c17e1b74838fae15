// Reads and writes the file `checkpoint`: up to where log, queues and index are known to be on the disk. After a kill the
// store is scanned from there.
import { crc32 } from 'node:zlib';
import { isUnreadable } from '../errors.js';
import type { FileSystem } from '../files/file-system.js';
import { readLong, writeLong } from '../commitlog/record.js';
import { readFully, writeFully } from '../files/segment.js';

const FILE_SIZE = 4_096;
const AT_PHYSIC_TIMESTAMP = 0;
const AT_LOGICS_TIMESTAMP = 8;
const AT_INDEX_TIMESTAMP = 16;
const AT_LOGICS_OFFSET = 40;
/** Ours, where Apache keeps nothing. In the same sector as the rest, so that a crash leaves all of it old or new. */
const AT_CLEAN_END = 64;
const AT_CHECKSUM = 88;
const USED = 92;

export class Checkpoint {
  /** Store timestamp of the last message flushed, ms. */
  physicMsgTimestamp = 0;
  /** Store timestamp of the last message in a flushed consume queue, ms. */
  logicsMsgTimestamp = 0;
  /** Store timestamp of the last message in a flushed index file, ms. */
  indexMsgTimestamp = 0;
  /** Every record that begins below has its flushed entry. */
  logicsPhysicalOffset = 0;
  /** Where the log ended at the last clean stop. */
  cleanEnd = 0;
  /** Whether all of it is as `save` left it. */
  whole = false;
  readonly #path: string;

  constructor(
    readonly fileSystem: FileSystem,
    root: string,
  ) {
    this.#path = `${root}/checkpoint`;
  }

  /**
   * A missing or damaged file reads as zeros: then everything is scanned. So does one that Apache has gone on with, which
   * leaves our checksum as it is; one that only Apache has written has none, and is believed.
   */
  async load(): Promise<this> {
    if ((await this.fileSystem.stat(this.#path))?.size !== FILE_SIZE) return this;
    const buffer = await this.#read();
    if (!buffer) return this;
    const checksum = buffer.readUInt32BE(AT_CHECKSUM);
    const ours = checksum !== 0 || readLong(buffer, AT_CLEAN_END) !== 0;
    if (ours && checksum !== crc32(buffer.subarray(0, AT_CHECKSUM))) return this;
    this.whole = ours;
    this.physicMsgTimestamp = readLong(buffer, AT_PHYSIC_TIMESTAMP);
    this.logicsMsgTimestamp = readLong(buffer, AT_LOGICS_TIMESTAMP);
    this.indexMsgTimestamp = readLong(buffer, AT_INDEX_TIMESTAMP);
    this.logicsPhysicalOffset = readLong(buffer, AT_LOGICS_OFFSET);
    this.cleanEnd = readLong(buffer, AT_CLEAN_END);
    return this;
  }

  /** Undefined where a folder stands in its place, or the disk cannot be read there. */
  async #read(): Promise<Buffer | undefined> {
    const buffer = Buffer.alloc(USED);
    try {
      const file = await this.fileSystem.open(this.#path, 'read');
      try {
        await readFully(file, buffer, 0, USED, 0);
      } finally {
        await file.close();
      }
    } catch (error) {
      if (isUnreadable(error)) return undefined;
      throw error;
    }
    return buffer;
  }

  async save(): Promise<void> {
    const buffer = Buffer.alloc(USED);
    writeLong(buffer, this.physicMsgTimestamp, AT_PHYSIC_TIMESTAMP);
    writeLong(buffer, this.logicsMsgTimestamp, AT_LOGICS_TIMESTAMP);
    writeLong(buffer, this.indexMsgTimestamp, AT_INDEX_TIMESTAMP);
    writeLong(buffer, this.logicsPhysicalOffset, AT_LOGICS_OFFSET);
    writeLong(buffer, this.cleanEnd, AT_CLEAN_END);
    buffer.writeUInt32BE(crc32(buffer.subarray(0, AT_CHECKSUM)), AT_CHECKSUM);
    const file = await this.fileSystem.open(this.#path, 'create');
    try {
      if ((await file.size()) !== FILE_SIZE) await file.truncate(FILE_SIZE);
      await writeFully(file, buffer, 0, USED, 0);
      await file.sync();
    } finally {
      await file.close();
    }
  }
}
