// Owns what becomes of a message that a group failed to consume: another try later, or the dead letters. Leaves the
// request that reports a failure to handlers/send-back.ts.
import {
  MessageProperty,
  decodeProperties,
  dlqTopic,
  encodeProperties,
  isDLQTopic,
  retryTopic,
} from '@nest-rocketmq/remoting';
import type { MessageExt, SubscriptionGroupConfig } from '@nest-rocketmq/remoting';
import type { MessageInner } from './store/store.js';
import type { Topics } from './topics.js';
import { innerOf } from './transaction/half-message.js';

/** The first retry waits by this delay level (10 s), each later one by the next level. */
export const FIRST_RETRY_LEVEL = 3;
const DLQ_QUEUES = 1;

export interface Failure {
  group: SubscriptionGroupConfig;
  /** 0: by the number of tries; below 0: no more tries; else this very level. */
  delayLevel: number;
  /** So many tries are enough. */
  maxReconsumeTimes: number;
}

export class Retry {
  constructor(
    private readonly topics: Topics,
    private readonly random: () => number = Math.random,
  ) {}

  /** The message that is to be stored for a message that failed. */
  again(failed: MessageExt, failure: Failure): MessageInner {
    const { group, delayLevel, maxReconsumeTimes } = failure;
    const properties = new Map(failed.properties);
    const deadLetter = isDLQTopic(failed.topic);
    if (deadLetter) becomeItself(properties, failed.topic);
    else if (!properties.has(MessageProperty.RETRY_TOPIC)) properties.set(MessageProperty.RETRY_TOPIC, failed.topic);
    const origin = properties.get(MessageProperty.ORIGIN_MESSAGE_ID) ?? failed.offsetMsgId;
    properties.set(MessageProperty.ORIGIN_MESSAGE_ID, origin);
    properties.set(MessageProperty.WAIT, 'false');
    const tries = deadLetter ? 0 : failed.reconsumeTimes;
    const givenUp = delayLevel < 0 || tries >= maxReconsumeTimes;
    const dead = givenUp && !isOwnDeadLetter(properties, group.groupName);
    const level = delayLevel <= 0 ? FIRST_RETRY_LEVEL + tries : delayLevel;
    properties.set(MessageProperty.DELAY, String(dead ? 0 : level));
    const topic = dead ? this.#deadLetters(group.groupName) : this.#retries(group);
    return {
      ...innerOf(failed, properties),
      topic,
      queueId: dead ? 0 : Math.floor(this.random() * group.retryQueueNums),
      reconsumeTimes: tries + 1,
      storeHost: undefined,
    };
  }

  /** Turns a retry that its client has sent by itself into a dead letter. */
  bury(message: MessageInner, group: string): void {
    const properties = decodeProperties(message.properties.toString('utf8'));
    if (isOwnDeadLetter(properties, group)) return;
    properties.set(MessageProperty.DELAY, '0');
    message.properties = Buffer.from(encodeProperties(properties), 'utf8');
    message.topic = this.#deadLetters(group);
    message.queueId = 0;
  }

  #retries(group: SubscriptionGroupConfig): string {
    return this.topics.create(retryTopic(group.groupName), group.retryQueueNums).topicName;
  }

  #deadLetters(group: string): string {
    return this.topics.create(dlqTopic(group), DLQ_QUEUES).topicName;
  }
}

/**
 * A dead letter that fails is retried as what it is, not as the message that it was. Apache's broker does that otherwise:
 * there it comes with its old topic and count, and a listener that fails once never sees it again.
 */
function becomeItself(properties: Map<string, string>, topic: string): void {
  const origin = properties.get(MessageProperty.RETRY_TOPIC);
  if (origin !== undefined && origin !== topic) properties.set(MessageProperty.DLQ_ORIGIN_TOPIC, origin);
  properties.set(MessageProperty.RETRY_TOPIC, topic);
}

/** Behind a group's own dead letters there is nothing: one that it gives up comes again, ever later, but never at once. */
function isOwnDeadLetter(properties: ReadonlyMap<string, string>, group: string): boolean {
  return properties.get(MessageProperty.RETRY_TOPIC) === dlqTopic(group);
}
