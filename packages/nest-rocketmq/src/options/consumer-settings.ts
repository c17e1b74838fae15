// Checks the consumer settings of the module and its listeners, and turns them into the client's.
import type { ConsumeFromWhere, MessageModel, PushConsumerOptions } from '@nest-rocketmq/client';
import type { Duration } from '../message/delay.js';
import { MINUTES, checkInteger, checkOneOf, checkWhole } from '../option-checks.js';

/** Settings of a consumer, with rocketmq-spring's and Apache's names. */
export interface ConsumerSettings {
  /** How many messages of one group are handled at the same time, 1 to 1000. Default 20. */
  concurrency?: number;
  /** How often a message is redelivered before it goes to the dead letters, %DLQ%group. Default -1, which means 16. */
  maxReconsumeTimes?: number;
  /**
   * How long a listener may run before its message is given back to the broker, in whole minutes: '15m', or ms.
   * Default '15m'.
   */
  consumeTimeout?: Duration;
  /** Where a new group starts, which has no offsets yet. Default 'CONSUME_FROM_LAST_OFFSET'. */
  consumeFromWhere?: ConsumeFromWhere;
}

/** Settings of a listener's consumer. Listeners of one group share it, and must not contradict each other. */
export interface SharedConsumerOptions extends ConsumerSettings {
  /** Whether each message goes to one consumer of the group (CLUSTERING) or to all (BROADCASTING). Default 'CLUSTERING'. */
  messageModel?: MessageModel;
}

/** The checked settings, with `consumeTimeout` in minutes as the client takes it. */
export type CheckedConsumerSettings = Omit<SharedConsumerOptions, 'consumeTimeout'> &
  Pick<PushConsumerOptions, 'consumeTimeout'>;

export const CONSUMER_SETTINGS = [
  'concurrency',
  'maxReconsumeTimes',
  'consumeTimeout',
  'consumeFromWhere',
] as const satisfies readonly (keyof ConsumerSettings)[];

const CONSUME_FROM_WHERE = ['CONSUME_FROM_LAST_OFFSET', 'CONSUME_FROM_FIRST_OFFSET', 'CONSUME_FROM_TIMESTAMP'] as const;
const MESSAGE_MODELS = ['CLUSTERING', 'BROADCASTING'] as const;
const HIGHEST_CONCURRENCY = 1000;
const HIGHEST_INTEGER = 0x7fffffff;
/** A week. */
const LONGEST_CONSUME_TIMEOUT_MINUTES = 10_080;

/** @param given may have other options, which are ignored @throws InvalidOptionError */
export function checkConsumerSettings(given: SharedConsumerOptions): CheckedConsumerSettings {
  const checks: { [K in keyof CheckedConsumerSettings]-?: (value: unknown) => CheckedConsumerSettings[K] } = {
    concurrency: (value) => checkInteger('concurrency', value, 1, HIGHEST_CONCURRENCY),
    maxReconsumeTimes: (value) => checkInteger('maxReconsumeTimes', value, -1, HIGHEST_INTEGER),
    consumeTimeout: (value) => checkWhole('consumeTimeout', value, MINUTES, LONGEST_CONSUME_TIMEOUT_MINUTES),
    consumeFromWhere: (value) => checkOneOf('consumeFromWhere', value, CONSUME_FROM_WHERE),
    messageModel: (value) => checkOneOf('messageModel', value, MESSAGE_MODELS),
  };
  const checked: Record<string, unknown> = {};
  for (const [option, check] of Object.entries(checks)) {
    const value = given[option as keyof SharedConsumerOptions];
    if (value !== undefined) checked[option] = check(value);
  }
  return checked;
}
