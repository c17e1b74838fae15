// Commits what was appended: one write per turn of the event loop, the flush if it is promised, then the queues, then
// those who wait.
import type { Clock, Logger } from '@nest-rocketmq/remoting/internal';
import type { CommitLog } from '../commitlog/commit-log.js';
import type { ConsumeQueue } from '../consumequeue/consume-queue.js';
import { CommitWaiters } from './commit-waiters.js';
import { DispatchQueue } from './dispatch-queue.js';
import { StoreError } from '../errors.js';
import { Flusher } from './flush.js';
import type { ArrivedListener, CommittedListener } from '../message.js';

export interface PipelineOptions {
  log: CommitLog;
  clock: Clock;
  logger: Logger;
  flush: 'async' | 'sync';
  /** ms. */
  flushInterval: number;
  /** Called after each commit that made something visible. */
  afterCommit: () => void;
}

export class CommitPipeline {
  readonly dispatchQueue = new DispatchQueue();
  readonly waiters = new CommitWaiters();
  readonly flusher: Flusher;
  commits = 0;
  writeFailures = 0;
  /** Why nothing can be appended any more; set for good. */
  broken: StoreError | undefined;
  readonly #options: PipelineOptions;
  readonly #committed: CommittedListener[] = [];
  readonly #arrived: ArrivedListener[] = [];
  #scheduled = false;
  #announcing = false;
  /** Whether a write is under way, or what a failed one left is being overwritten. */
  #writing = false;

  constructor(options: PipelineOptions) {
    const { log, clock, flushInterval, flush } = options;
    this.#options = options;
    this.flusher = new Flusher({
      log,
      clock,
      interval: flushInterval,
      onFlushed: (upTo) => flush === 'sync' && this.#promise(upTo),
      onFailed: (error) => this.#flushFailed(error),
    });
  }

  onCommitted(listener: CommittedListener): void {
    this.#committed.push(listener);
  }

  onArrived(listener: ArrivedListener): void {
    this.#arrived.push(listener);
  }

  /** Commits after the current poll phase: all that its requests append goes out with one write. */
  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#commitScheduled);
  }

  readonly #commitScheduled = (): void => {
    this.#scheduled = false;
    this.commit();
  };

  /** Commits what was appended; at once, unless the disk might make that wait. */
  commit(): void {
    const { log, flush } = this.#options;
    if (this.#announcing) {
      this.schedule();
      return;
    }
    if (log.appended === log.written || this.#writing || this.broken) return;
    // The next flush, which begins where this one ends, is the first that could promise it.
    if (flush === 'sync' && this.flusher.running) return;
    if (log.files.writesMayWait || !this.#writeSync()) void this.#write();
  }

  /** Resolves when all that was appended before is committed or refused. */
  drain(): Promise<void> {
    this.commit();
    if (this.#idle) return Promise.resolve();
    return new Promise((resolve) => this.waiters.add({ end: this.#options.log.appended, settle: () => resolve() }));
  }

  /** Resolves when what is committed now survives a loss of power. @throws StoreError */
  async flush(): Promise<void> {
    const target = this.#options.log.committed;
    // The flush under way may have begun before the last write.
    while (!this.broken && this.flusher.flushed < target) await this.flusher.flush();
    if (this.broken) throw this.broken;
  }

  get #idle(): boolean {
    const { log } = this.#options;
    return log.appended === log.committed || (this.broken !== undefined && log.appended === log.written);
  }

  /** False if that takes more than one write to an open file. */
  #writeSync(): boolean {
    try {
      if (!this.#options.log.writeSync()) return false;
    } catch (error) {
      void this.#writeFailed(error);
      return true;
    }
    this.#wrote();
    return true;
  }

  async #write(): Promise<void> {
    const { log } = this.#options;
    this.#writing = true;
    let failure: unknown;
    try {
      await log.write();
    } catch (error) {
      failure = error ?? 'unknown';
    }
    if (this.broken) await this.#refuse(this.broken);
    else if (failure !== undefined) await this.#writeFailed(failure);
    else {
      this.#writing = false;
      this.#wrote();
    }
    if (log.appended !== log.written) this.schedule();
  }

  #wrote(): void {
    const { log, flush } = this.#options;
    this.commits++;
    if (flush === 'async') {
      this.#promise(log.written);
      this.flusher.arm();
    } else {
      void this.flusher.flush();
    }
  }

  /** Everything below `upTo` is stored as promised. */
  #promise(upTo: number): void {
    const { log, flush, afterCommit } = this.#options;
    log.committed = upTo;
    const end = this.dispatchQueue.fillQueues(upTo);
    // Whoever waited for this flush need not wait for the announcements, too.
    if (flush === 'sync') this.commit();
    this.#announcing = true;
    this.#tell(() => this.waiters.settle(upTo));
    for (const listener of this.#committed) this.#tell(() => listener(upTo));
    this.dispatchQueue.announce(end, this.#arrived.length > 0 ? this.#tellArrived : undefined);
    this.#announcing = false;
    afterCommit();
  }

  /** A listener that fails keeps nothing from the others. */
  #tell(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      this.#listenerFailed(error);
    }
  }

  #listenerFailed(error: unknown): void {
    this.#options.logger.error(`a listener of the store failed: ${String(error)}`);
  }

  readonly #tellArrived = (queue: ConsumeQueue, maxOffset: number, tagsCode: number): void => {
    for (const listener of this.#arrived) {
      try {
        listener(queue.topic, queue.queueId, maxOffset, tagsCode);
      } catch (error) {
        this.#listenerFailed(error);
      }
    }
  };

  #writeFailed(cause: unknown): Promise<void> {
    const { logger } = this.#options;
    this.writeFailures++;
    const message = `cannot write the commit log: ${String(cause)}. The messages were refused; free space on the disk.`;
    logger.error(message);
    return this.#refuse(new StoreError('STORE_WRITE_FAILED', message, { cause }));
  }

  #flushFailed(cause: unknown): void {
    const message =
      `cannot flush the commit log: ${String(cause)}. Nothing more is accepted, for the disk may have lost what it ` +
      'could not write. Check the disk, and start again.';
    this.broken = new StoreError('STORE_FLUSH_FAILED', message, { cause });
    this.#options.logger.error(message);
    // A write under way still reads what would be taken back; its end refuses it.
    if (!this.#writing) void this.#refuse(this.broken);
  }

  /** Takes back all that has not been promised, and calls those who wait for it. Never rejects. */
  async #refuse(failure: StoreError): Promise<void> {
    const { log, logger } = this.#options;
    this.#writing = true;
    try {
      await log.overwriteUnwritten();
    } catch (error) {
      logger.warn(
        `cannot overwrite what a failed write has left: ${String(error)}. It is tried before the next write.`,
      );
    }
    this.#writing = false;
    this.dispatchQueue.takeBack(log.committed);
    log.takeBack();
    const reason = this.broken ?? failure;
    this.#tell(() => this.waiters.settle(log.committed, reason));
    for (const listener of this.#committed) this.#tell(() => listener(log.committed, reason));
  }
}
