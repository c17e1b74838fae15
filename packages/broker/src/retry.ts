// Owns what becomes of a message that a group failed to consume: another try later, or the dead letters. Leaves the
// request that reports a failure to handlers/send-back.ts.
import {
  MAX_PROPERTIES_BYTES,
  MessageProperty,
  decodeProperties,
  dlqTopic,
  printable,
  retryTopic,
} from '@nest-rocketmq/remoting';
import type { Logger, MessageExt, SubscriptionGroupConfig } from '@nest-rocketmq/remoting';
import { bytesOf, encodedProperties, makeRoom, makeRoomForGood } from './property-room.js';
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
    private readonly logger: Logger,
    private readonly random: () => number = Math.random,
  ) {}

  /** The message that is to be stored for a message that failed. */
  again(failed: MessageExt, failure: Failure): MessageInner {
    const { group, delayLevel, maxReconsumeTimes } = failure;
    // Only in the group's own retry topic do these tell of its tries: a dead letter of another group, or a message whose
    // producer has set them, begins anew.
    const retried = failed.topic === retryTopic(group.groupName);
    const tries = retried ? failed.reconsumeTimes : 0;
    const properties = originOf(failed, retried);
    properties.set(MessageProperty.WAIT, 'false');
    const level = delayLevel === 0 ? FIRST_RETRY_LEVEL + tries : delayLevel;
    properties.set(MessageProperty.DELAY, String(level));
    const queueId = Math.floor(this.random() * group.retryQueueNums);
    const dead =
      delayLevel < 0 || tries >= maxReconsumeTimes || !this.#roomForRetry(failed, group, queueId, properties);
    if (dead) {
      properties.set(MessageProperty.DELAY, '0');
      makeRoomForGood(properties);
    }
    return {
      ...innerOf(failed, properties),
      topic: dead ? this.#deadLetters(group.groupName) : this.#retries(group),
      queueId: dead ? 0 : queueId,
      reconsumeTimes: tries + 1,
      storeHost: undefined,
    };
  }

  /** Turns a retry that its client has sent by itself into a dead letter. */
  bury(message: MessageInner, group: string): void {
    const properties = decodeProperties(message.properties.toString('utf8'));
    properties.set(MessageProperty.DELAY, '0');
    makeRoomForGood(properties);
    message.properties = encodedProperties(properties);
    message.topic = this.#deadLetters(group);
    message.queueId = 0;
  }

  /** Whether a retry that its client has sent by itself can wait for its time. May shorten its properties for that. */
  fitsRetry(message: MessageInner): boolean {
    const waiting = realPlace(message.topic, message.queueId);
    if (message.properties.length + bytesOf(waiting) <= MAX_PROPERTIES_BYTES) return true;
    const properties = decodeProperties(message.properties.toString('utf8'));
    if (!makeRoom(properties, bytesOf(waiting))) return false;
    message.properties = encodedProperties(properties);
    return true;
  }

  #roomForRetry(
    failed: MessageExt,
    group: SubscriptionGroupConfig,
    queueId: number,
    properties: Map<string, string>,
  ): boolean {
    // It waits in the schedule topic, which keeps its own place in these.
    for (const [name] of realPlace('', 0)) properties.delete(name);
    if (makeRoom(properties, bytesOf(realPlace(retryTopic(group.groupName), queueId)))) return true;
    this.logger.warn(
      `message ${printable(failed.msgId)} of topic ${failed.topic} cannot be tried again by group ${group.groupName}: its ` +
        `properties leave no room for what a retry adds. It is in ${dlqTopic(group.groupName)}.`,
    );
    return false;
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
  if (!retried || !properties.has(RETRY_TOPIC)) properties.set(RETRY_TOPIC, failed.topic);
  if (!retried || !properties.has(ORIGIN_MESSAGE_ID)) properties.set(ORIGIN_MESSAGE_ID, failed.offsetMsgId);
  return properties;
}

const realPlace = (topic: string, queueId: number): [string, string][] => [
  [MessageProperty.REAL_TOPIC, topic],
  [MessageProperty.REAL_QID, String(queueId)],
];
