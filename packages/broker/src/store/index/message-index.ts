// Indexes the keys of messages some way behind the commit log, so that no send waits for it, and finds messages by key.
import type { Clock, Logger, TimerHandle } from '@nest-rocketmq/remoting/internal';
import type { CommitLog } from '../commitlog/commit-log.js';
import { IndexFile, keyHash } from './index-file.js';
import type { IndexHit, IndexVisit } from './index-file.js';
import { indexFileName } from './index-file-name.js';
import { indexFileSize } from './slot-table.js';
import type { IndexLayout } from './slot-table.js';
import { LogScan } from '../commitlog/log-scan.js';
import type { OpenFiles } from '../files/open-files.js';
import type { RecordView } from '../commitlog/record.js';
import { RecordProperties, hashText, hashUtf8 } from '../commitlog/record-properties.js';
import { yieldToEventLoop } from '../files/yield-to-event-loop.js';
import type { Pause } from '../files/yield-to-event-loop.js';

const SYS_TRANSACTION = 12;
const SYS_ROLLBACK = 12;
const SPACE = 0x20;
const HASH_SIGN = 0x23;
/** ms that the index may be behind the log. */
const DELAY = 100;
/** ms of work at a time: it comes on top of a turn full of sends. */
const SLICE = 2;
const CLOCK_EVERY = 64;
/** Records that a query waits for at most, to find what was just stored. */
const QUERY_CATCH_UP = 20_000;
const QUERY_SLICE = 1_000;
/** ms between two flushes: each rewrites a part of the table of slots, which is 20 MB. */
const FLUSH_INTERVAL = 30_000;

export interface MessageIndexOptions {
  log: CommitLog;
  open: OpenFiles;
  root: string;
  layout: IndexLayout;
  clock: Clock;
  logger: Logger;
  /** Bytes. */
  largestRecord: number;
  pause: Pause;
}

export class MessageIndex {
  readonly files: IndexFile[] = [];
  readonly #options: MessageIndexOptions;
  readonly #scan: LogScan;
  readonly #properties = new RecordProperties();
  readonly #directory: string;
  #position: number;
  /** Records up to this one are in the index already. */
  #indexedUpTo = -1;
  #timer: TimerHandle | undefined;
  #running: Promise<void> | undefined;
  #lastTurn: Promise<void> = Promise.resolve();
  #stopped = false;
  /** The last attempt to follow the log has failed, and the log has told of it. */
  #failing = false;
  #lastFlush: number;
  #flushedTimestamp = 0;

  /** Reads what is there. */
  static async open(options: MessageIndexOptions): Promise<MessageIndex> {
    const index = new MessageIndex(options);
    await index.#load();
    index.arm();
    return index;
  }

  private constructor(options: MessageIndexOptions) {
    const { log, root, largestRecord, pause, clock } = options;
    this.#options = options;
    this.#directory = `${root}/index`;
    this.#scan = new LogScan(log.files, false, largestRecord, pause, log);
    this.#position = log.files.first;
    this.#lastFlush = clock.monotonic();
  }

  get lastUpdateTimestamp(): number {
    return this.files[this.files.length - 1]?.endTimestamp ?? 0;
  }

  get lastUpdatePhyoffset(): number {
    return this.files[this.files.length - 1]?.endPhyOffset ?? 0;
  }

