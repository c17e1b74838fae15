// Delivers delayed messages when they are due: each level has one timer, set to the due time of its oldest message.
import {
  DecodeError,
  HALF_TOPIC,
  MessageProperty,
  SCHEDULE_TOPIC,
  decodeRecord,
} from '@nest-rocketmq/remoting/internal';
import type { Clock, EventLog, Logger, TimerHandle } from '@nest-rocketmq/remoting/internal';
import { PutError, isRefusedForGood } from '../message/message-writer.js';
import type { MessageWriter } from '../message/message-writer.js';
import type { BrokerStats } from '../metrics/broker-stats.js';
import type { AppendResult, MessageInner, MessageStore, PutStatus, QueueEntry } from '../store/store.js';
import { toMessageInner } from '../message/half-message.js';
import type { DelayOffsets } from './delay-offsets.js';
import type { DelayLevels } from '../message/schedule-message.js';

/** Most messages of one level that are delivered in one go. */
const DELIVER_AT_ONCE = 64;
/** Bytes after which a delivery ends, and the next one begins. */
const DELIVER_BYTES_AT_ONCE = 8_388_608;
/** Delay before a delivery that the store refused is tried again, ms. */
const DELAY_FOR_A_WHILE = 100;
/** Failed reads of messages that are due, from which on those are skipped: half a minute. */
const MOST_READS = 300;

export interface LevelTimerDeps {
  store: MessageStore;
  messageWriter: MessageWriter;
  levels: DelayLevels;
  stats: BrokerStats;
  offsets: DelayOffsets;
  clock: Clock;
  logger: Logger;
  /** For what may be repeated several times a second. */
  log: EventLog;
}

/** How many levels there are, or were when messages were stored under them. */
export function levelsInUse(store: MessageStore, most: number): number {
  let levels = most;
  for (const { topic, queueId } of store.queues()) if (topic === SCHEDULE_TOPIC) levels = Math.max(levels, queueId + 1);
  return levels;
}

interface Level {
  readonly number: number;
  /** The next entry of its queue. */
  offset: number;
  timer: TimerHandle | undefined;
  delivering: Promise<void> | undefined;
  /** Failed reads since the last delivery. */
  failedReads: number;
}

interface Appended {
  done: number;
  last: AppendResult | undefined;
  status: PutStatus | undefined;
}

export class LevelTimer {
  readonly #levels: Level[];
  #stopped = false;

