// Turns a message that a group failed to consume into its next retry, or into a dead letter.
import {
  MAX_PROPERTIES_BYTES,
  MessageProperty,
  decodeProperties,
  dlqTopic,
  isDLQTopic,
  printable,
  retryTopic,
} from '@nest-rocketmq/remoting/internal';
import type { Logger, MessageExt, SubscriptionGroupConfig } from '@nest-rocketmq/remoting/internal';
import { bytesOf, encodedProperties, fitProperties, fitDeadLetterProperties } from '../message/fit-properties.js';
import type { MessageInner } from '../store/store.js';
import type { Topics } from '../metadata/topics.js';
import { toMessageInner } from '../message/half-message.js';

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
    private readonly logger: Logger,
    private readonly random: () => number = Math.random,
  ) {}

  /**
   * The message that is to be stored for a message that failed. Undefined for a group's own dead letter without room for
   * another try: as a dead letter once more it would come again at once, for ever.
   */
  toRetry(failed: MessageExt, failure: Failure): MessageInner | undefined {
    const { group, delayLevel, maxReconsumeTimes } = failure;
    // Only in the group's own retry topic do these tell of its tries: a dead letter, or a message whose producer has set
    // them, begins anew.
    const retried = failed.topic === retryTopic(group.groupName);
    const tries = retried ? failed.reconsumeTimes : 0;
    const properties = originOf(failed, retried);
    properties.set(MessageProperty.WAIT, 'false');
    const level = delayLevel <= 0 ? FIRST_RETRY_LEVEL + tries : delayLevel;
    properties.set(MessageProperty.DELAY, String(level));
    const queueId = Math.floor(this.random() * group.retryQueueNums);
    const own = isOwnDeadLetter(properties, group.groupName);
    let dead = !own && (delayLevel < 0 || tries >= maxReconsumeTimes);
    if (!dead && !fitsInScheduleTopic(group, queueId, properties)) {
      this.#warnThatTooLong(failed, group.groupName, own);
      if (own) return undefined;
      dead = true;
    }
    if (dead) {
      properties.set(MessageProperty.DELAY, '0');
      fitDeadLetterProperties(properties);
    }
    return {
      ...toMessageInner(failed, properties),
      topic: dead ? this.#deadLetters(group.groupName) : this.#retries(group),
      queueId: dead ? 0 : queueId,
      reconsumeTimes: tries + 1,
      storeHost: undefined,
    };
  }

  /** Turns a retry that its client has sent by itself into a dead letter. */
  toDeadLetter(message: MessageInner, group: string): void {
    const properties = decodeProperties(message.properties.toString('utf8'));
    if (isOwnDeadLetter(properties, group)) return;
    properties.set(MessageProperty.DELAY, '0');
    fitDeadLetterProperties(properties);
    message.properties = encodedProperties(properties);
    message.topic = this.#deadLetters(group);
    message.queueId = 0;
  }

  /** Whether a retry that its client has sent by itself can wait for its time. May shorten its properties for that. */
  fitsRetry(message: MessageInner): boolean {
    const waiting = realPlace(message.topic, message.queueId);
    if (message.properties.length + bytesOf(waiting) <= MAX_PROPERTIES_BYTES) return true;
    const properties = decodeProperties(message.properties.toString('utf8'));
    if (!fitProperties(properties, bytesOf(waiting))) return false;
    message.properties = encodedProperties(properties);
    return true;
  }

  #warnThatTooLong(failed: MessageExt, group: string, own: boolean): void {
    const where = own ? 'It stays where it is: its consumer has to try again by itself' : `It is in ${dlqTopic(group)}`;
    this.logger.warn(
      `message ${printable(failed.msgId)} of topic ${failed.topic} cannot be tried again by group ${group}: its ` +
        `properties leave no room for what a retry adds. ${where}.`,
    );
  }

  #retries(group: SubscriptionGroupConfig): string {
    return this.topics.create(retryTopic(group.groupName), group.retryQueueNums).topicName;
  }

  #deadLetters(group: string): string {
    return this.topics.create(dlqTopic(group), DLQ_QUEUES).topicName;
  }
}

/** The properties of a message that failed, with the topic and the id that it had at its first try. */
function originOf(failed: MessageExt, retried: boolean): Map<string, string> {
  const properties = new Map(failed.properties);
  const { RETRY_TOPIC, ORIGIN_MESSAGE_ID } = MessageProperty;
  if (isDLQTopic(failed.topic)) keepOriginOfDeadLetter(properties, failed.topic);
  if (!retried || !properties.has(RETRY_TOPIC)) properties.set(RETRY_TOPIC, failed.topic);
  if (!retried || !properties.has(ORIGIN_MESSAGE_ID)) properties.set(ORIGIN_MESSAGE_ID, failed.offsetMsgId);
  return properties;
}

/**
 * A dead letter that fails is retried as what it is, not as the message that it was. Apache's broker does that otherwise:
 * there it comes with its old topic and count, and a listener that fails once never sees it again.
 */
function keepOriginOfDeadLetter(properties: Map<string, string>, topic: string): void {
  const origin = properties.get(MessageProperty.RETRY_TOPIC);
  if (origin !== undefined && origin !== topic) properties.set(MessageProperty.DLQ_ORIGIN_TOPIC, origin);
}

/** Behind a group's own dead letters there is nothing: one that it gives up comes again, ever later, but never at once. */
function isOwnDeadLetter(properties: ReadonlyMap<string, string>, group: string): boolean {
  return properties.get(MessageProperty.RETRY_TOPIC) === dlqTopic(group);
}

/** Whether it can wait in the schedule topic, which keeps its own place in the properties. May shorten them for that. */
function fitsInScheduleTopic(
  group: SubscriptionGroupConfig,
  queueId: number,
  properties: Map<string, string>,
): boolean {
  for (const [name] of realPlace('', 0)) properties.delete(name);
  return fitProperties(properties, bytesOf(realPlace(retryTopic(group.groupName), queueId)));
}

const realPlace = (topic: string, queueId: number): [string, string][] => [
  [MessageProperty.REAL_TOPIC, topic],
  [MessageProperty.REAL_QID, String(queueId)],
];
