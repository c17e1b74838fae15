// Keeps the file `consumequeue.checkpoint`: which consume queues there were at a position of the commit log, how far they
// reached, and a checksum of each of their files. A queue that has gone, or has other bytes, is found by it when the
// store is opened. Apache RocketMQ leaves the file alone.
import { crc32 } from 'node:zlib';
import { isUnreadable } from '../errors.js';
import type { FileSystem } from '../files/file-system.js';
import type { CorruptRange } from '../commitlog/log-scan.js';
import type { FileSum } from './queue-sums.js';
import { readLong, writeLong } from '../commitlog/record.js';
import { readFully, writeFully } from '../files/segment.js';
import type { Pause } from '../files/yield-to-event-loop.js';

const MAGIC = 0x4e52_5133;
const HEADER = 48;
const RANGE = 16;
const QUEUE = 41;
const FILE = 40;
const AT_CRC = 4;
const AT_CRC_FROM = 8;
const FIRST_LENGTH = 65_536;
/** Bytes; a file that is larger is none of ours. 40,000 queues take 4 MB. */
const LARGEST = 1_073_741_824;

export interface SavedQueue {
  topic: string;
  queueId: number;
  /** First entry whose message was there. */
  first: number;
  /** The offset of the next message. */
  next: number;
  /** Where the last message with an entry begins in the commit log; -1 with none. */
  lastPhysical: number;
  /** Where it ends; 0 with none. */
  maxPhysical: number;
  files: FileSum[];
}

export interface SavedQueues {
  /** Where the commit log ended then, and began. */
  position: number;
  logFirst: number;
  /** Bytes of a file. */
  logFileSize: number;
  queueFileSize: number;
  /** Parts of the commit log that are lost. */
  lost: CorruptRange[];
  queues: SavedQueue[];
}

export class QueueCheckpoint {
  readonly #path: string;

  constructor(
    readonly fileSystem: FileSystem,
    readonly root: string,
  ) {
    this.#path = `${root}/consumequeue.checkpoint`;
  }

