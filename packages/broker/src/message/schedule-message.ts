// Turns messages into schedule messages of a delay level, and keeps their topic and queue in their properties.
import {
  DEFAULT_MESSAGE_DELAY_LEVEL,
  MessageProperty,
  SCHEDULE_TOPIC,
  decodeProperties,
  encodeProperties,
} from '@nest-rocketmq/remoting/internal';
import { delaysOf } from '../config/delay-levels.js';
import type { MessageInner } from '../store/store.js';
import { withoutTimes } from './timer-message.js';

export class DelayLevels {
  readonly #delays: readonly number[];

  /** @param messageDelayLevel the lengths of the levels, as in Apache's option of this name */
  constructor(messageDelayLevel: string = DEFAULT_MESSAGE_DELAY_LEVEL) {
    this.#delays = delaysOf(messageDelayLevel);
  }

  get max(): number {
    return this.#delays.length;
  }

  /** ms; a level above the highest counts as the highest. */
  delayOf(level: number): number {
    return this.#delays[Math.min(level, this.max) - 1] ?? 0;
  }

  /** Turns the message into one of the schedule topic, keeping its own topic and queue in its properties. */
  toScheduleMessage(message: MessageInner, level: number): void {
    const known = Math.min(level, this.max);
    const properties = decodeProperties(message.properties.toString('utf8'));
    if (known !== level) properties.set(MessageProperty.DELAY, String(known));
    withoutTimes(properties);
    properties.set(MessageProperty.REAL_TOPIC, message.topic);
    properties.set(MessageProperty.REAL_QID, String(message.queueId));
    message.properties = Buffer.from(encodeProperties(properties), 'utf8');
    message.topic = SCHEDULE_TOPIC;
    message.queueId = known - 1;
    message.deliverDelayMs = this.delayOf(known);
  }
}
