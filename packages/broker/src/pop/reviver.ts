// Makes a message that was popped and not acknowledged visible again: in the pop retry topic, or as a dead letter.
import {
  DecodeError,
  MessageProperty,
  decodeRecord,
  dlqTopic,
  isRetryTopic,
  popRetryTopic,
} from '@nest-rocketmq/remoting/internal';
import type { EventLog, MessageExt, SubscriptionGroupConfig } from '@nest-rocketmq/remoting/internal';
import { fitDeadLetterProperties, fitProperties } from '../message/fit-properties.js';
import { toMessageInner } from '../message/half-message.js';
import { PutError, isRefusedForGood } from '../message/message-writer.js';
import type { MessageWriter } from '../message/message-writer.js';
import type { Groups } from '../metadata/groups.js';
import type { ConsumerOffsets } from '../metadata/offsets.js';
import type { Topics } from '../metadata/topics.js';
import type { BrokerStats } from '../metrics/broker-stats.js';
import type { AppendResult, MessageInner, MessageStore } from '../store/store.js';
import type { Checkpoint } from './checkpoint.js';
import type { PopPolling } from './pop-polling.js';
import type { RevivedBefore } from './revived-before.js';

/** The property in which Apache's broker names the group that a retry is for. */
const ORIGIN_GROUP = 'ORIGIN_GROUP';
const QUEUE = 0;
const QUEUES = 1;

export interface ReviverDeps {
  store: MessageStore;
  messageWriter: MessageWriter;
  topics: Topics;
  groups: Groups;
  offsets: ConsumerOffsets;
  polling: PopPolling;
  stats: BrokerStats;
  log: EventLog;
  /** What was made visible before the start. */
  before: RevivedBefore;
  config: { enableRetryTopicV2: boolean };
}

export class Reviver {
  constructor(private readonly deps: ReviverDeps) {}

  /**
   * Resolves when these messages of the checkpoint are stored once more.
   * @param position of the checkpoint's record in the log
   * @throws PutError
   */
  async revive(checkpoint: Checkpoint, offsets: readonly number[], position: number): Promise<void> {
    const { topics, groups, messageWriter, polling } = this.deps;
    const group = groups.get(checkpoint.group);
    // Who deletes a topic or a group deletes what is popped of it, too.
    const exists = group && topics.get(checkpoint.topic);
    let last: AppendResult | undefined;
    for (const offset of exists ? offsets : []) {
      const message = await this.#read(checkpoint, offset);
      if (message) last = this.#store(checkpoint, message, group!, position) ?? last;
    }
    if (last) await messageWriter.whenStored(last);
    polling.wake(checkpoint.topic, checkpoint.group, checkpoint.queueId);
  }

  #store(
    checkpoint: Checkpoint,
    message: MessageExt,
    group: SubscriptionGroupConfig,
    position: number,
  ): AppendResult | undefined {
    const { messageWriter, stats, log, before } = this.deps;
    const inner = this.#toRetry(checkpoint, message, group);
    if (before.take(inner.topic, message.physicalOffset, position)) return undefined;
    const result = { ...messageWriter.deliver(inner) };
    const { status, size, storeTimestamp } = result;
    if (isRefusedForGood(status)) {
      const where = `${checkpoint.topic}, queue ${checkpoint.queueId}, offset ${message.queueOffset}`;
      log.say(
        'error',
        'messages cannot be retried',
        `a message cannot be stored for another try (${status}): it stays in ${where}`,
      );
      return undefined;
    }
    if (status !== 'PUT_OK') throw new PutError(status);
    stats.put(inner.topic, inner.queueId, 1, size, storeTimestamp);
    return result;
  }

  #toRetry(checkpoint: Checkpoint, message: MessageExt, group: SubscriptionGroupConfig): MessageInner {
    const properties = new Map(message.properties);
    if (!properties.has(MessageProperty.FIRST_POP_TIME))
      properties.set(MessageProperty.FIRST_POP_TIME, String(checkpoint.popTime));
    properties.set(ORIGIN_GROUP, checkpoint.group);
    const dead = !checkpoint.suspend && message.reconsumeTimes >= group.retryMaxTimes;
    const topic = dead ? this.#deadLetters(message, properties, group) : this.#retries(checkpoint);
    if (dead) fitDeadLetterProperties(properties);
    else fitProperties(properties);
    return {
      ...toMessageInner(message, properties),
      topic,
      queueId: QUEUE,
      reconsumeTimes: message.reconsumeTimes + (checkpoint.suspend ? 0 : 1),
      // So that a look at the log tells what was made visible again.
      preparedTransactionOffset: message.physicalOffset,
      storeHost: undefined,
    };
  }

  #retries({ topic, group }: Checkpoint): string {
    const { topics, offsets, config } = this.deps;
    const retries = isRetryTopic(topic) ? topic : popRetryTopic(topic, group, config.enableRetryTopicV2);
    if (!topics.get(retries)) topics.create(retries, QUEUES);
    if (offsets.query(group, retries, QUEUE) < 0) offsets.commit(group, retries, QUEUE, 0);
    return retries;
  }

  #deadLetters(message: MessageExt, properties: Map<string, string>, { groupName }: SubscriptionGroupConfig): string {
    if (!properties.has(MessageProperty.RETRY_TOPIC))
      properties.set(MessageProperty.RETRY_TOPIC, normalTopic(message.topic, groupName));
    if (!properties.has(MessageProperty.ORIGIN_MESSAGE_ID))
      properties.set(MessageProperty.ORIGIN_MESSAGE_ID, message.offsetMsgId);
    return this.deps.topics.create(dlqTopic(groupName), QUEUES).topicName;
  }

  async #read({ topic, queueId }: Checkpoint, offset: number): Promise<MessageExt | undefined> {
    const entry = await this.deps.store.readConsumeQueue(topic, queueId, offset);
    const record = entry && (await this.deps.store.readRecord(entry.physicalOffset, entry.size));
    try {
      // One that is gone is old enough to be deleted.
      return record && { ...decodeRecord(record, 0, { inflate: false }), queueOffset: offset };
    } catch (error) {
      if (error instanceof DecodeError) return undefined;
      throw error;
    }
  }
}

/** The topic that a message of a pop retry topic was first sent to. */
function normalTopic(topic: string, group: string): string {
  for (const v2 of [true, false]) {
    const prefix = popRetryTopic('', group, v2);
    if (topic.startsWith(prefix)) return topic.slice(prefix.length);
  }
  return topic;
}
