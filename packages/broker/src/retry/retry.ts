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

/** The delay level of the first retry (10 s); each further retry has the next level. */
export const FIRST_RETRY_LEVEL = 3;
const DLQ_QUEUES = 1;

export interface Failure {
  group: SubscriptionGroupConfig;
  /** 0: by the number of tries; below 0: a dead letter; else this level. */
  delayLevel: number;
  /** Most tries before a message becomes a dead letter. */
  maxReconsumeTimes: number;
}

export class Retry {
  constructor(
    private readonly topics: Topics,
    private readonly logger: Logger,
    private readonly random: () => number = Math.random,
  ) {}

  /**
   * The message to store for a message that failed. Undefined for a group's own dead letter whose properties are too long
   * for a retry: as a dead letter it would be delivered again at once, without end.
   */
  toRetry(failed: MessageExt, failure: Failure): MessageInner | undefined {
    const { group, delayLevel, maxReconsumeTimes } = failure;
    // These properties count tries only in the group's own retry topic: a dead letter, or a message whose producer set
    // them, starts at 0.
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

  /** Turns a retry that its client has sent itself into a dead letter. */
  toDeadLetter(message: MessageInner, group: string): void {
    const properties = decodeProperties(message.properties.toString('utf8'));
    if (isOwnDeadLetter(properties, group)) return;
    properties.set(MessageProperty.DELAY, '0');
    fitDeadLetterProperties(properties);
    message.properties = encodedProperties(properties);
    message.topic = this.#deadLetters(group);
    message.queueId = 0;
  }

  /** Whether a retry that its client has sent itself fits into the schedule topic. May shorten its properties. */
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
        `properties are too long for what a retry adds. ${where}.`,
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

/** A group's own dead letter cannot become a dead letter again: it is retried with growing delays. */
function isOwnDeadLetter(properties: ReadonlyMap<string, string>, group: string): boolean {
  return properties.get(MessageProperty.RETRY_TOPIC) === dlqTopic(group);
}

/** Whether the properties fit into the schedule topic, which adds the message's topic and queue. May shorten them. */
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
