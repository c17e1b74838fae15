// Owns one index file in Apache's layout: a header, a table of slots, and entries that are chained by slot. The table of
// the file that is written to is kept in memory: a write of 4 bytes for each key would cost more than the message.
import type { OpenFiles } from './open-files.js';
import { readLong, writeLong } from './record.js';
import { readFully, writeFully } from './segment.js';

const HEADER = 40;
const SLOT = 4;
const ENTRY = 20;
/** Entries that wait in memory at most. */
const MOST_PENDING = 8_192;
const SLOT_PAGE = 4_096;
/** Bytes of slots, and writes of them, before others get their turn. */
const SLOT_WRITE = 1024 * 1024;
const SLOT_WRITES = 256;
const LONGEST_SECONDS = 0x7fffffff;
const BAD_HASH = -0x80000000;

export interface IndexLayout {
  maxHashSlotNum: number;
  maxIndexNum: number;
}

export interface IndexHit {
  physicalOffset: number;
  /** ms since the epoch, to the second. */
  storeTimestamp: number;
}

export function indexFileSize({ maxHashSlotNum, maxIndexNum }: IndexLayout): number {
  return HEADER + maxHashSlotNum * SLOT + maxIndexNum * ENTRY;
}

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
  /** In memory while the file is written to. */
  #slots: Buffer | undefined;
  readonly #dirtyPages = new Set<number>();
  #pending = Buffer.alloc(0);
  #pendingFirst = 1;
  #dirty = false;

  constructor(
    readonly open: OpenFiles,
    readonly path: string,
    readonly layout: IndexLayout,
  ) {}

  get full(): boolean {
    return this.indexCount >= this.layout.maxIndexNum;
  }

  create(): this {
    const file = this.open.fileSystem.open(this.path, 'create');
    try {
      file.truncate(indexFileSize(this.layout));
    } finally {
      file.close();
    }
    this.#slots = Buffer.alloc(this.layout.maxHashSlotNum * SLOT);
    return this;
  }

  /** Reads the header. */
  load(): this {
    const header = Buffer.alloc(HEADER);
    readFully(this.open.get(this.path), header, 0, HEADER, 0);
    this.beginTimestamp = readLong(header, 0);
    this.endTimestamp = readLong(header, 8);
    this.beginPhyOffset = readLong(header, 16);
    this.endPhyOffset = readLong(header, 24);
    this.usedSlots = header.readInt32BE(32);
    this.indexCount = Math.max(1, Math.min(header.readInt32BE(36), this.layout.maxIndexNum));
    this.#pendingFirst = this.indexCount;
    return this;
  }

  put(hash: number, physicalOffset: number, storeTimestamp: number): void {
    const slots = (this.#slots ??= this.#readSlots());
    const at = (hash % this.layout.maxHashSlotNum) * SLOT;
    if (this.indexCount <= 1) {
      this.beginPhyOffset = physicalOffset;
      this.beginTimestamp = storeTimestamp;
    }
    const previous = slots.readInt32BE(at);
    if (previous === 0) this.usedSlots++;
    this.#addEntry(hash, physicalOffset, storeTimestamp, previous);
    slots.writeInt32BE(this.indexCount, at);
    this.#dirtyPages.add(Math.floor(at / SLOT_PAGE));
    this.indexCount++;
    this.endPhyOffset = physicalOffset;
    this.endTimestamp = storeTimestamp;
    this.#dirty = true;
  }

  /** Entries of that hash, the newest first, until `visit` returns false. */
  find(hash: number, visit: (hit: IndexHit) => boolean): void {
    const entry = Buffer.alloc(ENTRY);
    let number = this.#slotOf(hash);
    for (let steps = this.indexCount; number > 0 && number < this.indexCount && steps > 0; steps--) {
      this.#readEntry(number, entry);
      const hit = {
        physicalOffset: readLong(entry, 4),
        storeTimestamp: this.beginTimestamp + entry.readInt32BE(12) * 1_000,
      };
      if (entry.readInt32BE(0) === hash && !visit(hit)) return;
      number = entry.readInt32BE(16);
    }
  }

  writeEntries(): void {
    const count = this.indexCount - this.#pendingFirst;
    if (count === 0) return;
    writeFully(this.open.get(this.path), this.#pending, 0, count * ENTRY, this.#entryAt(this.#pendingFirst));
    this.#pendingFirst = this.indexCount;
  }

  /** Brings everything to the disk, the header last: what it counts is there. */
  async flush(): Promise<void> {
    if (!this.#dirty) return;
    this.#dirty = false;
    try {
      const header = this.#header();
      this.writeEntries();
      await this.#writeSlots();
      await this.open.sync(this.path);
      writeFully(this.open.get(this.path), header, 0, HEADER, 0);
      await this.open.sync(this.path);
    } catch (error) {
      this.#dirty = true;
      throw error;
    }
  }

  /** Gives the memory back; for a file that is full and flushed. */
  release(): void {
    if (this.#dirty) return;
    this.#slots = undefined;
    this.#pending = Buffer.alloc(0);
  }

  #addEntry(hash: number, physicalOffset: number, storeTimestamp: number, previous: number): void {
    if (this.#pending.length === 0) this.#pending = Buffer.allocUnsafeSlow(MOST_PENDING * ENTRY);
    if (this.indexCount - this.#pendingFirst === MOST_PENDING) this.writeEntries();
    const at = (this.indexCount - this.#pendingFirst) * ENTRY;
    const seconds = Math.floor((storeTimestamp - this.beginTimestamp) / 1_000);
    this.#pending.writeInt32BE(hash, at);
    writeLong(this.#pending, physicalOffset, at + 4);
    this.#pending.writeInt32BE(Math.max(0, Math.min(seconds, LONGEST_SECONDS)), at + 12);
    this.#pending.writeInt32BE(previous, at + 16);
  }

  #entryAt(number: number): number {
    return HEADER + this.layout.maxHashSlotNum * SLOT + number * ENTRY;
  }

  #readEntry(number: number, target: Buffer): void {
    if (number >= this.#pendingFirst) {
      const at = (number - this.#pendingFirst) * ENTRY;
      this.#pending.copy(target, 0, at, at + ENTRY);
    } else if (readFully(this.open.get(this.path), target, 0, ENTRY, this.#entryAt(number)) < ENTRY) {
      target.fill(0);
    }
  }

  #slotOf(hash: number): number {
    const at = (hash % this.layout.maxHashSlotNum) * SLOT;
    if (this.#slots) return this.#slots.readInt32BE(at);
    const slot = Buffer.alloc(SLOT);
    readFully(this.open.get(this.path), slot, 0, SLOT, HEADER + at);
    return this.#known(slot.readInt32BE(0));
  }

  #readSlots(): Buffer {
    const slots = Buffer.alloc(this.layout.maxHashSlotNum * SLOT);
    readFully(this.open.get(this.path), slots, 0, slots.length, HEADER);
    for (let at = 0; at < slots.length; at += SLOT) {
      const number = slots.readInt32BE(at);
      if (number >= this.indexCount || number < 0) slots.writeInt32BE(this.#known(number), at);
    }
    return slots;
  }

  /** A crash may leave slots that lead to entries which the header does not count; what they follow is still good. */
  #known(number: number): number {
    const entry = Buffer.alloc(ENTRY);
    let known = number;
    while (known >= this.indexCount && known < this.layout.maxIndexNum) {
      this.#readEntryOfFile(known, entry);
      const previous = entry.readInt32BE(16);
      known = previous < known ? previous : 0;
    }
    return known > 0 && known < this.indexCount ? known : 0;
  }

  #readEntryOfFile(number: number, target: Buffer): void {
    target.fill(0);
    readFully(this.open.get(this.path), target, 0, ENTRY, this.#entryAt(number));
  }

  async #writeSlots(): Promise<void> {
    const slots = this.#slots;
    if (!slots) return;
    const pages = [...this.#dirtyPages].sort((a, b) => a - b);
    this.#dirtyPages.clear();
    try {
      let bytes = 0;
      let writes = 0;
      for (let i = 0; i < pages.length;) {
        const first = pages[i];
        let last = first;
        while (pages[i] === last && (last - first) * SLOT_PAGE < SLOT_WRITE) {
          i++;
          last++;
        }
        const from = first * SLOT_PAGE;
        const to = Math.min(last * SLOT_PAGE, slots.length);
        writeFully(this.open.get(this.path), slots, from, to - from, HEADER + from);
        bytes += to - from;
        if (++writes < SLOT_WRITES && bytes < SLOT_WRITE) continue;
        bytes = writes = 0;
        await new Promise((resolve) => setImmediate(resolve));
      }
    } catch (error) {
      for (const page of pages) this.#dirtyPages.add(page);
      throw error;
    }
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
