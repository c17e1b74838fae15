// Delivers messages that have a time of their own when it comes: one timer, set to the time of the next of them.
import { DecodeError, HALF_TOPIC, MessageProperty, TIMER_TOPIC, decodeRecord } from '@nest-rocketmq/remoting/internal';
import type { Clock, EventLog, Logger, TimerHandle } from '@nest-rocketmq/remoting/internal';
import { encodedProperties, fitProperties } from '../message/fit-properties.js';
import { toMessageInner } from '../message/half-message.js';
import { PutError, isRefusedForGood } from '../message/message-writer.js';
import type { MessageWriter } from '../message/message-writer.js';
import type { BrokerStats } from '../metrics/broker-stats.js';
import { dueOfTagsCode } from '../store/consumequeue/timer-due.js';
import type { AppendResult, MessageInner, MessageStore, QueueEntry } from '../store/store.js';
import { findWaiting, recallOf } from './find-waiting.js';
import { isBefore } from './pending-timers.js';
import type { PendingTimers, Timer } from './pending-timers.js';
import type { TimerFiles } from './timer-files.js';
import type { TimerNote } from './timer-note.js';

const QUEUE = 0;
/** Messages that are delivered at a time. */
const DELIVER_AT_ONCE = 256;
/** Bytes of them, from which on the others wait for the next time. */
const DELIVER_BYTES_AT_ONCE = 8_388_608;
/** Pause before a delivery that the store has refused is tried again, ms. */
const RETRY_DELAY = 100;
/** Failed reads of a message that is due, from which on it is left out: half a minute. */
const MOST_READS = 300;

export interface MessageTimerDeps {
  store: MessageStore;
  messageWriter: MessageWriter;
  stats: BrokerStats;
  pending: PendingTimers;
  /** The end of the last message of the timer topic that `pending` was told of, position in the log. */
  knownEnd: number;
  /**
   * ms since the epoch. Apache's broker may have left out messages that are due by then: while one of them waits, the last
   * that was delivered does not tell which others were.
   */
  notedFrom: number;
  files: TimerFiles;
  /** `DelayOffsets.hold` */
  hold: () => () => void;
  /** Has the note saved. */
  changed: () => void;
  clock: Clock;
  logger: Logger;
  /** For what may be repeated several times a second. */
  log: EventLog;
}

export class MessageTimer {
  /** The last that was delivered for good. */
  #delivered: Omit<Timer, 'size'>;
  #knownEnd: number;
  #timer: TimerHandle | undefined;
  #armedFor = Infinity;
  #batch: Timer[] = [];
  #delivering: Promise<void> | undefined;
  #running = false;
  /** Failed reads of messages that are due, by their positions. */
  readonly #failedReads = new Map<number, number>();

  constructor(private readonly deps: MessageTimerDeps) {
    this.#delivered = deps.pending.last;
    this.#knownEnd = deps.knownEnd;
  }

  /** Takes up what waits already. */
  start(): void {
    this.#running = true;
    this.#next();
  }

  /** Ends a delivery that is under way. */
  async stop(): Promise<void> {
    this.#running = false;
    this.#disarm();
    await this.#delivering;
  }

  /** A message has come into the timer topic, and is the last before `maxOffset`. */
  arrived(maxOffset: number, tagsCode: number): void {
    const entry = this.deps.store.readConsumeQueue(TIMER_TOPIC, QUEUE, maxOffset - 1);
    // What has just come is in memory.
    if (!(entry instanceof Promise)) this.#arrived(entry, tagsCode);
    else entry.then((read) => this.#arrived(read, tagsCode)).catch((error: unknown) => this.#unread(maxOffset, error));
  }

  #unread(maxOffset: number, error: unknown): void {
    this.deps.logger.error(
      `the entry before ${maxOffset} of ${TIMER_TOPIC} cannot be read: its message comes after a restart: ${String(error)}`,
    );
  }

