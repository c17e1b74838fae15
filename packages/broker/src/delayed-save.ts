// Owns the saving of a file some time after what it holds has changed, so that many changes make one write. Leaves how
// the file is written to config-file.ts.
import type { Clock, Logger, TimerHandle } from '@nest-rocketmq/remoting';
import type { ConfigFile } from './config-file.js';

export interface DelayedSaveOptions {
  file: ConfigFile;
  clock: Clock;
  logger: Logger;
  /** Longest time between a change and its being on disk, ms. */
  interval: number;
  content: () => unknown;
}

export class DelayedSave {
  #timer: TimerHandle | undefined;
  #changed = false;
  #stopped = false;

  constructor(private readonly options: DelayedSaveOptions) {}

  changed(): void {
    this.#changed = true;
    this.#arm();
  }

  /** Saves what has changed, and never again. */
  stop(): void {
    this.#stopped = true;
    this.options.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#save();
  }

  #arm(): void {
    if (this.#stopped) return;
    this.#timer ??= this.options.clock.setTimeout(() => {
      this.#timer = undefined;
      this.#save();
    }, this.options.interval);
  }

  /** A disk that is full now may have room later: nobody is to fall over it. */
  #save(): void {
    if (!this.#changed) return;
    try {
      this.options.file.save(this.options.content());
      this.#changed = false;
    } catch (error) {
      this.options.logger.error(
        `not saved, to be tried again: ${error instanceof Error ? error.message : String(error)}`,
      );
      this.#arm();
    }
  }
}