  /** Undefined where it is missing or damaged: then the queues are compared with the whole log. */
  async load(): Promise<SavedQueues | undefined> {
    const size = (await this.fileSystem.stat(this.#path))?.size ?? 0;
    if (size < HEADER || size > LARGEST) return undefined;
    const bytes = Buffer.allocUnsafeSlow(size);
    try {
      const file = await this.fileSystem.open(this.#path, 'read');
      try {
        if ((await readFully(file, bytes, 0, size, 0)) < size) return undefined;
      } finally {
        await file.close();
      }
    } catch (error) {
      if (isUnreadable(error)) return undefined;
      throw error;
    }
    const good = bytes.readUInt32BE(0) === MAGIC && bytes.readUInt32BE(AT_CRC) === crc32(bytes.subarray(AT_CRC_FROM));
    return good ? decode(bytes) : undefined;
  }

  /** A crash leaves the old one or the new one. */
  async save(saved: Omit<SavedQueues, 'queues'>, queues: Iterable<SavedQueue>, pause: Pause): Promise<void> {
    const bytes = await encode(saved, queues, pause);
    const fresh = `${this.#path}.tmp`;
    const file = await this.fileSystem.open(fresh, 'create');
    try {
      await file.truncate(bytes.length);
      await writeFully(file, bytes, 0, bytes.length, 0);
      await file.sync();
    } finally {
      await file.close();
    }
    await this.fileSystem.rename(fresh, this.#path);
    await this.fileSystem.syncDirectory(this.root);
  }
}

async function encode(
  { position, logFirst, logFileSize, queueFileSize, lost }: Omit<SavedQueues, 'queues'>,
  queues: Iterable<SavedQueue>,
  pause: Pause,
): Promise<Buffer> {
  let bytes = Buffer.allocUnsafe(Math.max(FIRST_LENGTH, HEADER + lost.length * RANGE));
  bytes.writeUInt32BE(MAGIC, 0);
  [position, logFirst, logFileSize, queueFileSize].forEach((value, i) => writeLong(bytes, value, 8 + i * 8));
  bytes.writeUInt32BE(lost.length, 40);
  let at = HEADER;
  for (const { from, to } of lost) {
    writeLong(bytes, from, at);
    writeLong(bytes, to, at + 8);
    at += RANGE;
  }
  let count = 0;
  for (const queue of queues) {
    const topic = Buffer.from(queue.topic);
    const length = QUEUE + topic.length + queue.files.length * FILE;
    if (at + length > bytes.length) bytes = Buffer.concat([bytes], Math.max(bytes.length * 2, at + length));
    at = encodeQueue(bytes, at, topic, queue);
    count++;
    const waiting = pause();
    if (waiting) await waiting;
  }
  bytes.writeUInt32BE(count, 44);
  const whole = bytes.subarray(0, at);
  whole.writeUInt32BE(crc32(whole.subarray(AT_CRC_FROM)), AT_CRC);
  return whole;
}

function encodeQueue(bytes: Buffer, from: number, topic: Buffer, queue: SavedQueue): number {
  bytes[from] = topic.length;
  topic.copy(bytes, from + 1);
  let at = from + 1 + topic.length;
  bytes.writeInt32BE(queue.queueId, at);
  writeLong(bytes, queue.first, at + 4);
  writeLong(bytes, queue.next, at + 12);
  writeLong(bytes, queue.lastPhysical, at + 20);
  writeLong(bytes, queue.maxPhysical, at + 28);
  bytes.writeUInt32BE(queue.files.length, at + 36);
  at += QUEUE - 1;
  for (const { start, units, crc, firstPhysical, changed, inode } of queue.files) {
    writeLong(bytes, start, at);
    bytes.writeUInt32BE(units, at + 8);
    bytes.writeUInt32BE(crc, at + 12);
    writeLong(bytes, firstPhysical, at + 16);
    bytes.writeDoubleBE(changed, at + 24);
    bytes.writeDoubleBE(inode, at + 32);
    at += FILE;
  }
  return at;
}

/** Of bytes whose checksum is good. */
function decode(bytes: Buffer): SavedQueues {
  const lost: CorruptRange[] = [];
  let at = HEADER;
  for (let left = bytes.readUInt32BE(40); left > 0; left--, at += RANGE)
    lost.push({ from: readLong(bytes, at), to: readLong(bytes, at + 8) });
  const queues: SavedQueue[] = [];
  for (let left = bytes.readUInt32BE(44); left > 0; left--) {
    const queue = decodeQueue(bytes, at);
    queues.push(queue);
    at += QUEUE + Buffer.byteLength(queue.topic) + queue.files.length * FILE;
  }
  return {
    position: readLong(bytes, 8),
    logFirst: readLong(bytes, 16),
    logFileSize: readLong(bytes, 24),
    queueFileSize: readLong(bytes, 32),
    lost,
    queues,
  };
}

function decodeQueue(bytes: Buffer, from: number): SavedQueue {
  const length = bytes.readUInt8(from);
  const topic = bytes.toString('utf8', from + 1, from + 1 + length);
  let at = from + 1 + length;
  const queueId = bytes.readInt32BE(at);
  const first = readLong(bytes, at + 4);
  const next = readLong(bytes, at + 12);
  const lastPhysical = readLong(bytes, at + 20);
  const maxPhysical = readLong(bytes, at + 28);
  const files: FileSum[] = [];
  const count = bytes.readUInt32BE(at + 36);
  at += QUEUE - 1;
  for (let i = 0; i < count; i++, at += FILE)
    files.push({
      start: readLong(bytes, at),
      units: bytes.readUInt32BE(at + 8),
      crc: bytes.readUInt32BE(at + 12),
      firstPhysical: readLong(bytes, at + 16),
      changed: bytes.readDoubleBE(at + 24),
      inode: bytes.readDoubleBE(at + 32),
    });
  return { topic, queueId, first, next, lastPhysical, maxPhysical, files };
}