  constructor(private readonly deps: LevelTimerDeps) {
    this.#levels = Array.from({ length: levelsInUse(deps.store, deps.levels.max) }, (_, index) => ({
      number: index + 1,
      offset: this.#within(index, deps.offsets.get(index + 1)),
      timer: undefined,
      delivering: undefined,
      failedReads: 0,
    }));
  }

  /** Schedules the messages that are in the queues already. */
  start(): void {
    for (const level of this.#levels) this.#next(level);
  }

  /** A message was stored in the queue of a level. */
  arrived(queueId: number): void {
    const level = this.#levels[queueId];
    if (level && !level.timer && !level.delivering) this.#next(level);
  }

  /** How far the levels that have delivered something have come. */
  get progress(): { level: number; offset: number; maxOffset: number }[] {
    return this.#levels
      .filter(({ offset }) => offset > 0)
      .map(({ number: level, offset }) => {
        return { level, offset, maxOffset: this.deps.store.maxOffset(SCHEDULE_TOPIC, level - 1) };
      });
  }

  /** Gives up all that waits, for a test. */
  discard(): void {
    for (const level of this.#levels) {
      this.deps.clock.clearTimeout(level.timer);
      level.timer = undefined;
      level.offset = this.deps.store.maxOffset(SCHEDULE_TOPIC, level.number - 1);
      this.deps.offsets.set(level.number, level.offset);
    }
  }

  /** Ends deliveries that are under way, so that what was delivered is known when it starts again. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const level of this.#levels) {
      this.deps.clock.clearTimeout(level.timer);
      level.timer = undefined;
    }
    for (const level of this.#levels) await level.delivering;
  }

  #within(queueId: number, offset: number): number {
    const { store } = this.deps;
    const first = store.minOffset(SCHEDULE_TOPIC, queueId);
    return Math.max(0, first, Math.min(offset, store.maxOffset(SCHEDULE_TOPIC, queueId)));
  }

  /** Delivers what is due, or waits for what will be. */
  #next(level: Level): void {
    if (this.#stopped) return;
    level.offset = this.#within(level.number - 1, level.offset);
    const entry = this.#entryAt(level, level.offset);
    if (entry instanceof Promise) this.#waitFor(level, entry, (read) => this.#dueOrNone(level, read));
    else this.#dueOrNone(level, entry);
  }

  #waitFor<T>(level: Level, reading: Promise<T>, then: (read: T) => void): void {
    level.delivering = reading.then(
      (read) => {
        level.delivering = undefined;
        if (!this.#stopped) then(read);
      },
      (error: unknown) => {
        level.delivering = undefined;
        this.#tryLater(level, error);
      },
    );
  }

  #dueOrNone(level: Level, entry: QueueEntry | undefined): void {
    if (!entry) return;
    const due = this.#dueOf(level, entry);
    if (due instanceof Promise) this.#waitFor(level, due, (read) => this.#deliverOrWait(level, read));
    else this.#deliverOrWait(level, due);
  }

  #deliverOrWait(level: Level, due: number): void {
    const wait = due - this.deps.clock.now();
    if (wait > 0) this.#later(level, wait);
    else level.delivering = this.#deliver(level);
  }

  #later(level: Level, ms: number): void {
    const wake = (): void => {
      level.timer = undefined;
      this.#next(level);
    };
    level.timer = this.deps.clock.setTimeout(wake, ms, `the messages of delay level ${level.number}`);
  }

  #entryAt(level: Level, offset: number): ReturnType<MessageStore['readConsumeQueue']> {
    return this.deps.store.readConsumeQueue(SCHEDULE_TOPIC, level.number - 1, offset);
  }

  /** ms since the epoch; a promise where only the record tells. */
  #dueOf(level: Level, entry: QueueEntry): number | Promise<number> {
    const now = this.deps.clock.now();
    if (entry.tagsCode <= now + this.deps.levels.delayOf(level.number)) return entry.tagsCode;
    // Due later than its level allows: the levels were changed, and it keeps its time; or the clock was set back since it
    // was stored, and it is delivered now.
    return this.#storedAt(level, entry).then((storedAt) => (storedAt > now ? now : entry.tagsCode));
  }

  /** ms since the epoch; 0 if the record cannot be read. */
  async #storedAt(level: Level, entry: QueueEntry): Promise<number> {
    const record = await this.#record(level, entry);
    return record ? decodeRecord(record, 0, { inflate: false, checkCrc: false }).storeTimestamp : 0;
  }

  /** Undefined if there is no good record, or if it cannot be read after many tries: it would block all others for ever. */
  async #record(level: Level, { physicalOffset, size }: QueueEntry): Promise<Buffer | undefined> {
    try {
      return await this.deps.store.readRecord(physicalOffset, size);
    } catch (error) {
      if (++level.failedReads < MOST_READS) throw error;
      this.deps.logger.error(
        `a message of delay level ${level.number} is skipped: position ${physicalOffset} of the commit log cannot be read: ${String(error)}`,
      );
      return undefined;
    }
  }

  async #deliver(level: Level): Promise<void> {
    // They may have been stored hours ago. If nothing has to be read, `delivering` is set all the same before this ends.
    const range = {
      offset: level.offset,
      maxCount: DELIVER_AT_ONCE,
      maxBytes: DELIVER_BYTES_AT_ONCE,
      filter: undefined,
    };
    await this.deps.store.prefetch(SCHEDULE_TOPIC, level.number - 1, range);
    const noted = this.deps.offsets.hold();
    const ended = this.deps.clock.busy?.('the delivery of delayed messages');
    try {
      const { done, last, status } = this.#append(level, await this.#readDue(level));
      if (last) await this.deps.messageWriter.whenStored(last);
      if (done === 0) throw new PutError(status ?? 'none of them is due yet');
      level.offset += done;
      level.failedReads = 0;
      this.deps.offsets.set(level.number, level.offset);
    } catch (error) {
      level.delivering = undefined;
      this.#tryLater(level, error);
      return;
    } finally {
      noted();
      ended?.();
    }
    level.delivering = undefined;
    this.#next(level);
  }

  #tryLater(level: Level, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    const message = `messages of delay level ${level.number} are delivered late: ${reason}`;
    this.deps.log.say('warn', 'late deliveries of delay levels', message);
    if (!this.#stopped) this.#later(level, DELAY_FOR_A_WHILE);
  }

  /** The messages that are due, from the next one on; undefined for one that cannot be read. */
  async #readDue(level: Level): Promise<(MessageInner | undefined)[]> {
    const due: (MessageInner | undefined)[] = [];
    for (let bytes = 0; due.length < DELIVER_AT_ONCE && bytes < DELIVER_BYTES_AT_ONCE;) {
      const entry = await this.#entryAt(level, level.offset + due.length);
      if (!entry || (await this.#dueOf(level, entry)) > this.deps.clock.now()) break;
      due.push(await this.#restore(level, entry));
      bytes += entry.size;
    }
    return due;
  }

  /**
   * In one turn of the event loop, so that the disk takes all of them or refuses all behind one.
   * @returns how many were dealt with, the last of them that was appended, and why the next was not
   */
  #append(level: Level, due: (MessageInner | undefined)[]): Appended {
    let last: AppendResult | undefined;
    let done = 0;
    for (; done < due.length; done++) {
      const message = due[done];
      if (!message) continue;
      const result = this.deps.messageWriter.deliver(message);
      if (isRefusedForGood(result.status)) {
        this.#leaveOut(level, level.offset + done, result.status);
        continue;
      }
      if (result.status !== 'PUT_OK') return { done, last, status: result.status };
      last = { ...result };
      this.deps.stats.delivered(message, level.number - 1, result);
    }
    return { done, last, status: undefined };
  }

  /** Skips a message that the store will never take: it would block all messages behind it. */
  #leaveOut(level: Level, offset: number, reason: string): void {
    this.deps.logger.error(
      `a message of delay level ${level.number} cannot be stored under its own topic (${reason}): it is skipped, and stays ` +
        `in ${SCHEDULE_TOPIC}, queue ${level.number - 1}, at offset ${offset}`,
    );
  }

  /** The message under an entry, for its own topic and queue; undefined when there is none to deliver. */
  async #restore(level: Level, entry: QueueEntry): Promise<MessageInner | undefined> {
    const { logger } = this.deps;
    const record = await this.#record(level, entry);
    if (!record) return undefined;
    try {
      const message = decodeRecord(record, 0, { inflate: false });
      const topic = message.properties.get(MessageProperty.REAL_TOPIC);
      if (topic === undefined || topic === HALF_TOPIC) return undefined;
      const queueId = Number(message.properties.get(MessageProperty.REAL_QID) ?? 0);
      // After a kill, this tells which scheduled messages were delivered.
      const preparedTransactionOffset = message.physicalOffset;
      return { ...toMessageInner(message, message.properties), topic, queueId, preparedTransactionOffset };
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      logger.error(`a message of delay level ${level.number} cannot be read and is skipped: ${error.message}`);
      return undefined;
    }
  }
}
