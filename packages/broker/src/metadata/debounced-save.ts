// Saves a file some time after its content has changed, so that many changes cost one write.
import type { Clock, Logger, TimerHandle } from '@nest-rocketmq/remoting/internal';
import type { ConfigFile } from './config-file.js';

export interface DebouncedSaveOptions {
  file: ConfigFile;
  clock: Clock;
  logger: Logger;
  /** Longest time between a change and its being on disk, ms. */
  interval: number;
  content: () => unknown;
  /** Is awaited before each save: resolves when what the content describes survives a loss of power. */
  flush?: () => Promise<void>;
}

export class DebouncedSave {
  #timer: TimerHandle | undefined;
  #changed = false;
  #stopped = false;
  #saving = Promise.resolve();

  constructor(private readonly options: DebouncedSaveOptions) {}

  changed(): void {
    this.#changed = true;
    this.#arm();
  }

  /** Saves now, in the background. */
  soon(): void {
    this.#changed = true;
    this.#begin();
  }

  /** Saves what has changed, for the last time. Never rejects. */
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
      this.#begin();
    }, this.options.interval);
  }

  #begin(): void {
    if (this.#stopped) return;
    // On a slow disk the save before may still be under way.
    this.#saving = this.#saving.then(() => this.#save());
  }

  /** A failed save is tried again: a full disk may have space later. */
  async #save(): Promise<void> {
    if (!this.#changed) return;
    this.#changed = false;
    try {
      const content = this.options.content();
      await this.options.flush?.();
      await this.options.file.save(content);
    } catch (error) {
      this.#changed = true;
      this.options.logger.error(
        `not saved, to be tried again: ${error instanceof Error ? error.message : String(error)}`,
      );
      this.#arm();
    }
  }
}
