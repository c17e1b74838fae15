// Lists what will happen when the clock of a test is turned, for people who read a failed test.
import type { ManualClock } from '@nest-rocketmq/remoting/internal';
import { ofCluster } from './cluster-clock.js';
import { brief } from './matching.js';
import type { RecordedMessages, WaitingMessage } from './recorded-messages.js';

/** Something that is going to happen. */
export interface PendingEvent {
  /** 'order-cancel {"id":"o1"}', 'the next check of open transactions (cluster billing)' */
  readonly what: string;
  /** By the test's clock. */
  readonly due: Date;
}

/** Most lines of an error. */
const MOST_LINES = 10;
/** Timers that stand for messages of a cluster, which are listed one by one. */
const OF_MESSAGES = /^the messages (?:of delay level \d+|with a time of their own)(.*)$/;

export function pendingEvents(clock: ManualClock, messages: RecordedMessages): PendingEvent[] {
  const waiting = messages.waiting(clock.now());
  const listed = new Set(waiting.map(({ message }) => ofCluster(message.cluster)));
  const timers = clock.upcoming
    .filter(({ event }) => {
      const [, cluster] = OF_MESSAGES.exec(event) ?? [];
      return cluster === undefined || !listed.has(cluster);
    })
    .map(({ event, due }) => ({ what: event, due: new Date(due) }));
  return [...waiting.map((each) => ({ what: nameOf(each), due: each.message.deliverAt })), ...timers].toSorted(
    (a, b) => a.due.getTime() - b.due.getTime(),
  );
}

/** Each with its time, and how far off that is. */
export function describePending(events: readonly PendingEvent[], now: number): string[] {
  const lines = events
    .slice(0, MOST_LINES)
    .map(({ what, due }) => `${what}, due ${due.toISOString()} (in ${describeLength(due.getTime() - now)})`);
  const more = events.length - lines.length;
  return more > 0 ? [...lines, `${more} more`] : lines;
}

function nameOf({ message, origin, retryOf }: WaitingMessage): string {
  const { cluster, tags, keys, payload } = message;
  const key = keys.length > 0 ? ` [${keys.join(' ')}]` : '';
  if (retryOf === undefined)
    return `${origin}${tags === undefined ? '' : `:${tags}`}${key} ${brief(payload)}${ofCluster(cluster)}`;
  return `retry for group ${retryOf}: ${origin}${key} ${brief(payload)}${ofCluster(cluster)}`;
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
] as const;

/** '29m 59s' */
export function describeLength(ms: number): string {
  let rest = Math.max(0, ms);
  const parts: string[] = [];
  for (const [unit, size] of UNITS) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0 && parts.length < 2) parts.push(`${count}${unit}`);
  }
  return parts.join(' ') || '0ms';
}
