// Keeps which half messages are undecided, as Apache does: op messages name decided halves, and two offsets of a group of
// the broker's own say up to where both topics are done.
import { DecodeError, HALF_TOPIC, OP_HALF_TOPIC, decodeRecord } from '@nest-rocketmq/remoting/internal';
import type { Clock, HostPort } from '@nest-rocketmq/remoting/internal';
import type { MessageWriter } from '../message/message-writer.js';
import { TRANSACTION_GROUP } from '../metadata/names.js';
import type { ConsumerOffsets } from '../metadata/offsets.js';
import type { Outcomes } from '../progress/outcomes.js';
import type { MessageStore } from '../store/store.js';
import { offsetsOfOp, opMessage } from '../message/half-message.js';
import { OffsetRanges } from './offset-ranges.js';
import { OpProgress } from './op-progress.js';

const QUEUE = 0;
/** Halves that one op message names beside its own, at most. */
const MOST_UNNAMED = 1_000;
const PLAIN = { inflate: false, checkCrc: false };

export interface HalfQueueDeps {
  store: MessageStore;
  messageWriter: MessageWriter;
  offsets: ConsumerOffsets;
  clock: Clock;
  storeHost: HostPort;
  /** Verdicts in the log without an op message: the broker was killed between the two. */
  outcomes: Pick<Outcomes, 'decided' | 'moved'>;
  /** `DelayOffsets.hold` */
  hold: () => () => void;
}

export class HalfQueue {
  /** Called when no half is open any more. */
  onAllDecided: (() => void) | undefined;
  /** All halves before this offset are decided. */
  #settled: number;
  /** Decided halves from there on. */
  readonly #decided = new OffsetRanges();
  /** Halves for which a verdict is being stored. */
  readonly #deciding = new Set<number>();
  readonly #underWay = new Set<Promise<void>>();
  /** A half that was checked was stored again: offset of the older copy to that of the newer. */
  readonly #newer = new Map<number, number>();
  readonly #older = new Map<number, number>();
  readonly #ops: OpProgress;
  #opBatch: number[] = [];
  /**
   * Decided halves whose op message the disk has refused: the next one names them. Each with what ends its hold, so that a
   * start after a kill finds in the log what was stored because of it.
   */
  readonly #unnamed = new Map<number, () => void>();
  #lastOp: Promise<void> = Promise.resolve();

  /** Reads what was decided before. */
  static async open(deps: HalfQueueDeps): Promise<HalfQueue> {
    const halves = new HalfQueue(deps);
    await halves.#readOps();
    halves.#settle();
    return halves;
  }

