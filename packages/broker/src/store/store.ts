// Stores messages and reads them: puts the parts together that do so.
import type { Appender } from './write/appender.js';
import type { Checkpointer } from './lifecycle/checkpointer.js';
import type { CommitLog } from './commitlog/commit-log.js';
import type { ConsumeQueues } from './consumequeue/consume-queues.js';
import type { EntryRepair } from './read/entry-repair.js';
import { getMessage, lacksMessages, prefetchMessages } from './read/get-message.js';
import type { MessageRange } from './read/message-range.js';
import { LogHistory } from './commitlog/log-history.js';
import type { LogReader } from './commitlog/log-reader.js';
import type { MessageIndex } from './index/message-index.js';
import { offsetByTime, storeTimestampAt } from './read/offset-by-time.js';
import { readConsumeQueue } from './read/read-entry.js';
import type { CommitWaiter } from './write/commit-waiters.js';
import { openStore } from './open-store.js';
import type { OpenedStore } from './open-store.js';
import type { CommitPipeline } from './write/pipeline.js';
import { largestRecord } from './commitlog/record.js';
import { queryByKey } from './read/query.js';
import type { Retention } from './lifecycle/retention.js';
import { visitQueue } from './read/visit-queue.js';
import type { EntryVisitor } from './read/visit-queue.js';
import { metricsOf } from './store-metrics.js';
import { makeParts } from './store-parts.js';
import type {
  AppendResult,
  ArrivedListener,
  CommittedListener,
  GetResult,
  MessageFilter,
  MessageInner,
  PutStatus,
  QueryResult,
  QueueEntry,
} from './message.js';
import type { StoreConfig, StoreOptions } from './options.js';
import type { StoreMetrics } from './store-metrics.js';
export type * from './message.js';
export type { StoreOptions } from './options.js';
export type { MessageRange } from './read/message-range.js';
export type { CommitWaiter } from './write/commit-waiters.js';
export { StoreError, StoreLockedError } from './errors.js';

export class MessageStore {
  readonly history: LogHistory;
  readonly #config: StoreConfig;
  readonly #log: CommitLog;
  readonly #queues: ConsumeQueues;
  readonly #reader: LogReader;
  readonly #repair: EntryRepair;
  readonly #pipeline: CommitPipeline;
  readonly #checkpointer: Checkpointer;
  readonly #index: MessageIndex | undefined;
  readonly retention: Retention;
  readonly #opened: OpenedStore;
  readonly #appender: Appender;
  #closed: Promise<void> | undefined;

