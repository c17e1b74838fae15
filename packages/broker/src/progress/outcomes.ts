// Finds in the log what a killed broker had already delivered or decided and had not saved, so that nothing is delivered
// twice. What is stored because of an earlier record has that record's position as its preparedTransactionOffset.
import {
  DecodeError,
  HALF_TOPIC,
  MessageProperty,
  SCHEDULE_TOPIC,
  SysFlag,
  TIMER_TOPIC,
  decodeRecord,
} from '@nest-rocketmq/remoting/internal';
import type { Logger, MessageExt } from '@nest-rocketmq/remoting/internal';
import type { SavedDelayOffsets } from '../delay/delay-offsets.js';
import type { PastRecord } from '../store/commitlog/log-history.js';
import { timerDueOf } from '../store/consumequeue/timer-due.js';
import type { MessageStore } from '../store/store.js';
import { isBefore } from '../timer/pending-timers.js';
import type { Timer } from '../timer/pending-timers.js';

const REAL_TOPIC = Buffer.from(`${MessageProperty.REAL_TOPIC}\u0001`);
const HALF_QUEUE = 0;

export interface Outcomes {
  /** Level to the next entry of its queue. */
  delivered: ReadonlyMap<number, number>;
  /** The last message with a time of its own that was delivered; undefined where that is not known. */
  lastTimer: Omit<Timer, 'size'> | undefined;
  /** Offsets in the half topic of halves that were committed, or given up. */
  decided: ReadonlySet<number>;
  /** Halves that were stored once more: offset of the older copy to that of the newer. */
  moved: ReadonlyMap<number, number>;
}

export interface OutcomesOptions {
  store: MessageStore;
  saved: SavedDelayOffsets;
  /** Highest delay level. */
  levels: number;
  /** ms since the epoch. */
  now: number;
  logger: Logger;
}

export async function findOutcomes(options: OutcomesOptions): Promise<Outcomes> {
  const { saved, store } = options;
  const from = await whereToBegin(options);
  if (from === undefined)
    return { delivered: saved.offsets, lastTimer: saved.timers, decided: new Set(), moved: new Map() };
  // Where the log ends before the saved position, the saved offsets are wrong: only the log counts.
  const believed = saved.logOffset === undefined || saved.logOffset <= store.history.end;
  const search = new Search(options, believed ? saved : { offsets: new Map(), timers: undefined });
  await store.history.visit(from, (record) => search.visit(record));
  await search.matchUnmarked();
  return search;
}

/** Undefined where everything was saved. */
async function whereToBegin({ store, saved, levels, now, logger }: OutcomesOptions): Promise<number | undefined> {
  const { history } = store;
  const queues = Array.from({ length: levels }, (_, queueId) => queueId);
  const timers = !saved.timersByApache && store.maxOffset(TIMER_TOPIC, 0) > 0;
  const scheduled = timers || queues.some((queueId) => store.maxOffset(SCHEDULE_TOPIC, queueId) > 0);
  if (!scheduled && (!history.aborted || store.maxOffset(HALF_TOPIC, HALF_QUEUE) === 0)) return undefined;
  const { logOffset, offsets } = saved;
  if (logOffset !== undefined && logOffset >= history.first && logOffset <= history.end) return logOffset;
  if (logOffset !== undefined || offsets.size === 0) {
    const notable = history.end > history.first && scheduled;
    if (notable) logger.warn('the offsets of delayed messages are lost: the whole log is read to find them');
    return history.first;
  }
  return history.aborted ? history.positionBefore(await oldestDue(store, offsets, queues, now)) : undefined;
}

/** When the oldest message fell due that may not have been counted, ms since the epoch. */
async function oldestDue(
  store: MessageStore,
  offsets: ReadonlyMap<number, number>,
  queues: readonly number[],
  now: number,
): Promise<number> {
  let oldest = now;
  for (const queueId of queues) {
    const offset = Math.max(offsets.get(queueId + 1) ?? 0, store.minOffset(SCHEDULE_TOPIC, queueId));
    const entry = await store.readConsumeQueue(SCHEDULE_TOPIC, queueId, offset);
    oldest = Math.min(oldest, entry?.tagsCode ?? now);
  }
  return oldest;
}

class Search implements Outcomes {
  readonly delivered: Map<number, number>;
  lastTimer: Omit<Timer, 'size'> | undefined;
  readonly decided = new Set<number>();
  readonly moved = new Map<number, number>();
  /** Delivered messages that do not name their scheduled record, as Apache's: by level, in the order of the log. */
  readonly #unmarked = new Map<number, string[]>();
  #first: { record: MessageExt | undefined } | undefined;

  constructor(
    private readonly options: OutcomesOptions,
    saved: Pick<SavedDelayOffsets, 'offsets' | 'timers'>,
  ) {
    this.delivered = new Map(saved.offsets);
    this.lastTimer = saved.timers;
  }

  visit(record: PastRecord): void | Promise<void> {
    const { buffer, start, view, preparedTransactionOffset: origin } = record;
    if (origin <= 0 && !hasRealTopic(record) && !isCommitted(view.sysFlag)) return;
    const message = decoded(buffer.subarray(start, start + view.size));
    return message && this.#look(message);
  }

