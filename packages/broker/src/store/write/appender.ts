// Appends messages to the commit log: checks them first, and adds their place, time and checksum.
import { CrcCombiner } from '../commitlog/crc-combine.js';
import type { CommitLog } from '../commitlog/commit-log.js';
import type { ConsumeQueue } from '../consumequeue/consume-queue.js';
import type { ConsumeQueues, TopicQueues } from '../consumequeue/consume-queues.js';
import type { StoreConfig } from '../options.js';
import type { CommitPipeline } from './pipeline.js';
import { BLANK_SIZE, CRC_PROPERTY_SIZE, LONGEST_PROPERTIES, largestRecord, recordSize } from '../commitlog/record.js';
import type { Placement } from '../commitlog/record.js';
import type { AppendResult, MessageInner, PutStatus } from '../message.js';

const SYS_TRANSACTION = 12;
const SYS_COMMIT = 8;
const PROPERTY_END = 2;

export interface AppenderOptions {
  config: StoreConfig;
  log: CommitLog;
  queues: ConsumeQueues;
  pipeline: CommitPipeline;
  lastStoreTimestamp: number;
  /** Why nothing is taken now, if so. */
  refusal: () => string | undefined;
}

export class Appender {
  /** When the newest message was stored, ms since the epoch. */
  lastStoreTimestamp: number;
  readonly #options: AppenderOptions;
  readonly #place: Placement;
  readonly #result: AppendResult = { status: 'PUT_OK', physicalOffset: 0, queueOffset: 0, size: 0, storeTimestamp: 0 };
  /** Messages of one topic come in runs. */
  #lastTopic: TopicQueues | undefined;

  constructor(options: AppenderOptions) {
    this.#options = options;
    this.lastStoreTimestamp = options.lastStoreTimestamp;
    this.#place = {
      size: 0,
      physicalOffset: 0,
      queueOffset: 0,
      storeTimestamp: 0,
      withCrc: false,
      crcs: new CrcCombiner(),
    };
  }

  append(message: MessageInner): AppendResult {
    const topic = this.#topic(message.topic);
    const status = this.#fault(message, topic);
    if (status !== 'PUT_OK' || !topic) return this.#fill(status, 0, 0, 0, 0);
    return this.#store(message, topic);
  }

  /** All or none. */
  appendBatch(messages: readonly MessageInner[]): AppendResult[] {
    for (const message of messages) {
      const status = this.check(message);
      if (status !== 'PUT_OK') return messages.map(() => refused(status));
    }
    // Not checked again: the batch itself may bring more than may wait for the disk, and a producer sends all of it again.
    return messages.map((message) => ({ ...this.#store(message, this.#topic(message.topic)!) }));
  }

  /** Why the message would not be taken; PUT_OK if it would. */
  check(message: MessageInner): PutStatus {
    return this.#fault(message, this.#topic(message.topic));
  }

  forgetTopic(): void {
    this.#lastTopic = undefined;
  }

  #topic(topic: string): TopicQueues | undefined {
    if (this.#lastTopic?.topic === topic) return this.#lastTopic;
    return (this.#lastTopic = this.#options.queues.topic(topic));
  }

  #fault(message: MessageInner, topic: TopicQueues | undefined): PutStatus {
    const { log, config, refusal } = this.#options;
    const { maxMessageSize, maxPendingBytes, storeHost } = config;
    if (refusal() !== undefined) return 'SERVICE_NOT_AVAILABLE';
    if (log.appended - log.committed > maxPendingBytes) return 'OS_PAGE_CACHE_BUSY';
    if (message.properties.length > LONGEST_PROPERTIES) return 'PROPERTIES_SIZE_EXCEEDED';
    const largestBody = message.again ? Infinity : maxMessageSize;
    if (!topic || message.queueId < 0 || message.body.length > largestBody) return 'MESSAGE_ILLEGAL';
    const withCrc = this.#withCrc(message);
    const size = recordSize(message, topic.bytes.length, message.storeHost ?? storeHost, withCrc);
    const fits = size <= largestRecord(maxMessageSize) && size + BLANK_SIZE <= log.files.fileSize;
    return fits ? 'PUT_OK' : 'MESSAGE_ILLEGAL';
  }

  /** A property more needs room, and a separator before it: without these the record has the checksum of its body only. */
  #withCrc({ properties }: MessageInner): boolean {
    const { length } = properties;
    if (!this.#options.config.enabledAppendPropCRC || length + CRC_PROPERTY_SIZE > LONGEST_PROPERTIES) return false;
    return length === 0 || properties[length - 1] === PROPERTY_END;
  }

  #store(message: MessageInner, topic: TopicQueues): AppendResult {
    const { config, log, queues, pipeline } = this.#options;
    const place = this.#place;
    const kind = message.sysFlag & SYS_TRANSACTION;
    const queue: ConsumeQueue | undefined =
      kind === 0 || kind === SYS_COMMIT ? queues.queue(topic, message.queueId) : undefined;
    const storeHost = message.storeHost ?? config.storeHost;
    // A clock that is turned back must not make the log's times go back: they are searched.
    this.lastStoreTimestamp = Math.max(this.lastStoreTimestamp, config.clock.now());
    place.storeTimestamp = this.lastStoreTimestamp;
    place.withCrc = this.#withCrc(message);
    place.queueOffset = queue ? queue.assigned : 0;
    place.size = recordSize(message, topic.bytes.length, storeHost, place.withCrc);
    log.append(message, topic.bytes, storeHost, place);
    const delay = message.deliverDelayMs ?? 0;
    const tagsCode = delay > 0 ? place.storeTimestamp + delay : message.tagsCode;
    if (queue) {
      queue.assigned++;
      pipeline.dispatchQueue.push(queue, place.queueOffset, place.physicalOffset, place.size, tagsCode);
    }
    pipeline.schedule();
    return this.#fill('PUT_OK', place.physicalOffset, place.queueOffset, place.size, place.storeTimestamp);
  }

  #fill(
    status: PutStatus,
    physicalOffset: number,
    queueOffset: number,
    size: number,
    storeTimestamp: number,
  ): AppendResult {
    const result = this.#result;
    result.status = status;
    result.physicalOffset = physicalOffset;
    result.queueOffset = queueOffset;
    result.size = size;
    result.storeTimestamp = storeTimestamp;
    return result;
  }
}

/** The result of a message that was not taken. */
export const refused = (status: PutStatus): AppendResult => ({
  status,
  physicalOffset: 0,
  queueOffset: 0,
  size: 0,
  storeTimestamp: 0,
});
