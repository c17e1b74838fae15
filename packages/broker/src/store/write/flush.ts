// Flushes the commit log to the disk: by group with `sync`, in the background with `async`. After one failed flush it never
// flushes again: the system may have dropped the bytes that it could not write, and a second success would prove nothing.
import type { Clock, TimerHandle } from '@nest-rocketmq/remoting/internal';
import type { CommitLog } from '../commitlog/commit-log.js';

export interface FlushOptions {
  log: CommitLog;
  clock: Clock;
  /** ms between background flushes. */
  interval: number;
  /** Everything written before the flush began is on the disk. */
  onFlushed: (upTo: number) => void;
  onFailed: (error: unknown) => void;
}

export class Flusher {
  /** Everything below is on the disk. */
  flushed: number;
  flushes = 0;
  failure: unknown;
  readonly #options: FlushOptions;
  #running: Promise<void> | undefined;
  #timer: TimerHandle | undefined;
  #stopped = false;

  constructor(options: FlushOptions) {
    this.#options = options;
    this.flushed = options.log.written;
  }

  /** Whether a flush is under way. */
  get running(): boolean {
    return this.#running !== undefined;
  }

  /** Flushes soon, in the background. */
  arm(): void {
    if (this.#timer || this.#stopped || this.failure !== undefined) return;
    this.#timer = this.#options.clock.setTimeout(() => {
      this.#timer = undefined;
      void this.flush().then(() => {
        if (this.flushed < this.#options.log.written && !this.#stopped) this.arm();
      });
    }, this.#options.interval);
  }

  /** Flushes all that is written by now. Resolves when that is done or has failed; never rejects. */
  flush(): Promise<void> {
    if (this.#running) return this.#running;
    if (this.failure !== undefined || this.flushed >= this.#options.log.written) return Promise.resolve();
    this.#running = this.#run();
    return this.#running;
  }

  /** No flush begins after this; resolves when none is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#options.clock.clearTimeout(this.#timer);
    await this.#running;
  }

  async #run(): Promise<void> {
    const { log, onFlushed, onFailed } = this.#options;
    const target = log.written;
    try {
      await this.#syncFiles(this.flushed, target);
    } catch (error) {
      this.failure = error;
    }
    // Before the listeners are called: they may write, and have that flushed.
    this.#running = undefined;
    if (this.failure !== undefined) return onFailed(this.failure);
    this.flushed = target;
    this.flushes++;
    onFlushed(target);
  }

  async #syncFiles(from: number, to: number): Promise<void> {
    const { files } = this.#options.log;
    for (let start = files.startOf(from); start < to; start += files.fileSize) await files.sync(start);
  }
}
