// The store: appends messages, reads them, and wires the parts that do so.
import { Appender } from './write/appender.js';
import { Checkpointer } from './lifecycle/checkpointer.js';
import type { CommitLog } from './commitlog/commit-log.js';
import type { ConsumeQueues } from './consumequeue/consume-queues.js';
import { EntryRepair } from './read/entry-repair.js';
import { findRecord } from './commitlog/find-record.js';
import { getMessage, lacksMessages, prefetchMessages } from './read/get-message.js';
import type { MessageRange } from './read/get-message.js';
import { LogHistory } from './commitlog/log-history.js';
import type { LogReader } from './commitlog/log-reader.js';
import type { MessageIndex } from './index/message-index.js';
import { OffsetByTime } from './read/offset-by-time.js';
import { openStore } from './open-store.js';
import type { OpenedStore } from './open-store.js';
import { CommitPipeline } from './write/pipeline.js';
import { SHORTEST_RECORD, largestRecord } from './commitlog/record.js';
import { queryByKey } from './read/query.js';
import { visitQueue } from './read/visit-queue.js';
import type { EntryVisitor } from './read/visit-queue.js';
import { Retention } from './lifecycle/retention.js';
import { metricsOf } from './store-metrics.js';
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
import type { Prefetch } from './files/prefetch.js';
export type * from './message.js';
export type { StoreOptions } from './options.js';
export type { MessageRange } from './read/get-message.js';
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
  readonly #warmUp: Prefetch;
  readonly #times: OffsetByTime;
  #closed: Promise<void> | undefined;

  private constructor(opened: OpenedStore) {
    const { config, log, queues, reader, recovered } = opened;
    this.#opened = opened;
    this.#config = config;
    this.#log = log;
    this.#queues = queues;
    this.#reader = reader;
    this.#warmUp = opened.warmUp;
    this.#times = new OffsetByTime(queues.view, reader, opened.warmUp);
    this.history = new LogHistory({ ...opened, largestRecord: largestRecord(config.maxMessageSize) });
    const { clock, logger } = config;
    this.#repair = new EntryRepair(log, config);
    this.#pipeline = new CommitPipeline({
      log,
      clock,
      logger,
      flush: config.flush,
      flushInterval: config.flushIntervalCommitLog,
      afterCommit: () => {
        this.#index?.arm();
        this.#checkpointer.arm();
      },
    });
    const { lastStoreTimestamp } = recovered;
    const refusal = (): string | undefined => this.refusal;
    this.#appender = new Appender({ config, log, queues, pipeline: this.#pipeline, lastStoreTimestamp, refusal });
    this.#checkpointer = new Checkpointer({
      log,
      queues,
      clock,
      logger,
      flusher: this.#pipeline.flusher,
      checkpoint: opened.checkpoint,
      queueCheckpoint: opened.queueCheckpoint,
      lost: recovered.lost,
      interval: config.checkpointInterval,
      pause: opened.pause,
      lastStoreTimestamp: () => this.#appender.lastStoreTimestamp,
      flushIndex: async () => (await this.#index?.flush(this.#closed !== undefined)) ?? 0,
    });
    this.#index = opened.index;
    this.retention = new Retention({
      config,
      clock,
      logger,
      files: log.files,
      fileSystem: config.fileSystem,
      onTrim: async (minPhysical) => {
        await this.#queues.trim(minPhysical);
        await this.#checkpointer.keepFrom(minPhysical);
      },
      onTrimmed: (minPhysical) => this.#trimmed(minPhysical),
    });
  }

  /** Recovers first: resolves when everything that was committed can be read. @throws StoreLockedError */
  static async open(options: StoreOptions): Promise<MessageStore> {
    const store = new MessageStore(await openStore(options));
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
      return `the consume queues cannot be written: ${failure instanceof Error ? failure.message : 'unknown'}`;
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
  settled(): Promise<void> {
    return this.#pipeline.settled();
  }

  /** Resolves when what is committed now survives a loss of power. @throws StoreError where the disk does not take it */
  flush(): Promise<void> {
    return this.#pipeline.flushed();
  }

  onCommitted(listener: CommittedListener): void {
    this.#pipeline.onCommitted(listener);
  }

  onArrived(listener: ArrivedListener): void {
    this.#pipeline.onArrived(listener);
  }

  /**
   * Resolves when what `getMessage` will be asked for can be read without waiting for a disk; undefined where it can be
   * now. Never rejects.
   */
  warmUp(topic: string, queueId: number, range: MessageRange): Promise<unknown> | undefined {
    const queue = this.#queues.get(topic, queueId);
    return queue && prefetchMessages(this.#queues, queue, this.#warmUp, range);
  }

  /** Whether `warmUp` would have to read from the disk. */
  isCold(topic: string, queueId: number, range: MessageRange): boolean {
    const queue = this.#queues.get(topic, queueId);
    return queue !== undefined && lacksMessages(this.#queues, queue, this.#warmUp, range);
  }

  /** @param memory what the records are copied to. @param share whether a large one may be given as it is kept */
  getMessage(
    topic: string,
    queueId: number,
    offset: number,
    maxCount: number,
    maxBytes: number,
    filter?: MessageFilter,
    memory: (bytes: number) => Buffer = Buffer.allocUnsafe,
    share = false,
  ): GetResult {
    const queue = this.#queues.get(topic, queueId);
    const request = { offset, maxCount, maxBytes, filter, repair: this.#repair, memory, share };
    return getMessage(this.#queues, queue, this.#reader, request);
  }

  /** The record at that position of the log, in bytes of its own. */
  readRecord(physicalOffset: number, size?: number): Buffer | undefined {
    const length = size ?? this.#reader.sizeAt(physicalOffset);
    return length === undefined ? undefined : this.#reader.copy(physicalOffset, length);
  }

  /** The same, but where it has to wait for a disk it holds up nobody. */
  findRecord(physicalOffset: number): Promise<Buffer | undefined> {
    return findRecord(this.#reader, this.#warmUp, physicalOffset);
  }

  readConsumeQueue(topic: string, queueId: number, index: number): QueueEntry | undefined {
    const queue = this.#queues.get(topic, queueId);
    const { view } = this.#queues;
    if (!queue || index < queue.first || queue.read(view, index, 1) === 0) return undefined;
    if (view.size(0) < SHORTEST_RECORD && this.#repair.repair(queue, index)) queue.read(view, index, 1);
    return { physicalOffset: view.physicalOffset(0), size: view.size(0), tagsCode: view.tagsCode(0) };
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
    return queue ? this.#times.offset(queue, timestamp, boundary) : 0;
  }

  /** ms since the epoch; undefined where no such message can be read. */
  async storeTimestampAt(topic: string, queueId: number, index: number): Promise<number | undefined> {
    const queue = this.#queues.get(topic, queueId);
    return queue && this.#times.at(queue, index);
  }

  /** Messages of the topic with that key, unique key, or `T#` and tags; the newest first. */
  queryByKey(topic: string, key: string, maxNum: number, beginMs: number, endMs: number): Promise<QueryResult> {
    const query = { topic, key, maxNum: Math.min(maxNum, this.#config.maxMsgsNumBatch), beginMs, endMs };
    return queryByKey(this.#index, (physicalOffset) => this.findRecord(physicalOffset), query);
  }

  /** Queues that have, or once had, messages. */
  *queues(): Iterable<{ topic: string; queueId: number }> {
    for (const { topic, queueId, next } of this.#queues.all()) if (next > 0) yield { topic, queueId };
  }

  /** Removes the topic's queues, for good after the next checkpoint; the log's files keep the messages until they are as old as all are let become. */
  deleteTopic(topic: string): void {
    this.#appender.forgetTopic();
    this.#queues.remove(topic);
    void this.#checkpointer.runAgain();
  }

  /** Stops cleanly: the next start has nothing to scan. Later appends are refused. */
  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  async #close(): Promise<void> {
    await this.#pipeline.settled();
    await this.retention.stop();
    await this.#checkpointer.stop();
    await this.#index?.stop();
    await this.#checkpointer.run();
    await this.#pipeline.flusher.stop();
    await this.#opened.release(
      this.#checkpointer.failure === undefined && this.#checkpointer.done === this.#log.written,
    );
  }

  async #trimmed(minPhysical: number): Promise<void> {
    await this.#queues.removeGone();
    this.#reader.forgetBelow(minPhysical);
    await this.#index?.trim(minPhysical);
  }
}
