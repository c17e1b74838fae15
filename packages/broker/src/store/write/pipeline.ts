// Owns the way from appended to visible: one write per turn of the event loop, the flush where it is promised, then
// the queues, then those who wait. Leaves the bytes to commit-log.ts.
import type { Clock, Logger } from '@nest-rocketmq/remoting/internal';
import type { CommitLog } from '../commitlog/commit-log.js';
import type { ConsumeQueue } from '../consumequeue/consume-queue.js';
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
  readonly ring = new DispatchQueue();
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
  /** Whether a write is under way off the thread. */
  #writing = false;
  #waiting: (() => void)[] = [];

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
    // To make a file keeps the thread, on a busy disk for 100 ms.
    this.#commit(this.#options.log.wantsFile);
  };

  /** Commits what was appended; at once, unless the disk might make that wait. */
  commit(): void {
    this.#commit(false);
  }

  #commit(aside: boolean): void {
    const { log, flush } = this.#options;
    if (this.#announcing) {
      this.schedule();
      return;
    }
    if (log.appended === log.written || this.#writing || this.broken) return;
    // The next flush, which begins where this one ends, is the first that could promise it.
    if (flush === 'sync' && this.flusher.running) return;
    if (aside || log.files.writesMayWait) void this.#writeAside();
    else this.#write();
  }

  /** Resolves when all that was appended before is committed or refused. */
  settled(): Promise<void> {
    this.commit();
    if (this.#idle) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Resolves when what is committed now survives a loss of power. @throws StoreError */
  async flushed(): Promise<void> {
    const target = this.#options.log.committed;
    // The flush under way may have begun before the last write.
    while (!this.broken && this.flusher.flushed < target) await this.flusher.flush();
    if (this.broken) throw this.broken;
  }

  get #idle(): boolean {
    const { log } = this.#options;
    return log.appended === log.committed || (this.broken !== undefined && log.appended === log.written);
  }

  #write(): void {
    try {
      this.#options.log.write();
    } catch (error) {
      this.#writeFailed(error);
      return;
    }
    this.#wrote();
  }

  /** Lets the event loop go on while the disk makes the write wait. */
  async #writeAside(): Promise<void> {
    this.#writing = true;
    let failure: unknown;
    try {
      await this.#options.log.writeAside();
    } catch (error) {
      failure = error ?? 'unknown';
    }
    this.#writing = false;
    if (this.broken) this.#refuse(this.broken);
    else if (failure !== undefined) this.#writeFailed(failure);
    else this.#wrote();
    if (this.#options.log.appended !== this.#options.log.written) this.schedule();
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
    const { log, logger, flush, afterCommit } = this.#options;
    log.committed = upTo;
    const end = this.ring.fillQueues(upTo);
    // Whoever waited for this flush need not wait for the announcements, too.
    if (flush === 'sync') this.commit();
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
    afterCommit();
    this.#wake();
  }

  readonly #tellArrived = (queue: ConsumeQueue, maxOffset: number, tagsCode: number): void => {
    for (const listener of this.#arrived) listener(queue.topic, queue.queueId, maxOffset, tagsCode);
  };

  #writeFailed(cause: unknown): void {
    const { logger } = this.#options;
    this.writeFailures++;
    const message = `cannot write the commit log: ${String(cause)}. The messages were refused; make room on the disk.`;
    logger.error(message);
    this.#refuse(new StoreError('STORE_WRITE_FAILED', message, { cause }));
  }

  #flushFailed(cause: unknown): void {
    const message =
      `cannot flush the commit log: ${String(cause)}. Nothing more is accepted, for the disk may have lost what it ` +
      'could not write. Check the disk, and start again.';
    this.broken = new StoreError('STORE_FLUSH_FAILED', message, { cause });
    this.#options.logger.error(message);
    // A write under way still reads what would be taken back; its end refuses it.
    if (!this.#writing) this.#refuse(this.broken);
  }

  /** Takes back all that has not been promised, and tells of it. */
  #refuse(failure: StoreError): void {
    const { log, logger } = this.#options;
    this.ring.takeBack(log.committed);
    log.takeBack();
    for (const listener of this.#committed) {
      try {
        listener(log.committed, failure);
      } catch (error) {
        logger.error(`a listener of the store failed: ${String(error)}`);
      }
    }
    this.#wake();
  }

  #wake(): void {
    if (!this.#idle) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
