// Turns a message that asks for a time of delivery into one of the timer topic, by Apache's rules.
import { MessageProperty, TIMER_TOPIC, decodeProperties } from '@nest-rocketmq/remoting/internal';
import type { Clock } from '@nest-rocketmq/remoting/internal';
import { askedTimeOf, timerTagsCode } from '../store/consumequeue/timer-due.js';
import type { MessageInner, PutStatus } from '../store/store.js';
import { encodedProperties } from './fit-properties.js';

const SECOND = 1_000;

/** The properties by which a producer asks for a time. */
const ASKED = [MessageProperty.TIMER_DELAY_SEC, MessageProperty.TIMER_DELAY_MS, MessageProperty.TIMER_DELIVER_MS];

/** What the rules need to know of the messages that wait. */
export interface TimerRoom {
  /** Everything due until then (ms since the epoch) has been delivered, or is being delivered. */
  readonly deliveredUntil: number;
  /** Whether as many wait as may. */
  readonly isFull: boolean;
  /** Whether no further recall may look for its message now. */
  readonly recallsFull: boolean;
}

export interface TimerMessagesOptions {
  clock: Clock;
  room: TimerRoom;
  timerMaxDelaySec: number;
  timerWheelEnable: boolean;
}

export class TimerMessages {
  constructor(private readonly options: TimerMessagesOptions) {}

  /** Why a message cannot wait for the time that it asks for; PUT_OK where it can, or where its time has come. */
  check(properties: Buffer): PutStatus {
    return this.#plan(decodeProperties(properties.toString('utf8')), false).status;
  }

  /**
   * Turns the message into one of the timer topic, keeping its own topic and queue in its properties. One whose time has
   * come stays as it is.
   * @returns other than PUT_OK: it is not taken
   */
  toTimerMessage(message: MessageInner): PutStatus {
    const properties = decodeProperties(message.properties.toString('utf8'));
    // A recall that the broker was asked for has found its message already.
    const { status, due } = this.#plan(properties, message.preparedTransactionOffset > 0);
    if (status !== 'PUT_OK' || due === undefined) return status;
    properties.set(MessageProperty.TIMER_OUT_MS, String(due - 1));
    properties.set(MessageProperty.REAL_TOPIC, message.topic);
    properties.set(MessageProperty.REAL_QID, String(message.queueId));
    message.properties = encodedProperties(properties);
    message.tagsCode = timerTagsCode(due, properties.has(MessageProperty.TIMER_DEL_UNIQKEY));
    message.topic = TIMER_TOPIC;
    message.queueId = 0;
    return 'PUT_OK';
  }

  /** `due` undefined: now. @param hasFound whether a recall need not look for its message */
  #plan(properties: ReadonlyMap<string, string>, hasFound: boolean): { status: PutStatus; due?: number } {
    const { clock, room, timerMaxDelaySec, timerWheelEnable } = this.options;
    if (!timerWheelEnable) return { status: 'WHEEL_TIMER_NOT_ENABLE' };
    const now = clock.now();
    const asked = askedTimeOf(properties, now) ?? now;
    if (Number.isNaN(asked)) return { status: 'WHEEL_TIMER_MSG_ILLEGAL' };
    const recalls = properties.has(MessageProperty.TIMER_DEL_UNIQKEY);
    if (asked <= now) return { status: recalls ? 'WHEEL_TIMER_MSG_ILLEGAL' : 'PUT_OK' };
    if (asked - now > timerMaxDelaySec * SECOND) return { status: 'WHEEL_TIMER_MSG_ILLEGAL' };
    if (room.isFull && !recalls) return { status: 'WHEEL_TIMER_FLOW_CONTROL' };
    if (room.recallsFull && recalls && !hasFound) return { status: 'RECALL_FLOW_CONTROL' };
    // After the clock was set back, what comes now must not count as delivered.
    return { status: 'PUT_OK', due: Math.max(asked, room.deliveredUntil + 1) };
  }
}

/** A delay level wins over a time of one's own, which then does not come up again on a later hop. */
export function withoutTimes(properties: Map<string, string>): void {
  for (const name of ASKED) properties.delete(name);
}
