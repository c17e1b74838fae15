// Reads and writes one index file in Apache's layout: a header, a table of slots, and entries that are chained by slot.
import { dirname } from 'node:path';
import { readInt, writeInt } from '@nest-rocketmq/remoting/internal';
import { ENTRY, PendingEntries, PREVIOUS_AT, SECONDS_AT, SLOT } from './pending-entries.js';
import type { TablePart } from './pending-entries.js';
import { ChainReader } from './chain-reader.js';
import { repairSlots } from './slot-repair.js';
import { HEADER, SlotTable, TABLE_PART, entryAt, indexFileSize } from './slot-table.js';
import type { IndexLayout } from './slot-table.js';
import type { OpenFiles } from '../files/open-files.js';
import { readLong, writeLong } from '../commitlog/record.js';
import { readFully, writeFully } from '../files/segment.js';
import type { Pause } from '../files/yield-to-event-loop.js';

/** Entries after which `wantsLink`. */
const MANY_WAITING = 131_072;
const PAGE = 4_096;
/** Bytes of entries that are written at once. */
const ENTRIES_WRITE = 262_144;
const LONGEST_SECONDS = 0x7fffffff;
const BAD_HASH = -0x80000000;

export interface IndexHit {
  physicalOffset: number;
  /** ms since the epoch, to the second. */
  storeTimestamp: number;
}

/** Whether more are wanted. */
export type IndexVisit = (hit: IndexHit) => boolean | Promise<boolean>;

/** Apache's hash of a key in the index: never negative. */
export function keyHash(javaHash: number): number {
  return javaHash === BAD_HASH ? 0 : Math.abs(javaHash);
}

export class IndexFile {
  beginTimestamp = 0;
  endTimestamp = 0;
  beginPhyOffset = 0;
  endPhyOffset = 0;
  usedSlots = 0;
  /** Number of the next entry; they begin at 1. */
  indexCount = 1;
  readonly #waiting = new PendingEntries();
  readonly #table: SlotTable;
  /** What the header may say: all of it is in the file, and the slots lead to it. */
  #linked: Buffer = Buffer.alloc(0);
  #linking: Promise<void> | undefined;
  /** Slots may lead to entries from this number on, which a crash has kept the header from counting; 0 where none do. */
  #uncounted = 0;
  #dirty = false;
  #exists = false;

  /** @param pause lets the event loop run now and then */
  constructor(
    readonly open: OpenFiles,
    readonly path: string,
    readonly layout: IndexLayout,
    readonly pause: Pause,
  ) {
    this.#table = new SlotTable(open, path, layout, pause);
  }

  get full(): boolean {
    return this.indexCount >= this.layout.maxIndexNum;
  }

  /** Whether so many entries wait that they should be written to the file. */
  get wantsLink(): boolean {
    return this.#waiting.count >= MANY_WAITING || (this.full && this.#waiting.count > 0);
  }

