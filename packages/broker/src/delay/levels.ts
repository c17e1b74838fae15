// Owns the delay levels: what `messageDelayLevel` means, how a message is put away under a level, and how its own
// topic and queue are found again. Leaves when that happens to level-timer.ts.
import { MessageProperty, decodeProperties, encodeProperties } from '@nest-rocketmq/remoting';
import { InvalidOptionError } from '../errors.js';
import { SCHEDULE_TOPIC } from '../names.js';
import type { MessageInner } from '../store/store.js';

export const DEFAULT_MESSAGE_DELAY_LEVEL = '1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h';

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const LEVEL = /^(\d{1,9})([smhd])$/;
/** More levels than this have no queue: a queue's number is a level minus one. */
const MOST_LEVELS = 128;

/** The levels' delays in ms, level 1 first. @throws InvalidOptionError */
export function parseDelayLevels(text: string): number[] {
  const words = text.trim().split(/\s+/);
  const delays = words.map((word) => {
    const [, count, unit] = LEVEL.exec(word) ?? [];
    return count === undefined ? NaN : Number(count) * UNITS[unit];
  });
  if (delays.length > MOST_LEVELS || delays.some(Number.isNaN)) {
    throw new InvalidOptionError('messageDelayLevel', text, `up to ${MOST_LEVELS} lengths such as "1s 5s 10m 2h 1d"`);
  }
  return delays;
}

export class DelayLevels {
  readonly #delays: readonly number[];

  /** @param messageDelayLevel the lengths of the levels, as in Apache's option of this name */
  constructor(messageDelayLevel: string = DEFAULT_MESSAGE_DELAY_LEVEL) {
    this.#delays = parseDelayLevels(messageDelayLevel);
  }

  get max(): number {
    return this.#delays.length;
  }

  /** ms; a level above the highest counts as the highest. */
  delayOf(level: number): number {
    return this.#delays[Math.min(level, this.max) - 1] ?? 0;
  }

  /** Turns the message into one of the schedule topic, keeping its own topic and queue in its properties. */
  putAway(message: MessageInner, level: number): void {
    const known = Math.min(level, this.max);
    const properties = decodeProperties(message.properties.toString('utf8'));
    if (known !== level) properties.set(MessageProperty.DELAY, String(known));
    properties.set(MessageProperty.REAL_TOPIC, message.topic);
    properties.set(MessageProperty.REAL_QID, String(message.queueId));
    message.properties = Buffer.from(encodeProperties(properties), 'utf8');
    message.topic = SCHEDULE_TOPIC;
    message.queueId = known - 1;
    message.deliverDelayMs = this.delayOf(known);
  }
}
