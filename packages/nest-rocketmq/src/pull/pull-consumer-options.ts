// Defines the options of consumers that the app asks for messages, and checks them.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import type { LitePullConsumerOptions, Subscription } from '@nest-rocketmq/client';
import { checkGroup, checkTopic } from '../message/destination.js';
import type { Duration } from '../message/delay.js';
import { PAYLOAD_KINDS } from '../message/message-converter.js';
import type { PayloadKind } from '../message/message-converter.js';
import { isTopic } from '../message/topic.js';
import type { AnyTopic } from '../message/topic.js';
import type { Configurable } from '../options/option-reader.js';
import { checkDuration, checkKeys, checkOneOf, checkTime } from '../option-checks.js';
import { TypedTopics } from './typed-topics.js';

type Passed = Pick<
  LitePullConsumerOptions,
  | 'messageModel'
  | 'consumeFromWhere'
  | 'autoCommit'
  | 'storeOffsets'
  | 'pullBatchSize'
  | 'pullThresholdForQueue'
  | 'pullThresholdSizeForQueue'
  | 'pullThresholdForAll'
  | 'consumeMaxSpan'
  | 'enableMsgTrace'
  | 'customizedTraceTopic'
  | 'localOffsetStoreDir'
>;

/** Options of a consumer that is injected by `@InjectPullConsumer()`, with Apache's names and defaults. */
export interface PullConsumerOptions extends Passed {
  /** By which `@InjectPullConsumer(name)` asks for it. Default: none, for the one of `@InjectPullConsumer()`. */
  name?: string;
  /** The consumer group. A group has one consumer in an app, so this is not a group of its listeners. */
  group: string;
  /**
   * What the group shares: 'order', { topic, expression: 'paid || refunded' } or a typed topic. Those of one topic with several
   * tags are one subscription. Without, call `subscribe` or `assign`.
   */
  topics?: readonly (string | Subscription | AnyTopic)[];
  /** What payloads are decoded to: the parsed JSON, the body as text, or its bytes. Default 'json'. */
  payload?: PayloadKind;
  /** For CONSUME_FROM_TIMESTAMP: a Date, or ms since the epoch. Default: half an hour before the start. */
  consumeTimestamp?: Date | number;
  /** How often consumed offsets are stored: ms, or a length from '1s'. Default '5s'. */
  autoCommitIntervalMillis?: Duration;
  /** How long a poll waits that names no time: ms, or a length such as '5s'. Default '5s'. */
  pollTimeoutMillis?: Duration;
}

/** The options as they stand in `pullConsumers`: each but the name a value or a function of the app's configuration. */
export type DeclaredPullConsumer = Pick<PullConsumerOptions, 'name'> & Configurable<Omit<PullConsumerOptions, 'name'>>;

/** The checked options. */
export interface CheckedPullConsumer {
  readonly client: LitePullConsumerOptions;
  readonly payload: PayloadKind;
  /** The typed ones among the topics. */
  readonly typed: readonly AnyTopic[];
}

const PASSED = [
  'messageModel',
  'consumeFromWhere',
  'autoCommit',
  'storeOffsets',
  'pullBatchSize',
  'pullThresholdForQueue',
  'pullThresholdSizeForQueue',
  'pullThresholdForAll',
  'consumeMaxSpan',
  'enableMsgTrace',
  'customizedTraceTopic',
  'localOffsetStoreDir',
] as const satisfies readonly (keyof Passed)[];

const OPTIONS = [
  'name',
  'group',
  'topics',
  'payload',
  'consumeTimestamp',
  'autoCommitIntervalMillis',
  'pollTimeoutMillis',
  ...PASSED,
];

const LONGEST_MS = 3_600_000;
const SHORTEST_COMMIT_INTERVAL_MS = 1_000;

/** What belongs to the client is checked by it. @throws InvalidOptionError */
export function checkPullConsumer(given: PullConsumerOptions): CheckedPullConsumer {
  checkKeys('options', given, OPTIONS);
  const { group, topics = [], payload = 'json', consumeTimestamp, autoCommitIntervalMillis, pollTimeoutMillis } = given;
  if (!Array.isArray(topics)) throw new InvalidOptionError('topics', topics, "a list such as ['order']");
  const typed = topics.filter((each) => isTopic(each));
  const passed = Object.fromEntries(PASSED.flatMap((key) => (given[key] === undefined ? [] : [[key, given[key]]])));
  return {
    typed,
    payload: checkOneOf('payload', payload, PAYLOAD_KINDS),
    client: {
      ...passed,
      group: checkGroup('group', group),
      subscriptions: checkSubscriptions(topics, typed),
      ...(consumeTimestamp !== undefined && { consumeTimestamp: checkTime('consumeTimestamp', consumeTimestamp) }),
      ...(autoCommitIntervalMillis !== undefined && {
        autoCommitIntervalMillis: checkDuration(
          'autoCommitIntervalMillis',
          autoCommitIntervalMillis,
          SHORTEST_COMMIT_INTERVAL_MS,
          LONGEST_MS,
        ),
      }),
      ...(pollTimeoutMillis !== undefined && {
        pollTimeoutMillis: checkDuration('pollTimeoutMillis', pollTimeoutMillis, 0, LONGEST_MS),
      }),
    },
  };
}

/** @throws InvalidOptionError for a topic that stands there twice */
function checkSubscriptions(topics: readonly unknown[], typed: readonly AnyTopic[]): Subscription[] {
  const others = topics.filter((each) => !isTopic(each)) as (string | Subscription)[];
  const all = [...others.map(checkSubscription), ...new TypedTopics(typed).subscriptions()];
  const names = new Set<string>();
  for (const { topic } of all) {
    if (names.has(topic)) throw new InvalidOptionError('topics', topics, `each topic once; '${topic}' is there twice`);
    names.add(topic);
  }
  return all;
}

function checkSubscription(given: string | Subscription): Subscription {
  if (typeof given === 'string') return { topic: checkTopic('topics', given) };
  checkKeys('topics', given, ['topic', 'expression', 'expressionType']);
  return { ...given, topic: checkTopic('topics', given.topic) };
}
