// Owns the way from appended to visible: one write per turn of the event loop, the flush where it is promised, then
// the queues, then those who wait. Leaves the bytes to commit-log.ts.
import type { Clock, Logger } from '@nest-rocketmq/remoting';
import type { CommitLog } from './commit-log.js';
import type { ConsumeQueue } from './consume-queue.js';
import { DispatchRing } from './dispatch.js';
import { StoreError } from './errors.js';
import { Flusher } from './flush.js';
import type { ArrivedListener, CommittedListener } from './types.js';

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
  readonly ring = new DispatchRing();
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
  /** A write failed while a flush was under way: told after the flush, which concerns records before it. */
  #deferred: StoreError | undefined;
  #waiting: (() => void)[] = [];

  constructor(options: PipelineOptions) {
    const { log, clock, flushInterval, flush } = options;
    this.#options = options;
    this.flusher = new Flusher({
      log,
      clock,
      interval: flushInterval,
      group: flush === 'sync',
      onFlushed: (upTo) => flush === 'sync' && this.#promise(upTo),
      onFailed: (error) => this.#flushFailed(error),
    });
  }

  /** Whether nothing may be appended until a failure has been told. */
  get blocked(): boolean {
    return this.#deferred !== undefined;
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
    setImmediate(this.commit);
  }

  readonly commit = (): void => {
    this.#scheduled = false;
    const { log } = this.#options;
    if (this.#announcing) {
      this.schedule();
      return;
    }
    if (log.appended !== log.written) this.#write();
  };

  /** Resolves when all that was appended before is committed or refused. */
  settled(): Promise<void> {
    this.commit();
    if (this.#idle) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  get #idle(): boolean {
    const { log } = this.#options;
    return log.appended === log.committed || (this.broken !== undefined && log.appended === log.written);
  }

  #write(): void {
    const { log, flush } = this.#options;
    try {
      log.write();
    } catch (error) {
      this.#writeFailed(error);
      return;
    }
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
    const { log, logger, afterCommit } = this.#options;
    log.committed = upTo;
    const end = this.ring.fillQueues(upTo);
    this.#announcing = true;
    try {
      for (const listener of this.#committed) listener(upTo);
      this.ring.announce(end, this.#arrived.length > 0 ? this.#tellArrived : undefined);
    } catch (error) {
      logger.error(`a listener of the store failed: ${String(error)}`);
      this.ring.announce(end, undefined);
    } finally {
      this.#announcing = false;
    }
    if (this.#deferred && log.committed === log.written) this.#tellFailure(this.#deferred);
    afterCommit();
    this.#wake();
  }

  readonly #tellArrived = (queue: ConsumeQueue, maxOffset: number, tagsCode: number): void => {
    for (const listener of this.#arrived) listener(queue.topic, queue.queueId, maxOffset, tagsCode);
  };

  #writeFailed(cause: unknown): void {
    const { log, logger } = this.#options;
    this.writeFailures++;
    const message = `cannot write the commit log: ${String(cause)}. The messages were refused; make room on the disk.`;
    const failure = new StoreError('STORE_WRITE_FAILED', message, { cause });
    logger.error(message);
    this.ring.takeBack(log.written);
    log.takeBack();
    if (log.committed === log.written || this.broken) this.#tellFailure(failure);
    else this.#deferred = failure;
    this.#wake();
  }

  #flushFailed(cause: unknown): void {
    const { log, logger, flush } = this.#options;
    const message =
      `cannot flush the commit log: ${String(cause)}. Nothing more is accepted, for the disk may have lost what it ` +
      'could not write. Check the disk, and start again.';
    this.broken = new StoreError('STORE_FLUSH_FAILED', message, { cause });
    logger.error(message);
    this.ring.takeBack(flush === 'sync' ? log.committed : log.written);
    log.takeBack();
    this.#tellFailure(this.broken);
    this.#wake();
  }

  #tellFailure(failure: StoreError): void {
    this.#deferred = undefined;
    const { log, logger } = this.#options;
    for (const listener of this.#committed) {
      try {
        listener(log.committed, failure);
      } catch (error) {
        logger.error(`a listener of the store failed: ${String(error)}`);
      }
    }
  }

  #wake(): void {
    if (!this.#idle) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