  /** Makes the file, before anything is written to it. */
  async #create(): Promise<void> {
    const { fileSystem } = this.open;
    await fileSystem.makeDirectory(dirname(this.path));
    const file = await fileSystem.open(this.path, 'create');
    try {
      await file.truncate(indexFileSize(this.layout));
    } finally {
      await file.close();
    }
    this.#exists = true;
  }

  /** Reads the header. */
  async load(): Promise<this> {
    const header = Buffer.alloc(HEADER);
    await this.#read(header, 0, HEADER, 0);
    this.#exists = true;
    this.beginTimestamp = readLong(header, 0);
    this.endTimestamp = readLong(header, 8);
    this.beginPhyOffset = readLong(header, 16);
    this.endPhyOffset = readLong(header, 24);
    this.usedSlots = header.readInt32BE(32);
    this.indexCount = Math.max(1, Math.min(header.readInt32BE(36), this.layout.maxIndexNum));
    this.#waiting.first = this.#uncounted = this.indexCount;
    return this;
  }

  put(hash: number, physicalOffset: number, storeTimestamp: number): void {
    if (this.indexCount <= 1) {
      this.beginPhyOffset = physicalOffset;
      this.beginTimestamp = storeTimestamp;
    }
    const seconds = Math.floor((storeTimestamp - this.beginTimestamp) / 1_000);
    this.#waiting.add(hash, physicalOffset, Math.max(0, Math.min(seconds, LONGEST_SECONDS)));
    this.indexCount++;
    this.endPhyOffset = physicalOffset;
    this.endTimestamp = storeTimestamp;
  }

  /** Entries of that hash, the newest first, until `visit` says no. */
  async find(hash: number, visit: IndexVisit, pause: Pause): Promise<void> {
    const waiting = this.#waiting;
    const time = (seconds: number): number => this.beginTimestamp + seconds * 1_000;
    // What waits may get to the file meanwhile: nothing is visited twice.
    let below = this.indexCount;
    while (below > waiting.first) {
      const number = --below;
      if (waiting.hash(number) !== hash) continue;
      const hit = { physicalOffset: waiting.physicalOffset(number), storeTimestamp: time(waiting.seconds(number)) };
      if (!(await visit(hit))) return;
    }
    if (!this.#exists) return;
    const slot = Buffer.alloc(SLOT);
    await this.#read(slot, 0, SLOT, HEADER + this.#table.at(hash));
    const chain = new ChainReader(this.open, this.path, this.layout);
    for (let number = await this.#inFile(slot.readInt32BE(0)); number > 0;) {
      const entry = chain.entry(number) ?? (await chain.read(number));
      const previous = entry.readInt32BE(PREVIOUS_AT);
      if (number < below && entry.readInt32BE(0) === hash) {
        const hit = { physicalOffset: readLong(entry, 4), storeTimestamp: time(entry.readInt32BE(SECONDS_AT)) };
        const more = visit(hit);
        if (!(typeof more === 'boolean' ? more : await more)) return;
      }
      // Damaged, where the chain does not go back.
      number = previous < number ? previous : 0;
      const turn = pause();
      if (turn) await turn;
    }
  }

  /** Brings the entries that wait to the file, and makes the slots lead to them. */
  link(): Promise<void> {
    this.#linking ??= this.#link().finally(() => (this.#linking = undefined));
    return this.#linking;
  }

  /** Brings everything that was put before to the disk, the header last: what it counts is there. */
  async flush(): Promise<void> {
    await this.#linking;
    await this.link();
    if (!this.#dirty) return;
    this.#dirty = false;
    try {
      const header = this.#linked;
      await this.open.sync(this.path);
      await this.#write(header, 0, HEADER, 0);
      await this.open.sync(this.path);
    } catch (error) {
      this.#dirty = true;
      throw error;
    }
  }

  /** Gives the memory back that nothing waits in. */
  release(): void {
    if (!this.#linking) this.#waiting.release();
  }

  async #link(): Promise<void> {
    const waiting = this.#waiting;
    const { count } = waiting;
    if (count === 0) return;
    if (!this.#exists) await this.#create();
    if (this.#uncounted > 0) {
      await repairSlots(this.#table, this.#uncounted);
      this.#uncounted = 0;
    }
    const header = this.#header();
    // The entries are on the disk before a slot leads to them: what lies behind them in the chain is found again after
    // any crash.
    const newSlots = await this.#chain(count);
    await this.#writeEntries(count);
    await this.open.sync(this.path);
    await this.#pointSlots(count);
    this.usedSlots += newSlots;
    header.writeInt32BE(this.usedSlots, 32);
    this.#linked = header;
    this.#dirty = true;
    waiting.shift(count);
  }

  /** Gives each waiting entry the number of the one before it in its slot. Returns how many slots were empty. */
  async #chain(count: number): Promise<number> {
    const waiting = this.#waiting;
    let newSlots = 0;
    await this.#table.each(this.#pieces(count), (bytes, { from, first }) => {
      for (let number = first; number > 0; number = waiting.after(number)) {
        const at = this.#table.at(waiting.hash(number)) - from;
        const previous = this.#beforeWaiting(readInt(bytes, at), number);
        if (previous === 0) newSlots++;
        waiting.setPrevious(number, previous);
        writeInt(bytes, number, at);
      }
      return false;
    });
    return newSlots;
  }

  /** A link that failed half-way has left slots that lead to entries which still wait: what stood there before them. */
  #beforeWaiting(slot: number, number: number): number {
    let before = Math.max(0, slot);
    while (before >= number) before = before < this.indexCount ? this.#waiting.previous(before) : 0;
    return before;
  }

  async #writeEntries(count: number): Promise<void> {
    const { bytes, first } = this.#waiting;
    for (let at = 0; at < count * ENTRY; at += ENTRIES_WRITE) {
      const length = Math.min(ENTRIES_WRITE, count * ENTRY - at);
      await this.#write(bytes, at, length, entryAt(this.layout, first) + at);
      await this.pause();
    }
  }

  async #pointSlots(count: number): Promise<void> {
    const waiting = this.#waiting;
    await this.#table.each(this.#pieces(count), (bytes, { from, first }) => {
      for (let number = first; number > 0; number = waiting.after(number))
        writeInt(bytes, number, this.#table.at(waiting.hash(number)) - from);
      return true;
    });
  }

  #pieces(count: number): Iterable<TablePart> {
    const { maxHashSlotNum } = this.layout;
    const few = count * TABLE_PART < maxHashSlotNum * SLOT * 4;
    return this.#waiting.parts(count, maxHashSlotNum, few ? PAGE : TABLE_PART);
  }

  /** The number, or the next in its chain, that is in the file and is counted; 0 where there is none. */
  async #inFile(number: number): Promise<number> {
    const { first } = this.#waiting;
    const entry = Buffer.alloc(ENTRY);
    let known = number;
    while (known >= first && known < this.layout.maxIndexNum) {
      let previous: number;
      if (this.#uncounted > 0) {
        entry.fill(0);
        await this.#read(entry, 0, ENTRY, entryAt(this.layout, known));
        previous = entry.readInt32BE(PREVIOUS_AT);
      } else {
        previous = known < this.indexCount ? this.#waiting.previous(known) : 0;
      }
      known = previous < known ? previous : 0;
    }
    return known > 0 && known < first ? known : 0;
  }

  #write(bytes: Buffer, offset: number, length: number, position: number): Promise<void> {
    return this.open.use(this.path, (file) => writeFully(file, bytes, offset, length, position));
  }

  #read(target: Buffer, offset: number, length: number, position: number): Promise<number> {
    return this.open.use(this.path, (file) => readFully(file, target, offset, length, position));
  }

  #header(): Buffer {
    const header = Buffer.alloc(HEADER);
    writeLong(header, this.beginTimestamp, 0);
    writeLong(header, this.endTimestamp, 8);
    writeLong(header, this.beginPhyOffset, 16);
    writeLong(header, this.endPhyOffset, 24);
    header.writeInt32BE(this.usedSlots, 32);
    header.writeInt32BE(this.indexCount, 36);
    return header;
  }
}