  private constructor(private readonly deps: HalfQueueDeps) {
    const { store, offsets } = deps;
    this.#settled = Math.max(
      0,
      offsets.query(TRANSACTION_GROUP, HALF_TOPIC, QUEUE),
      store.minOffset(HALF_TOPIC, QUEUE),
    );
    const firstOp = Math.max(
      offsets.query(TRANSACTION_GROUP, OP_HALF_TOPIC, QUEUE),
      store.minOffset(OP_HALF_TOPIC, QUEUE),
    );
    this.#ops = new OpProgress(Math.max(0, firstOp));
  }

  /** Writes the op messages that a kill prevented. */
  async start(): Promise<void> {
    const { decided, moved } = this.deps.outcomes;
    const failures: unknown[] = [];
    const notes: Promise<unknown>[] = [];
    // One that fails while halves are read must not end the process: it is thrown when all are done.
    const note = (stored: Promise<void>): unknown => notes.push(stored.catch((error: unknown) => failures.push(error)));
    for (const [older, newer] of moved) if (this.isOpen(older)) note(this.replace(older, newer));
    if (decided.size > 0) {
      for (let offset = this.nextOpen(0); offset < this.end; offset = this.nextOpen(offset + 1))
        if ((await this.#copiesOf(offset)).some((copy) => decided.has(copy))) note(this.decide(offset));
    }
    await Promise.all(notes);
    if (failures.length > 0) throw failures[0];
  }

  /** The oldest half that may be undecided; the end of the queue when none is. */
  get first(): number {
    return this.#settled;
  }

  /** Exclusive. */
  get end(): number {
    return this.deps.store.maxOffset(HALF_TOPIC, QUEUE);
  }

  isOpen(offset: number): boolean {
    return offset >= this.#settled && !this.#decided.has(offset) && !this.#deciding.has(offset);
  }

  /** The first offset, from `offset` on, that is no decided half: millions may lie behind one that is open. */
  nextOpen(offset: number): number {
    let next = this.#decided.nextGap(Math.max(offset, this.#settled));
    while (this.#deciding.has(next)) next = this.#decided.nextGap(next + 1);
    return next;
  }

  /** Where the half that was first stored at `offset` stands now. */
  newest(offset: number): number {
    let at = offset;
    for (let next = this.#newer.get(at); next !== undefined; next = this.#newer.get(at)) at = next;
    return at;
  }

  /** The half that the one at `offset` is a copy of, where that is known. */
  older(offset: number): number | undefined {
    return this.#older.get(offset);
  }

  /**
   * Stores a verdict once: runs `store`, which stores what follows from it, and then marks the half as decided. A half
   * for which that is done or under way is left alone.
   * @param offset of the newest copy of the half
   */
  decide(offset: number, store?: () => Promise<void>): Promise<void> {
    if (!this.isOpen(offset)) return Promise.resolve();
    const deciding = this.#decide(offset, store).finally(() => this.#underWay.delete(deciding));
    this.#underWay.add(deciding);
    return deciding;
  }

  /** Resolves when no verdict is being stored. Never rejects. */
  async whenIdle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
    for (let before = Infinity; this.#unnamed.size > 0 && this.#unnamed.size < before;) {
      before = this.#unnamed.size;
      await this.#storeOp([]).catch(() => undefined);
    }
  }

  async #decide(offset: number, store: (() => Promise<void>) | undefined): Promise<void> {
    this.#deciding.add(offset);
    const noted = this.deps.hold();
    try {
      await store?.();
      // Without an op message nothing tells of a rollback: its half stays open.
      await (store ? this.#writeOpAfter(offset, noted) : this.#writeOp(offset));
      this.#decided.add(offset);
    } finally {
      this.#deciding.delete(offset);
      if (this.#unnamed.get(offset) !== noted) noted();
    }
    this.#forgetCopies(offset);
    this.#settle();
  }

  /** The half at `offset` has been stored once more. @param noted ends the hold that began before that, if that was just now */
  async replace(offset: number, newer: number, noted?: () => void): Promise<void> {
    try {
      // Its verdict came while the copy was being stored: the copy must not be asked about.
      if (!this.isOpen(offset)) return await this.decide(newer);
      this.#newer.set(offset, newer);
      this.#older.set(newer, offset);
      await (noted ? this.#writeOpAfter(offset, noted) : this.#writeOp(offset));
      this.#decided.add(offset);
      this.#settle();
    } finally {
      if (this.#unnamed.get(offset) !== noted) noted?.();
    }
  }

  /**
   * Writes the op message of a half because of which something is stored already: that must not be stored once more only
   * because the disk does not take this.
   */
  #writeOpAfter(offset: number, noted: () => void): Promise<void> {
    return this.#writeOp(offset).catch(() => void this.#unnamed.set(offset, noted));
  }

  /** All halves that are decided within one turn go into one op message. */
  #writeOp(offset: number): Promise<void> {
    this.#opBatch.push(offset);
    return Promise.resolve().then(() => this.#flushOps());
  }

  async #flushOps(): Promise<void> {
    const batch = this.#opBatch;
    if (batch.length > 0) {
      this.#opBatch = [];
      this.#lastOp = this.#storeOp(batch);
    }
    await this.#lastOp;
  }

  async #storeOp(batch: readonly number[]): Promise<void> {
    const { messageWriter, clock, storeHost } = this.deps;
    const unnamed = [...this.#unnamed].slice(0, MOST_UNNAMED);
    const named = [...batch, ...unnamed.map(([offset]) => offset)];
    const result = { ...messageWriter.deliver(opMessage(named, storeHost, clock.now())) };
    await messageWriter.whenStored(result);
    for (const [offset, noted] of unnamed) if (this.#unnamed.delete(offset)) noted();
    // Not before: where the disk refuses it, another op message gets its place.
    this.#ops.note(result.queueOffset, named);
  }

  /** The half at `offset` and those that it is a copy of, by their offsets. */
  async #copiesOf(offset: number): Promise<number[]> {
    const { store } = this.deps;
    const copies = [offset];
    const entry = await store.readConsumeQueue(HALF_TOPIC, QUEUE, offset);
    let record = entry && (await store.readRecord(entry.physicalOffset, entry.size));
    while (record) {
      const { preparedTransactionOffset: older, physicalOffset } = decodeRecord(record, 0, PLAIN);
      // A copy is stored behind its original.
      record = older > 0 && older < physicalOffset ? await store.readRecord(older) : undefined;
      const half = record && decodeRecord(record, 0, PLAIN);
      if (half?.topic === HALF_TOPIC) copies.push(half.queueOffset);
    }
    return copies;
  }

  #forgetCopies(offset: number): void {
    for (let at: number | undefined = offset; at !== undefined;) {
      const older: number | undefined = this.#older.get(at);
      this.#older.delete(at);
      if (older !== undefined) this.#newer.delete(older);
      at = older;
    }
  }

  #settle(): void {
    const { offsets } = this.deps;
    this.#settled = this.#decided.pass(this.#settled);
    offsets.commit(TRANSACTION_GROUP, HALF_TOPIC, QUEUE, this.#settled);
    this.#ops.settle(this.#settled);
    offsets.commit(TRANSACTION_GROUP, OP_HALF_TOPIC, QUEUE, this.#ops.next);
    if (this.#settled >= this.end) this.onAllDecided?.();
  }

  async #readOps(): Promise<void> {
    const { store } = this.deps;
    const end = store.maxOffset(OP_HALF_TOPIC, QUEUE);
    for (let queueOffset = this.#ops.next; queueOffset < end; queueOffset++) {
      const entry = await store.readConsumeQueue(OP_HALF_TOPIC, QUEUE, queueOffset);
      const record = entry && (await store.readRecord(entry.physicalOffset, entry.size));
      if (!record) continue;
      const halves = halvesOf(record);
      for (const half of halves) if (half >= this.#settled) this.#decided.add(half);
      this.#ops.note(queueOffset, halves);
    }
  }
}

/** None when the record is damaged: its halves are checked once more. */
function halvesOf(record: Buffer): number[] {
  try {
    return offsetsOfOp(decodeRecord(record).body);
  } catch (error) {
    if (error instanceof DecodeError) return [];
    throw error;
  }
}
