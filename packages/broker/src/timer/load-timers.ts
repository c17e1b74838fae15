// Finds the messages of the timer topic that wait when a broker starts: from the topic's consume queue, whose entries say
// when each is due. Only what Apache's broker has stored, and what recalls another, is read from the log.
import { DecodeError, MessageProperty, TIMER_TOPIC, decodeRecord } from '@nest-rocketmq/remoting/internal';
import type { Logger, MessageExt } from '@nest-rocketmq/remoting/internal';
import { dueOfTagsCode, timerDueOf } from '../store/consumequeue/timer-due.js';
import type { MessageStore } from '../store/store.js';
import { NONE_DELIVERED, isBefore } from './pending-timers.js';
import type { PendingTimers, Timer } from './pending-timers.js';
import type { TimerCheck } from './apache-timer-files.js';
import { findWaiting, recallOf, slotOf } from './find-waiting.js';

const QUEUE = 0;
const SECOND = 1_000;

export interface LoadTimersOptions {
  store: MessageStore;
  pending: PendingTimers;
  /** The last that was delivered. */
  delivered: Omit<Timer, 'size'>;
  /** No message that waits is before this position of the log. */
  first: number;
  /** What Apache's broker says where it has had the store last. */
  apache: TimerCheck | undefined;
  logger: Logger;
}

/** A message as its record tells it. Without the record: there may be very many. */
interface FoundTimer extends Timer {
  /** Its key, topic and time. */
  key: string;
  /** Whether Apache has stored it once more. */
  rolled: boolean;
  isRecall: boolean;
}

/** An entry that does not say when its message is due. */
interface UntoldEntry extends Omit<Timer, 'due'> {
  index: number;
}

export interface LoadedTimers {
  /** The end of the last message of the topic, position in the log. */
  knownEnd: number;
  /**
   * ms since the epoch. Apache's broker may have left out messages that are due by then: while one of them waits, the last
   * that was delivered does not tell which others were.
   */
  notedFrom: number;
}

export async function loadTimers(options: LoadTimersOptions): Promise<LoadedTimers> {
  const { store, pending, first } = options;
  const recalls: Timer[] = [];
  const untold: UntoldEntry[] = [];
  let knownEnd = first;
  await store.visitQueue(TIMER_TOPIC, QUEUE, first, (position, size, tagsCode, index) => {
    knownEnd = position + size;
    const code = dueOfTagsCode(tagsCode);
    if (!code) untold.push({ position, size, index });
    else if (waits(options, code.due, position, index)) {
      if (code.recalls) recalls.push({ due: code.due, position, size });
      else pending.add({ due: code.due, position, size });
    }
  });
  const found = await readAll(options, untold);
  for (const timer of rolledOnce(found)) pending.add(timer);
  const notedFrom = options.apache ? options.apache.lastReadTime - 1 : NONE_DELIVERED.due;
  pending.last = lastBefore(options, notedFrom);
  await recallAll(options, [...recalls, ...found.filter(({ isRecall }) => isRecall)]);
  return { knownEnd, notedFrom };
}

function waits({ delivered, apache }: LoadTimersOptions, due: number, position: number, index: number): boolean {
  if (!isBefore(delivered, { due, position })) return false;
  return !apache || index >= apache.queueOffset || slotOf(due) * SECOND >= apache.lastReadTime;
}

/** Apache's broker may have left out a message that was due, which then comes first. */
function lastBefore({ delivered, pending }: LoadTimersOptions, notedFrom: number): Omit<Timer, 'size'> {
  const last = { due: Math.min(notedFrom, (pending.nextDue ?? Infinity) - 1), position: -1 };
  return isBefore(delivered, last) ? last : delivered;
}

/** Reads those whose entries do not say when they are due. Leaves out what was delivered. */
async function readAll(options: LoadTimersOptions, untold: readonly UntoldEntry[]): Promise<FoundTimer[]> {
  const found: FoundTimer[] = [];
  for (const { position, size, index } of untold) {
    const message = await readTimer(options, position);
    const due = message && timerDueOf(message.properties, message.storeTimestamp);
    if (!message || due === undefined) continue;
    if (waits(options, due, position, index)) found.push(foundTimer({ due, position, size }, message));
  }
  return found;
}

function foundTimer(timer: Timer, { properties }: MessageExt): FoundTimer {
  const parts = [MessageProperty.UNIQ_KEY, MessageProperty.REAL_TOPIC, MessageProperty.TIMER_OUT_MS];
  return {
    ...timer,
    key: parts.map((name) => properties.get(name)).join(' '),
    rolled: properties.has(MessageProperty.TIMER_ROLL_TIMES),
    isRecall: properties.has(MessageProperty.TIMER_DEL_UNIQKEY),
  };
}

/** Apache stores a message whose time is far away once more now and then: the last of them counts. */
function rolledOnce(found: readonly FoundTimer[]): Iterable<Timer> {
  const newest = new Map<string, FoundTimer>();
  for (const timer of found) {
    const { key, rolled, isRecall } = timer;
    if (isRecall) continue;
    newest.set(rolled || !newest.has(key) ? key : `${key} ${timer.position}`, timer);
  }
  return newest.values();
}

async function recallAll(options: LoadTimersOptions, recalls: readonly Timer[]): Promise<void> {
  const { store, pending, first } = options;
  for (const { due, position } of recalls) {
    const message = await readTimer(options, position);
    if (!message) continue;
    const { preparedTransactionOffset: recalled, properties } = message;
    if (recalled >= first && recalled > 0) pending.recall(recalled);
    // Only the key tells where Apache has stored it, or where it recalls the first record of a store.
    else if (recalled === 0) {
      const target = await findWaiting(store, pending, recallOf(due, properties));
      if (target) pending.recall(target.position);
    }
  }
}

async function readTimer({ store, logger }: LoadTimersOptions, position: number): Promise<MessageExt | undefined> {
  const record = await store.readRecord(position);
  try {
    if (record) return decodeRecord(record, 0, { inflate: false });
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
  }
  logger.error(`a message of ${TIMER_TOPIC} at position ${position} of the log cannot be read: it is left out`);
  return undefined;
}