  #arrived(entry: QueueEntry | undefined, tagsCode: number): void {
    const code = dueOfTagsCode(tagsCode);
    if (!entry || !code) return;
    const { physicalOffset: position, size } = entry;
    this.#knownEnd = position + size;
    if (code.recalls) void this.#recalled(code.due, position, size);
    else this.deps.pending.add({ due: code.due, position, size });
    if (code.due < this.#armedFor) this.#next();
  }

  /** A message has come that recalls another. Clients from before 5.5 send such messages instead of a request. */
  async #recalled(due: number, position: number, size: number): Promise<void> {
    const { store, pending, logger } = this.deps;
    try {
      const record = await store.readRecord(position, size);
      const message = record && decodeRecord(record, 0, { inflate: false });
      // One that this broker has stored names the position that it has recalled already.
      if (!message || message.preparedTransactionOffset > 0) return;
      const target = await findWaiting(store, pending, recallOf(due, message.properties));
      // Not one that was taken since it was found.
      if (target && pending.isWaiting(target)) pending.recall(target.position);
    } catch (error) {
      logger.error(`the recall at position ${position} of the log failed: ${String(error)}`);
    }
  }

  /** Looks again at what is due: a recall that kept it waiting has ended. */
  wake(): void {
    this.#next();
  }

  /** How far it has come, to be saved; undefined while only Apache's timercheck tells it. */
  get note(): TimerNote | undefined {
    const { notedFrom, files } = this.deps;
    if (this.#delivered.due < notedFrom) return undefined;
    const first = Math.min(this.firstPosition, this.#knownEnd);
    return { ...this.#delivered, first, check: files.checkText };
  }

  /** Until when all that was committed before is delivered, at most `now`; ms since the epoch. */
  deliveredUntil(now: number): number {
    const { pending } = this.deps;
    const first = this.#batch[0]?.due ?? pending.nextDue ?? (pending.hasDue(now) ? -Infinity : Infinity);
    return Math.min(now, first - 1);
  }

  /** Where the first record in the log is that waits, or is being delivered; Infinity with none. */
  get firstPosition(): number {
    return Math.min(this.deps.pending.firstPosition, ...this.#batch.map(({ position }) => position));
  }

  #next(): void {
    if (!this.#running || this.#delivering) return;
    const { pending, clock } = this.deps;
    const due = pending.nextDue;
    this.#disarm();
    if (due === undefined) return;
    const wait = due - clock.now();
    if (wait > 0) this.#arm(due, wait);
    else this.#delivering = this.#deliver();
  }

  #arm(due: number, ms: number): void {
    this.#armedFor = due;
    this.#timer = this.deps.clock.setTimeout(() => this.#next(), ms, 'the messages with a time of their own');
  }

  #disarm(): void {
    this.deps.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#armedFor = Infinity;
  }

  async #deliver(): Promise<void> {
    const { store, clock, hold, changed, log } = this.deps;
    const now = clock.now();
    const ended = clock.busy?.('the delivery of messages that are due');
    const noted = hold();
    let delivered = false;
    try {
      // What is still on its way to the disk may be due before what waits already. What comes later is due after `now`.
      await store.drain();
      this.#takeBatch(now);
      await this.#deliverBatch();
      this.#passNotedFrom();
      changed();
      delivered = true;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log.say('warn', 'late deliveries of messages that are due', `messages that are due are late: ${reason}`);
      this.#putBack();
    } finally {
      noted();
      ended?.();
    }
    this.#delivering = undefined;
    if (delivered) this.#next();
    else if (this.#running) this.#arm(-Infinity, RETRY_DELAY);
  }

  /** After Apache's broker the order of time tells what is delivered once nothing waits that was due under it. */
  #passNotedFrom(): void {
    const { pending, notedFrom } = this.deps;
    if (this.#batch.length > 0 || pending.hasDue(notedFrom)) return;
    this.#delivered = later(this.#delivered, { due: notedFrom, position: -1 });
    pending.last = later(pending.last, this.#delivered);
  }

  #takeBatch(now: number): void {
    const { pending } = this.deps;
    let bytes = 0;
    while (this.#batch.length < DELIVER_AT_ONCE && bytes < DELIVER_BYTES_AT_ONCE) {
      const timer = pending.take(now);
      if (!timer) break;
      this.#batch.push(timer);
      bytes += timer.size;
    }
    pending.last = later(pending.last, this.#batch.at(-1));
  }

  /** What was not delivered waits on, before all others. */
  #putBack(): void {
    const { pending } = this.deps;
    pending.last = this.#delivered;
    for (const timer of this.#batch.splice(0)) pending.add(timer);
  }

  /** Leaves in the batch what was not delivered. @throws PutError */
  async #deliverBatch(): Promise<void> {
    const { messageWriter } = this.deps;
    const records = await Promise.all(this.#batch.map((timer) => this.#read(timer)));
    const { done, last, failure } = this.#append(records);
    if (last) await messageWriter.whenStored(last);
    this.#delivered = later(this.#delivered, this.#batch[done - 1]);
    this.#batch.splice(0, done);
    if (failure) throw failure;
    this.#failedReads.clear();
  }

  /** @returns the error where its delivery is to be tried again; undefined where it cannot be read */
  async #read({ position, size }: Timer): Promise<Buffer | Error | undefined> {
    try {
      return await this.deps.store.readRecord(position, size);
    } catch (error) {
      const failed = (this.#failedReads.get(position) ?? 0) + 1;
      this.#failedReads.set(position, failed);
      // It would block all messages behind it for ever.
      return failed < MOST_READS && error instanceof Error ? error : undefined;
    }
  }

  /** @returns how many were dealt with, the last that was appended, and why the next was not */
  #append(records: readonly (Buffer | Error | undefined)[]): { done: number; last?: AppendResult; failure?: Error } {
    const { messageWriter, stats, logger } = this.deps;
    let last: AppendResult | undefined;
    for (const [done, { position }] of this.#batch.entries()) {
      const record = records[done];
      if (record instanceof Error) return { done, ...(last && { last }), failure: record };
      const message = this.#restore(record, position);
      if (!message) continue;
      const result = messageWriter.deliver(message);
      const { status, size, storeTimestamp } = result;
      if (isRefusedForGood(status)) {
        logger.error(
          `a message that is due cannot be stored under its own topic (${status}): it is left out, and stays in ` +
            `${TIMER_TOPIC}, at position ${position} of the commit log`,
        );
      } else if (status !== 'PUT_OK') {
        return { done, ...(last && { last }), failure: new PutError(status) };
      } else {
        last = { ...result };
        stats.put(message.topic, message.queueId, 1, size, storeTimestamp);
      }
    }
    return { done: this.#batch.length, ...(last && { last }) };
  }

  /** The message of a record, for its own topic and queue; undefined when there is none to deliver. */
  #restore(record: Buffer | undefined, position: number): MessageInner | undefined {
    const { logger, clock } = this.deps;
    try {
      if (!record) throw new DecodeError('its record is gone, damaged or cannot be read');
      const message = decodeRecord(record, 0, { inflate: false });
      const properties = new Map(message.properties);
      const topic = properties.get(MessageProperty.REAL_TOPIC);
      const queueId = Number(properties.get(MessageProperty.REAL_QID) ?? 0);
      if (topic === undefined || topic === HALF_TOPIC || topic === TIMER_TOPIC)
        throw new DecodeError(`it names no topic to be delivered to`);
      const before = encodedProperties(properties);
      properties.set(MessageProperty.TIMER_ENQUEUE_MS, String(message.storeTimestamp));
      properties.set(MessageProperty.TIMER_DEQUEUE_MS, String(clock.now()));
      const inner = { ...toMessageInner(message, properties), topic, queueId };
      if (!fitProperties(properties)) inner.properties = before;
      // So that a look at the log tells what was delivered.
      return { ...inner, preparedTransactionOffset: message.physicalOffset };
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      logger.error(`the message at position ${position} is due, and is left out: ${error.message}`);
      return undefined;
    }
  }
}

/** The mark only goes forwards: one that came too late for its time must not have those after it delivered again. */
function later(mark: Omit<Timer, 'size'>, delivered: Omit<Timer, 'size'> | undefined): Omit<Timer, 'size'> {
  return delivered && isBefore(mark, delivered) ? delivered : mark;
}
