// Checks the settings of consumers that the module and its listeners give, and turns them into the client's.
import type { PushConsumerOptions } from '@nest-rocketmq/client';
import type { Duration } from '../message/delay.js';
import { MINUTES, checkInteger, checkOneOf, checkWhole } from '../option-checks.js';

export interface ConsumerSettings {
  /** Messages of one group handled at the same time. Default 20. */
  concurrency?: number;
  /** Redeliveries before a message goes to the dead letters, %DLQ%group. Default -1, which means 16. */
  maxReconsumeTimes?: number;
  /** A message whose listener runs longer is given back to the broker. Whole minutes: '15m', or ms. Default '15m'. */
  consumeTimeout?: Duration;
  /** Where a group starts that has no offset yet. Default 'CONSUME_FROM_LAST_OFFSET'. */
  consumeFromWhere?: PushConsumerOptions['consumeFromWhere'];
}

/** Settings of the consumer; listeners that share a group share them, and may not contradict each other. */
export interface SharedConsumerOptions extends ConsumerSettings {
  /** CLUSTERING: each message to one consumer of the group; BROADCASTING: to each. Default 'CLUSTERING'. */
  messageModel?: PushConsumerOptions['messageModel'];
}

/** The same, checked: `consumeTimeout` is in minutes, as the client has it. */
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

/** @param given others of its options are left out @throws InvalidOptionError */
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
