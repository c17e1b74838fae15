// Reads and writes the files by which Apache's broker knows the messages that wait: `timercheck` says how far it has
// come, `timerlog` lists what waits. `timerwheel` is left out: Apache's broker builds it from the list.
import { readLong, writeLong } from '../store/commitlog/record.js';
import type { FileSystem, StoreFile } from '../store/files/file-system.js';
import { readFully, segmentName, writeFully } from '../store/files/segment.js';
import { slotOf } from './find-waiting.js';
import type { Timer } from './pending-timers.js';

const SECOND = 1_000;
/** Bytes of timercheck that mean something; the file has a page. */
const CHECK_BYTES = 56;
const PAGE = 4_096;
/** Bytes of an entry of timerlog. */
const UNIT = 52;
/** Bytes that must be left behind the last entry of a file. */
const BLANK = 16;
const BLANK_MAGIC = 0xcbd43194 | 0;
const NORMAL = 1;
/** Bytes written at a time. */
const BUFFER = 20_000 * UNIT;
const NO_PREVIOUS = -1;
/** The state version in a timercheck of ours. Apache's broker writes 0, and writes every second. */
const OUR_STATE_VERSION = 0x4e52;

/** What timercheck says. */
export interface TimerCheck {
  /** Slots of the timer wheel before this time have been delivered, ms since the epoch. */
  lastReadTime: number;
  /** Messages of the timer topic before this place in its queue are in timerlog, or were delivered. */
  queueOffset: number;
  /** Whether ours has written it, and Apache's broker has not had the store since. */
  isOurs: boolean;
  /** All of the file, to tell whether it has changed. */
  text: string;
}

/** Undefined where there is none. */
export async function readTimerCheck(fileSystem: FileSystem, root: string): Promise<TimerCheck | undefined> {
  const path = `${root}/config/timercheck`;
  if (!(await fileSystem.stat(path))) return undefined;
  const file = await fileSystem.open(path, 'read');
  try {
    const bytes = Buffer.alloc(CHECK_BYTES);
    if ((await readFully(file, bytes, 0, CHECK_BYTES, 0)) < CHECK_BYTES) return undefined;
    return timerCheckOf(bytes);
  } finally {
    await file.close();
  }
}

/** The check of a broker that has come so far, and has nothing in the wheel but what timerlog says. */
export function timerCheck(lastReadTime: number, queueOffset: number, now: number): TimerCheck & { bytes: Buffer } {
  const bytes = Buffer.alloc(PAGE);
  // Position of timerlog that the wheel is complete up to, master's queue offset, and Apache's data version.
  const values = [lastReadTime, 0, queueOffset, queueOffset, OUR_STATE_VERSION, now, 1];
  for (const [index, value] of values.entries()) writeLong(bytes, value, 8 * index);
  return { ...timerCheckOf(bytes), bytes };
}

function timerCheckOf(bytes: Buffer): TimerCheck {
  const at = (index: number): number => readLong(bytes, 8 * index);
  const text = bytes.toString('hex', 0, CHECK_BYTES);
  // A slave would be behind its master: Apache's broker begins with the lower of the two.
  const isOurs = at(4) === OUR_STATE_VERSION;
  return { lastReadTime: at(0), queueOffset: Math.min(at(2), at(3)), isOurs, text };
}

/** Removes what would be wrong now. Without timercheck, Apache's broker looks at every message of the timer topic. */
export async function removeTimerFiles(fileSystem: FileSystem, root: string): Promise<void> {
  await fileSystem.remove(`${root}/config/timercheck`);
  await fileSystem.syncDirectory(`${root}/config`);
  await fileSystem.remove(`${root}/timerwheel`);
  for (const { name } of await fileSystem.list(`${root}/timerlog`)) await fileSystem.remove(`${root}/timerlog/${name}`);
}

export interface TimerLogContent {
  /** The messages that wait. */
  waiting: Iterable<Readonly<Timer>>;
  /** The last message of the timer topic, whether it waits or not. */
  last: Readonly<Timer>;
  isLastWaiting: boolean;
  lastReadTime: number;
  /** ms since the epoch */
  now: number;
}

