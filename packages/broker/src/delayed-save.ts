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
  #saving = Promise.resolve();

  constructor(private readonly options: DelayedSaveOptions) {}

  changed(): void {
    this.#changed = true;
    this.#arm();
  }

  /** Saves what has changed, and never again. Never rejects. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.options.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#saving;
    await this.#save();
  }

  #arm(): void {
    if (this.#stopped) return;
    this.#timer ??= this.options.clock.setTimeout(() => {
      this.#timer = undefined;
      // On a slow disk the one before may still be under way.
      this.#saving = this.#saving.then(() => this.#save());
    }, this.options.interval);
  }

  /** A disk that is full now may have room later: nobody is to fall over it. */
  async #save(): Promise<void> {
    if (!this.#changed) return;
    this.#changed = false;
    try {
      await this.options.file.save(this.options.content());
    } catch (error) {
      this.#changed = true;
      this.options.logger.error(
        `not saved, to be tried again: ${error instanceof Error ? error.message : String(error)}`,
      );
      this.#arm();
    }
  }
}