  async #look(message: MessageExt): Promise<void> {
    const before = await this.#origin(message);
    if (before) this.#follows(message, before);
    else if (message.preparedTransactionOffset <= 0) this.#note(message);
  }

  /** The record that the message was stored because of, if it says which. */
  async #origin(message: MessageExt): Promise<MessageExt | undefined> {
    const { preparedTransactionOffset: origin, physicalOffset } = message;
    if (origin < 0 || origin >= physicalOffset) return undefined;
    if (origin > 0) return this.#read(origin);
    // The first record of a store, or no position at all.
    const first = (this.#first ??= { record: await this.#read(0) }).record;
    const isOrigin = first?.topic === HALF_TOPIC || first?.topic === TIMER_TOPIC;
    return isOrigin && markOf(first, '', 0) === markOf(message, '', 0) ? first : undefined;
  }

  /** Matches the messages that do not name their scheduled record. Of several that look the same the first counts. */
  async matchUnmarked(): Promise<void> {
    for (const [level, marks] of this.#unmarked) {
      const saved = this.delivered.get(level) ?? 0;
      // Those that were counted before may be among them.
      const first = Math.max(this.options.store.minOffset(SCHEDULE_TOPIC, level - 1), saved - marks.length);
      const scheduled = await this.#dueFrom(level - 1, first);
      let matched = 0;
      for (const mark of marks) matched = scheduled.indexOf(mark, matched) + 1 || matched;
      if (first + matched > saved) this.delivered.set(level, first + matched);
    }
  }

  /** `message` was stored because of `before`. */
  #follows(message: MessageExt, before: MessageExt): void {
    const { queueOffset } = before;
    if (before.topic === SCHEDULE_TOPIC) {
      if (message.topic !== before.properties.get(MessageProperty.REAL_TOPIC)) return;
      const level = before.queueId + 1;
      this.delivered.set(level, Math.max(this.delivered.get(level) ?? 0, queueOffset + 1));
      // A level is delivered in order: those before count already.
      this.#unmarked.delete(level);
    } else if (before.topic === TIMER_TOPIC) {
      if (message.topic === before.properties.get(MessageProperty.REAL_TOPIC)) this.#timerDelivered(before);
    } else if (before.topic === HALF_TOPIC) {
      if (message.topic === HALF_TOPIC) this.moved.set(queueOffset, message.queueOffset);
      else this.decided.add(queueOffset);
    }
  }

  /** They are delivered in order: those before count already. */
  #timerDelivered({ properties, storeTimestamp, physicalOffset: position }: MessageExt): void {
    const due = timerDueOf(properties, storeTimestamp);
    if (due === undefined) return;
    if (!this.lastTimer || isBefore(this.lastTimer, { due, position })) this.lastTimer = { due, position };
  }

  #note(message: MessageExt): void {
    const { properties, topic } = message;
    const level = Number(properties.get(MessageProperty.DELAY) ?? 0);
    const delivered =
      topic === properties.get(MessageProperty.REAL_TOPIC) && level >= 1 && level <= this.options.levels;
    if (!delivered) return;
    let marks = this.#unmarked.get(level);
    if (!marks) this.#unmarked.set(level, (marks = []));
    marks.push(markOf(message, topic, message.queueId));
  }

  /** Of the scheduled messages from `offset` on that can have been delivered, in their order. */
  async #dueFrom(queueId: number, offset: number): Promise<(string | undefined)[]> {
    const { store, now } = this.options;
    const marks: (string | undefined)[] = [];
    for (let at = offset; ; at++) {
      const entry = await store.readConsumeQueue(SCHEDULE_TOPIC, queueId, at);
      if (!entry || entry.tagsCode > now) return marks;
      const message = await this.#read(entry.physicalOffset, entry.size);
      const { properties } = message ?? {};
      const realQueue = Number(properties?.get(MessageProperty.REAL_QID) ?? 0);
      marks.push(message && markOf(message, properties?.get(MessageProperty.REAL_TOPIC) ?? '', realQueue));
    }
  }

  async #read(physicalOffset: number, size?: number): Promise<MessageExt | undefined> {
    const record = await this.options.store.readRecord(physicalOffset, size);
    return record && decoded(record);
  }
}

const isCommitted = (sysFlag: number): boolean =>
  (sysFlag & SysFlag.TRANSACTION_ROLLBACK) === SysFlag.TRANSACTION_COMMIT;

function hasRealTopic({ buffer, view }: PastRecord): boolean {
  return buffer.subarray(view.propertiesAt, view.propertiesAt + view.propertiesLength).includes(REAL_TOPIC);
}

/** What a message has in common with itself as it was scheduled. */
function markOf(message: MessageExt, topic: string, queueId: number): string {
  const { bornTimestamp, bornHost, reconsumeTimes, bodyCrc, flag, properties } = message;
  const key = properties.get(MessageProperty.UNIQ_KEY) ?? '';
  const born = `${bornTimestamp} ${bornHost.address.toString('hex')}:${bornHost.port}`;
  return `${topic} ${queueId} ${born} ${reconsumeTimes} ${bodyCrc} ${flag} ${key}`;
}

function decoded(record: Buffer): MessageExt | undefined {
  try {
    return decodeRecord(record, 0, { inflate: false, checkCrc: false });
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
