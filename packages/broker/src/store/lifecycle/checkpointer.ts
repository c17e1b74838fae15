// Writes the queues' entries to the disk from time to time, and saves up to where that is done. Whatever is missing after
// a crash is rebuilt from the log.
import type { Clock, Logger, TimerHandle } from '@nest-rocketmq/remoting/internal';
import type { Checkpoint } from './checkpoint.js';
import type { CommitLog } from '../commitlog/commit-log.js';
import type { ConsumeQueue } from '../consumequeue/consume-queue.js';
import type { ConsumeQueues } from '../consumequeue/consume-queues.js';
import type { Flusher } from '../write/flush.js';
import { systemCode } from '../errors.js';
import type { CorruptRange } from '../commitlog/log-scan.js';
import type { QueueCheckpoint } from '../consumequeue/queue-checkpoint.js';
import { settle } from '../consumequeue/queue-sums.js';
import { UNIT } from '../consumequeue/queue-view.js';
import { forEachLimit } from '../files/for-each-limit.js';
import type { Pause } from '../files/yield-to-event-loop.js';

/** Bytes of the log after which a checkpoint is made at once. */
const MOST_UNCHECKED = 256 * 1024 * 1024;

/** Syncs under way together: Node has four threads for files, and the log's flush needs one. */
const SYNCS_AT_ONCE = 3;

export interface CheckpointerOptions {
  log: CommitLog;
  queues: ConsumeQueues;
  flusher: Flusher;
  checkpoint: Checkpoint;
  queueCheckpoint: QueueCheckpoint;
  /** Parts of the log that are lost. */
  lost: readonly CorruptRange[];
  clock: Clock;
  logger: Logger;
  /** ms. */
  interval: number;
  pause: Pause;
  /** ms since the epoch: when the newest message was stored. */
  lastStoreTimestamp: () => number;
  /** Flushes the index; returns the store timestamp up to which it is flushed. */
  flushIndex: () => Promise<number>;
}

export class Checkpointer {
  /** Every record that begins below has its entry on the disk. */
  done: number;
  /** Why entries cannot be written; they wait in memory, and so nothing should be added. */
  failure: unknown;
  readonly #options: CheckpointerOptions;
  #timer: TimerHandle | undefined;
  #running: Promise<void> | undefined;
  #flushFailed = false;
  #stopped = false;
  #keptFrom = 0;

  constructor(options: CheckpointerOptions) {
    this.#options = options;
    this.done = options.checkpoint.logicsPhysicalOffset;
  }

  /** Makes a checkpoint some time later. */
  arm(): void {
    if (this.#stopped) return;
    // What a killed store has to scan is bounded in bytes too.
    if (this.#options.log.committed - this.done > MOST_UNCHECKED && this.failure === undefined) void this.run();
    if (this.#timer) return;
    this.#timer = this.#options.clock.setTimeout(() => {
      this.#timer = undefined;
      void this.run().then(() => {
        if (this.failure !== undefined || this.done < this.#options.log.committed) this.arm();
      });
    }, this.#options.interval);
  }

  /** Makes a checkpoint now. Never rejects: see `failure`. */
  run(): Promise<void> {
    this.#running ??= this.#run().finally(() => (this.#running = undefined));
    return this.#running;
  }

  /** Makes a checkpoint of all that is so now: one under way may have begun before. */
  async runAgain(): Promise<void> {
    await this.#running;
    await this.run();
  }

  /** Saves that the log's files before `position` are removed now: a start after a kill does not miss them. */
  keepFrom(position: number): Promise<void> {
    this.#keptFrom = position;
    return this.runAgain();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#options.clock.clearTimeout(this.#timer);
    await this.#running;
  }

  async #run(): Promise<void> {
    const { log, flusher, checkpoint, logger } = this.#options;
    const target = log.committed;
    const timestamp = this.#options.lastStoreTimestamp();
    this.#options.queues.mark();
    try {
      await this.#writeQueues();
      await this.#syncQueues();
      // The flush under way may have begun before the last write.
      while (flusher.failure === undefined && flusher.flushed < target) await flusher.flush();
      if (flusher.failure !== undefined || this.#flushFailed) return;
      await this.#saveQueues(target);
      checkpoint.physicMsgTimestamp = checkpoint.logicsMsgTimestamp = timestamp;
      checkpoint.indexMsgTimestamp = await this.#options.flushIndex();
      checkpoint.logicsPhysicalOffset = target;
      await checkpoint.save();
      this.done = target;
      this.failure = undefined;
    } catch (error) {
      this.failure = error;
      const message = `cannot write the consume queues, the index or the checkpoint: ${String(error)}`;
      const remedy = this.#flushFailed
        ? 'Messages are refused, for the disk may have lost what it could not write. Check the disk, and start again.'
        : 'It is tried again; until then messages are refused. Check the disk.';
      logger.error(`${message}. ${remedy}`);
    }
  }

  /** Before the checkpoint, which is believed only with them. */
  async #saveQueues(position: number): Promise<void> {
    const { queues, log, queueCheckpoint, lost, pause } = this.#options;
    const { fileSize: logFileSize, first } = log.files;
    const logFirst = Math.max(first, this.#keptFrom);
    const saved = { position, logFirst, logFileSize, queueFileSize: queues.fileSize };
    for (const { files, tail } of queues.all()) {
      for (const file of tail.sums.unsettled(queues.fileSize / UNIT)) settle(file, await files.stat(file.start));
      const waiting = pause();
      if (waiting) await waiting;
    }
    await queueCheckpoint.save({ ...saved, lost: lost.filter(({ to }) => to > logFirst) }, queues.saved(), pause);
  }

  async #writeQueues(): Promise<void> {
    for (const queue of this.#options.queues.all()) {
      if (queue.tail.waits) await queue.tail.writeOut();
      if (queue.tail.failure !== undefined) throw queue.tail.failure;
      queue.tail.release();
      const waiting = this.#options.pause();
      if (waiting) await waiting;
    }
  }

  /** Many at a time, which the file system then writes to its journal together. */
  async #syncQueues(): Promise<void> {
    const folders = new Set<string>();
    const unsynced: ConsumeQueue[] = [];
    for (const queue of this.#options.queues.all()) {
      if (!queue.files.unsynced.any) continue;
      unsynced.push(queue);
      for (const folder of queue.files.unsynced.takeFolders()) folders.add(folder);
      const waiting = this.#options.pause();
      if (waiting) await waiting;
    }
    try {
      await forEachLimit(folders, SYNCS_AT_ONCE, (folder) => this.#syncFolder(folder));
      await forEachLimit(unsynced, SYNCS_AT_ONCE, (queue) => this.#sync(queue));
    } catch (error) {
      // The system may have forgotten what it could not write: this run's entries are never called safe again.
      this.#flushFailed = true;
      throw error;
    }
  }

  async #syncFolder(folder: string): Promise<void> {
    try {
      await this.#options.queues.open.fileSystem.syncDirectory(folder);
    } catch (error) {
      // A topic may be deleted meanwhile, and its folders with it.
      if (systemCode(error) !== 'ENOENT') throw error;
    }
  }

  async #sync(queue: ConsumeQueue): Promise<void> {
    try {
      for (const start of queue.files.unsynced.takeFiles()) await queue.files.syncBytes(start);
    } catch (error) {
      // So may a topic's files.
      if (queue.files.starts.length > 0) throw error;
    }
  }
}
