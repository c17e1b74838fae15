// Saves a file as soon as its content has changed, and tells when a change is on disk. Changes during a save go together
// with the next one.
import type { Logger } from '@nest-rocketmq/remoting/internal';
import type { ConfigFile } from './config-file.js';

export interface WriteThroughSaveOptions {
  file: ConfigFile;
  logger: Logger;
  content: () => unknown;
}

export class WriteThroughSave {
  /** The save that was begun last; never rejects. */
  #begun = Promise.resolve();
  /** The save after it. */
  #next: Promise<void> | undefined;
  /** Changes that are not saved yet, by name; undefined where the save failed. */
  readonly #unsaved = new Map<string, Promise<void> | undefined>();

  constructor(private readonly options: WriteThroughSaveOptions) {}

  /** Begins to save. A failure is logged; `whenSaved` tries again. */
  changed(name: string): void {
    this.#saveFor(name).catch((error: unknown) =>
      this.options.logger.error(`${name} is not saved: ${error instanceof Error ? error.message : String(error)}`),
    );
  }

  /** Resolves when the change of this name survives a loss of power; undefined when it does already. */
  whenSaved(name: string): Promise<void> | undefined {
    if (this.#unsaved.size === 0 || !this.#unsaved.has(name)) return undefined;
    return this.#unsaved.get(name) ?? this.#saveFor(name);
  }

  /** Saves the content as it is now. */
  save(): Promise<void> {
    if (this.#next) return this.#next;
    const next = this.#begun.then(() => {
      this.#next = undefined;
      return this.options.file.save(this.options.content());
    });
    // Callers who wait for it get the error.
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
      () => {
        settle(true);
        // What failed before is in this save, too: it began later, with the whole content.
        for (const [other, failed] of this.#unsaved) if (failed === undefined) this.#unsaved.delete(other);
      },
      () => settle(false),
    );
    return saved;
  }
}