  private constructor(opened: OpenedStore) {
    const { config, log, queues, reader } = opened;
    this.#opened = opened;
    this.#config = config;
    this.#log = log;
    this.#queues = queues;
    this.#reader = reader;
    this.#index = opened.index;
    this.history = new LogHistory({ ...opened, largestRecord: largestRecord(config.maxMessageSize) });
    const parts = makeParts(opened, { refusal: () => this.refusal, isClosing: () => this.#closed !== undefined });
    this.#repair = parts.repair;
    this.#pipeline = parts.pipeline;
    this.#appender = parts.appender;
    this.#checkpointer = parts.checkpointer;
    this.retention = parts.retention;
  }

  /** Recovers first: resolves when everything that was committed can be read. @throws StoreLockedError */
  static async open(options: StoreOptions): Promise<MessageStore> {
    const store = new MessageStore(await openStore(options));
    await store.retention.start();
    // So that what was compared once is not compared again.
    if (store.#opened.recovered.rebuilds.length > 0) void store.#checkpointer.run();
    return store;
  }

  /** Why appends are refused now; undefined while they are taken. */
  get refusal(): string | undefined {
    if (this.#closed) return 'the store is closed';
    if (this.#pipeline.broken) return this.#pipeline.broken.message;
    const { failure } = this.#checkpointer;
    if (failure !== undefined)
      return `the consume queues, the index or the checkpoint cannot be written: ${failure instanceof Error ? failure.message : 'unknown'}`;
    if (this.retention.full) return 'the disk is too full';
    return undefined;
  }

  get metrics(): StoreMetrics {
    const [repair, pipeline, retention] = [this.#repair, this.#pipeline, this.retention];
    return metricsOf({ ...this.#opened, repair, pipeline, retention });
  }

  /** Encodes the message at the end of the log. It is neither stored nor visible before it is committed. Never throws. */
  append(message: MessageInner): AppendResult {
    return this.#appender.append(message);
  }

  /** All or none. */
  appendBatch(messages: readonly MessageInner[]): AppendResult[] {
    return this.#appender.appendBatch(messages);
  }

  /** What `append` would say now. */
  check(message: MessageInner): PutStatus {
    return this.#appender.check(message);
  }

  /** Begins to write what was appended now. */
  commit(): void {
    this.#pipeline.commit();
  }

  /** Resolves when all that was appended before is committed or refused. */
  drain(): Promise<void> {
    return this.#pipeline.drain();
  }

  /** Calls the waiter when what it waits for, which is appended, is committed or refused. */
  whenCommitted(waiter: CommitWaiter): void {
    this.#pipeline.waiters.add(waiter);
  }

  /** Resolves when what is committed now survives a loss of power. @throws StoreError where the disk does not take it */
  flush(): Promise<void> {
    return this.#pipeline.flush();
  }

  onCommitted(listener: CommittedListener): void {
    this.#pipeline.onCommitted(listener);
  }

  onArrived(listener: ArrivedListener): void {
    this.#pipeline.onArrived(listener);
  }

  /**
   * Reads what `getMessage` will be asked for into memory. Resolves when it can be served from there; undefined if it can be
   * now. Never rejects.
   */
  prefetch(topic: string, queueId: number, range: MessageRange): Promise<unknown> | undefined {
    const queue = this.#queues.get(topic, queueId);
    return queue && prefetchMessages(queue, this.#reader, range);
  }

  /** Whether `prefetch` would have to read from the disk. */
  isCold(topic: string, queueId: number, range: MessageRange): boolean {
    const queue = this.#queues.get(topic, queueId);
    return queue !== undefined && lacksMessages(queue, this.#reader, range);
  }

  /**
   * Returns a promise only if something has to be read from the disk.
   * @param memory provides what the records are copied to. @param share whether a large one may be given as it is kept
   */
  getMessage(
    topic: string,
    queueId: number,
    offset: number,
    maxCount: number,
    maxBytes: number,
    filter?: MessageFilter,
    memory: (bytes: number) => Buffer = Buffer.allocUnsafe,
    share = false,
  ): GetResult | Promise<GetResult> {
    const queue = this.#queues.get(topic, queueId);
    const request = { offset, maxCount, maxBytes, filter, memory, share };
    return getMessage(queue, this.#reader, this.#repair, request);
  }

  /**
   * The record at that position of the log, in bytes of its own; a promise if it has to be read from the disk. Undefined if
   * there is no good record.
   */
  readRecord(physicalOffset: number, size?: number): Buffer | undefined | Promise<Buffer | undefined> {
    return this.#reader.read(physicalOffset, size);
  }

  /** The entry of a consume queue; a promise if it has to be read from the disk. */
  readConsumeQueue(
    topic: string,
    queueId: number,
    index: number,
  ): QueueEntry | undefined | Promise<QueueEntry | undefined> {
    const queue = this.#queues.get(topic, queueId);
    return queue && readConsumeQueue(queue, index, this.#repair);
  }

  /** Visits the entries of a queue from the first whose message is at `position` of the log or behind it. Off the thread. */
  visitQueue(topic: string, queueId: number, position: number, visit: EntryVisitor): Promise<void> {
    return visitQueue(this.#queues.get(topic, queueId), position, visit);
  }

  minOffset(topic: string, queueId: number): number {
    return this.#queues.get(topic, queueId)?.first ?? 0;
  }

  /** Exclusive; what is appended and not yet committed does not count. */
  maxOffset(topic: string, queueId: number): number {
    return this.#queues.get(topic, queueId)?.next ?? 0;
  }

  /** `LOWER`: the first stored at that time or later; `UPPER`: the last stored then or earlier. */
  async offsetByTimestamp(
    topic: string,
    queueId: number,
    timestamp: number,
    boundary: 'LOWER' | 'UPPER' = 'LOWER',
  ): Promise<number> {
    const queue = this.#queues.get(topic, queueId);
    return queue ? offsetByTime(queue, this.#reader, timestamp, boundary) : 0;
  }

  /** ms since the epoch; undefined where no such message can be read. */
  async storeTimestampAt(topic: string, queueId: number, index: number): Promise<number | undefined> {
    const queue = this.#queues.get(topic, queueId);
    return queue && storeTimestampAt(queue, this.#reader, index);
  }

  /** Whether `queryByKey` finds anything. */
  get isIndexed(): boolean {
    return this.#index !== undefined;
  }

  /** Messages of the topic with that key, unique key, or `T#` and tags; the newest first. */
  queryByKey(topic: string, key: string, maxNum: number, beginMs: number, endMs: number): Promise<QueryResult> {
    const query = { topic, key, maxNum: Math.min(maxNum, this.#config.maxMsgsNumBatch), beginMs, endMs };
    return queryByKey(this.#index, (physicalOffset) => this.readRecord(physicalOffset), query);
  }

  /** Queues that have, or once had, messages. */
  *queues(): Iterable<{ topic: string; queueId: number }> {
    for (const { topic, queueId, next } of this.#queues.all()) if (next > 0) yield { topic, queueId };
  }

  /**
   * Removes the topic's queues at once, and for good after the next checkpoint. Resolves when their files have gone; the
   * commit log keeps the messages until they are as old as all may become. @throws what the disk throws
   */
  async deleteTopic(topic: string): Promise<void> {
    this.#appender.forgetTopic();
    const removed = this.#queues.remove(topic);
    void this.#checkpointer.runAgain();
    await removed;
  }

  /** Stops cleanly: the next start has nothing to scan. Later appends are refused. */
  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  async #close(): Promise<void> {
    await this.#pipeline.drain();
    await this.retention.stop();
    await this.#checkpointer.stop();
    await this.#index?.stop();
    await this.#checkpointer.run();
    await this.#pipeline.flusher.stop();
    await this.#opened.release(
      this.#checkpointer.failure === undefined && this.#checkpointer.done === this.#log.written,
    );
  }
}
