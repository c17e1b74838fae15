// Saves a file as soon as its content has changed, and tells when a change is on disk. Changes during a save go together
// with the next one.
import type { Logger } from '@nest-rocketmq/remoting/internal';
import type { ConfigFile } from './config-file.js';

export interface PromptSaveOptions {
  file: ConfigFile;
  logger: Logger;
  content: () => unknown;
}

export class WriteThroughSave {
  /** The save that has begun last; it never rejects. */
  #begun = Promise.resolve();
  /** The one behind it. */
  #next: Promise<void> | undefined;
  /** What has changed and is not saved, by name; undefined where the disk would not take it. */
  readonly #unsaved = new Map<string, Promise<void> | undefined>();

  constructor(private readonly options: PromptSaveOptions) {}

  /** Begins to save. What fails is logged, and tried again for whoever asks for it. */
  changed(name: string): void {
    this.#saveFor(name).catch((error: unknown) =>
      this.options.logger.error(`${name} is not saved: ${error instanceof Error ? error.message : String(error)}`),
    );
  }

  /** Undefined where what goes by that name survives a loss of power; else resolves when it does. */
  whenSaved(name: string): Promise<void> | undefined {
    if (this.#unsaved.size === 0 || !this.#unsaved.has(name)) return undefined;
    return this.#unsaved.get(name) ?? this.#saveFor(name);
  }

  /** Saves all as it is now. */
  save(): Promise<void> {
    if (this.#next) return this.#next;
    const next = this.#begun.then(() => {
      this.#next = undefined;
      return this.options.file.save(this.options.content());
    });
    // Those who wait for it are told.
    this.#begun = next.catch(() => {});
    return (this.#next = next);
  }

  #saveFor(name: string): Promise<void> {
    const saved = this.save();
    this.#unsaved.set(name, saved);
    const settle = (settled: boolean): void => {
      if (this.#unsaved.get(name) !== saved) return;
      if (settled) this.#unsaved.delete(name);
      else this.#unsaved.set(name, undefined);
    };
    saved.then(
      () => settle(true),
      () => settle(false),
    );
    return saved;
  }
}