  /** Indexes what is new, some time later. */
  arm(): void {
    if (this.#timer || this.#running || this.#stopped || this.#position >= this.#options.log.committed) return;
    this.#timer = this.#options.clock.setTimeout(() => {
      this.#timer = undefined;
      void this.catchUp().then(() => this.arm());
    }, DELAY);
  }

  /** Indexes all that is committed by now. Never rejects. */
  catchUp(): Promise<void> {
    this.#running ??= this.#catchUp().finally(() => (this.#running = undefined));
    return this.#running;
  }

  /** Entries of `topic#key`, the newest first, until `visit` says no. Lets the event loop run now and then. */
  async find(topic: string, key: string, beginMs: number, endMs: number, visit: IndexVisit): Promise<void> {
    const pause = yieldToEventLoop();
    await this.#followBriefly(pause);
    const hash = keyHash(hashText(`${topic}#${key}`));
    let more = true;
    for (const file of this.files.toReversed()) {
      if (!more) return;
      if (file.beginTimestamp > endMs || file.endTimestamp + 1_000 < beginMs) continue;
      const visitInTime: IndexVisit = async (hit) => (more = await visit(hit));
      // Times are kept to the second.
      const inTime = ({ storeTimestamp }: IndexHit): boolean =>
        storeTimestamp + 1_000 >= beginMs && storeTimestamp - 1_000 <= endMs;
      try {
        await file.find(hash, (hit) => !inTime(hit) || visitInTime(hit), pause);
      } catch (error) {
        // It may have been old, and gone meanwhile.
        if (this.files.includes(file)) throw error;
      }
    }
  }

  /** So that what was just stored is found; how much of it there may be is bounded. */
  async #followBriefly(pause: Pause): Promise<void> {
    const { log } = this.#options;
    const target = log.committed;
    let left = QUERY_CATCH_UP;
    for (let before = -1; left > 0 && this.#position < target && this.#position > before;) {
      before = this.#position;
      // While the disk refuses this, no more entries are to wait in memory. `catchUp` tries it again, and logs the failure.
      if (!(await this.#hasLinked())) return;
      let records = 0;
      await this.#advance(() => --left <= 0 || ++records >= QUERY_SLICE);
      await pause();
    }
  }

  /** Brings the index to the disk, now and then or by force. Returns the store timestamp up to which it is there. */
  async flush(force: boolean): Promise<number> {
    const { clock } = this.#options;
    if (force || clock.monotonic() - this.#lastFlush >= FLUSH_INTERVAL) {
      this.#lastFlush = clock.monotonic();
      this.#flushedTimestamp = this.lastUpdateTimestamp;
      for (const file of this.files) {
        await file.flush();
        if (file !== this.files[this.files.length - 1]) file.release();
      }
    }
    return this.#flushedTimestamp;
  }

  /** Removes files that lead only to messages which are gone. */
  async trim(minPhysical: number): Promise<void> {
    this.#position = Math.max(this.#position, minPhysical);
    for (let [oldest] = this.files; oldest && this.files.length > 1; [oldest] = this.files) {
      if (oldest.endPhyOffset >= minPhysical) return;
      this.#forget(oldest);
      await this.#options.open.fileSystem.remove(oldest.path);
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#options.clock.clearTimeout(this.#timer);
    await this.#running;
    await this.#catchUp();
  }

  async #load(): Promise<void> {
    const { open, layout, logger, log, pause } = this.#options;
    const { fileSystem } = open;
    for (const { name } of await fileSystem.list(this.#directory)) {
      const path = `${this.#directory}/${name}`;
      if (!/^\d{17}$/.test(name)) continue;
      if ((await fileSystem.stat(path))?.size === indexFileSize(layout))
        this.files.push(await new IndexFile(open, path, layout, pause).load());
      else logger.warn(`${path} does not have the size that maxHashSlotNum and maxIndexNum give: it is not used`);
    }
    // Behind the end of the log: what it leads to was lost with the power.
    for (
      let last = this.files.at(-1);
      last && last.endPhyOffset >= log.committed && last.indexCount > 1;
      last = this.files.at(-1)
    ) {
      this.#forget(last);
      await fileSystem.remove(last.path);
    }
    const last = this.files.at(-1);
    this.#flushedTimestamp = this.lastUpdateTimestamp;
    if (!last || last.endPhyOffset < log.files.first) return;
    this.#indexedUpTo = last.indexCount > 1 ? last.endPhyOffset : -1;
    // The scan keeps what it reads: bytes behind the log's end would stand in for the records that come there later.
    this.#scan.limit = log.committed;
    this.#position = (await this.#scan.recordAt(last.endPhyOffset))
      ? last.endPhyOffset
      : log.files.startOf(last.endPhyOffset);
  }

  async #catchUp(): Promise<void> {
    const { log, logger } = this.#options;
    let last = 0;
    let count = 0;
    const sliceOver = (): boolean => ++count % CLOCK_EVERY === 0 && performance.now() - last > SLICE;
    try {
      // First: while the disk refuses this, no more entries are to wait in memory.
      await this.#link();
      while (this.#position < log.committed) {
        const before = this.#position;
        last = performance.now();
        await this.#advance(sliceOver);
        await this.#link();
        if (this.#position === before) await this.#skipDamage(before);
        await new Promise((resolve) => setImmediate(resolve));
      }
      this.#failing = false;
    } catch (error) {
      if (!this.#failing)
        logger.error(`cannot write the index of keys: ${String(error)}. It is tried again. Check the disk.`);
      this.#failing = true;
    }
  }

  /** Writes what waits in files that are full or have much of it. */
  async #link(): Promise<void> {
    for (const file of this.files) if (file.wantsLink) await file.link();
  }

  async #hasLinked(): Promise<boolean> {
    try {
      await this.#link();
      return true;
    } catch {
      return false;
    }
  }

  /** Stops where `enough` says so, when many entries wait, at the end, or at bytes that are no record. */
  async #advance(enough: () => boolean): Promise<void> {
    // One record may have thousands of keys.
    const stop = (): boolean => enough() || this.files[this.files.length - 1]?.wantsLink === true;
    await this.#inTurn(async () => {
      this.#scan.limit = this.#options.log.committed;
      this.#position = await this.#scan.advanceFar(this.#position, this.#index, stop);
    });
  }

  #skipDamage(position: number): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#position === position)
        this.#position = (await this.#scan.resync(position)) ?? this.#options.log.committed;
    });
  }

  /** A query may follow the log while `catchUp` does: one at a time uses the scan, which keeps what it reads. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const run = this.#lastTurn.then(work);
    this.#lastTurn = run.catch(() => undefined);
    return run;
  }

  readonly #index = (record: RecordView, buffer: Buffer): void => {
    if (record.physicalOffset <= this.#indexedUpTo || (record.sysFlag & SYS_TRANSACTION) === SYS_ROLLBACK) return;
    const properties = this.#properties;
    properties.find(buffer, record.propertiesAt, record.propertiesLength);
    const { uniqueKey, keys, tags } = properties;
    if (uniqueKey.to + keys.to + tags.to === 0) return;
    const topicHash =
      (Math.imul(hashUtf8(buffer, record.topicAt, record.topicAt + record.topicLength), 31) + HASH_SIGN) | 0;
    if (uniqueKey.to > uniqueKey.from) this.#put(hashUtf8(buffer, uniqueKey.from, uniqueKey.to, topicHash), record);
    for (let at = keys.from; keys.to > 0 && at < keys.to;) {
      let end = buffer.indexOf(SPACE, at);
      if (end < 0 || end > keys.to) end = keys.to;
      if (end > at) this.#put(hashUtf8(buffer, at, end, topicHash), record);
      at = end + 1;
    }
    if (tags.to > tags.from) this.#put(hashUtf8(buffer, tags.from, tags.to, hashText('T#', topicHash)), record);
    this.#indexedUpTo = record.physicalOffset;
  };

  #put(hash: number, { physicalOffset, storeTimestamp }: RecordView): void {
    let last = this.files[this.files.length - 1];
    if (!last || last.full) last = this.#add();
    last.put(keyHash(hash), physicalOffset, storeTimestamp);
  }

  #add(): IndexFile {
    const { open, layout, clock, pause } = this.#options;
    const name = indexFileName(clock.now(), this.files.at(-1)?.path);
    const added = new IndexFile(open, `${this.#directory}/${name}`, layout, pause);
    this.files.push(added);
    return added;
  }

  #forget(file: IndexFile): void {
    this.files.splice(this.files.indexOf(file), 1);
    this.#options.open.drop(file.path);
  }
}