/** Writes timerlog anew, and then timercheck. */
export async function writeTimerFiles(
  fileSystem: FileSystem,
  root: string,
  fileSize: number,
  content: TimerLogContent,
  check: { bytes: Buffer },
): Promise<void> {
  const log = new TimerLogWriter(fileSystem, `${root}/timerlog`, fileSize);
  try {
    await list(log, content);
    await log.end();
  } finally {
    await log.close();
  }
  const file = await fileSystem.open(`${root}/config/timercheck`, 'create');
  await writeAndClose(file, check.bytes);
  await fileSystem.syncDirectory(`${root}/config`);
}

async function list(log: TimerLogWriter, content: TimerLogContent): Promise<void> {
  const { waiting, last, isLastWaiting, lastReadTime, now } = content;
  for (const timer of waiting) {
    if (timer.position === last.position) continue;
    const full = log.add(timer, timer.due - 1, now);
    if (full) await full;
  }
  // Apache's broker goes on behind the message of the last entry. One that does not wait lies in a slot that is over.
  const time = isLastWaiting ? last.due - 1 : lastReadTime - SECOND;
  await log.add(last, time, isLastWaiting ? now : time);
}

async function writeAndClose(file: StoreFile, bytes: Buffer): Promise<void> {
  try {
    await writeFully(file, bytes, 0, bytes.length, 0);
    await file.sync();
  } finally {
    await file.close();
  }
}

class TimerLogWriter {
  readonly #buffer = Buffer.alloc(BUFFER);
  #used = 0;
  /** Where the buffer begins in the row of files. */
  #base = 0;
  #file: StoreFile | undefined;
  /** Slot of the wheel to the last entry in it. */
  readonly #lastOf = new Map<number, number>();

  constructor(
    private readonly fileSystem: FileSystem,
    private readonly directory: string,
    private readonly fileSize: number,
  ) {}

  /**
   * @param time that decides the slot, ms since the epoch. @param writtenAt at most 24 days before
   * @returns to be awaited before the next call
   */
  add({ position, size }: Readonly<Timer>, time: number, writtenAt: number): Promise<void> | undefined {
    const at = this.#base + this.#used;
    const slot = slotOf(time + 1);
    const buffer = this.#buffer;
    const start = this.#used;
    buffer.writeInt32BE(UNIT, start);
    writeLong(buffer, this.#lastOf.get(slot) ?? NO_PREVIOUS, start + 4);
    buffer.writeInt32BE(NORMAL, start + 12);
    writeLong(buffer, writtenAt, start + 16);
    buffer.writeInt32BE(time - writtenAt, start + 24);
    writeLong(buffer, position, start + 28);
    buffer.writeInt32BE(size, start + 36);
    // Hash of the topic, for counts that are not kept here, and a reserved field.
    buffer.fill(0, start + 40, start + UNIT);
    this.#lastOf.set(slot, at);
    this.#used += UNIT;
    const left = this.fileSize - ((at + UNIT) % this.fileSize);
    if (left < UNIT + BLANK) return this.#endFile(left);
    return this.#used + UNIT > BUFFER - BLANK ? this.#write() : undefined;
  }

  /** Leaves everything on the disk. */
  async end(): Promise<void> {
    await this.#write();
    await this.close();
    await this.fileSystem.syncDirectory(this.directory);
  }

  async #endFile(left: number): Promise<void> {
    this.#buffer.writeInt32BE(left, this.#used);
    writeLong(this.#buffer, 0, this.#used + 4);
    this.#buffer.writeInt32BE(BLANK_MAGIC, this.#used + 12);
    this.#used += BLANK;
    await this.#write();
    this.#base += left - BLANK;
    await this.close();
  }

  async #write(): Promise<void> {
    const inFile = this.#base % this.fileSize;
    this.#file ??= await this.#make(this.#base - inFile);
    await writeFully(this.#file, this.#buffer, 0, this.#used, inFile);
    this.#base += this.#used;
    this.#used = 0;
  }

  async #make(start: number): Promise<StoreFile> {
    const { fileSystem } = this;
    await fileSystem.makeDirectory(this.directory);
    const file = await fileSystem.open(`${this.directory}/${segmentName(start)}`, 'create');
    await file.truncate(this.fileSize);
    return file;
  }

  /** Closes the file that is open, if any. */
  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    try {
      await file?.sync();
    } finally {
      await file?.close();
    }
  }
}
