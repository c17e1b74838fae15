// Owns how many files are open at once: 10,000 topics have more queue files than a process may open.
import { StoreError } from './errors.js';
import type { AsideFile, FileSystem, StoreFile } from './file-system.js';

interface Held {
  readonly path: string;
  readonly file: StoreFile;
  /** Syncs, reads and writes under way; the file is not closed under them. */
  busy: number;
  dropped: boolean;
}

export class OpenFiles {
  readonly #held = new Map<string, Held>();
  #closed = false;

  constructor(
    readonly fileSystem: FileSystem,
    readonly limit: number,
  ) {}

  /** The file, open for reading and writing. Good until the caller returns to the event loop. */
  get(path: string): StoreFile {
    return this.#get(path).file;
  }

  /** Flushes off the thread; the file stays open as long as that takes. */
  sync(path: string): Promise<void> {
    return this.#during(path, (file) => file.sync());
  }

  /** The file for reads and writes off the thread; it stays open as long as each of them takes. */
  aside(path: string): AsideFile {
    return {
      readAside: (...range) => this.#during(path, (file) => file.readAside(...range)),
      writeAside: (...range) => this.#during(path, (file) => file.writeAside(...range)),
    };
  }

  /** Closes the file, if it is open: it is about to be removed. */
  drop(path: string): void {
    const held = this.#held.get(path);
    if (!held) return;
    this.#held.delete(path);
    held.dropped = true;
    if (held.busy === 0) held.file.close();
  }

  /** For good: what is still read or written keeps its file until it has ended. */
  closeAll(): void {
    this.#closed = true;
    for (const path of this.#held.keys()) this.drop(path);
  }

  async #during<T>(path: string, work: (file: StoreFile) => Promise<T>): Promise<T> {
    const held = this.#get(path);
    held.busy++;
    try {
      return await work(held.file);
    } finally {
      held.busy--;
      if (held.dropped && held.busy === 0) held.file.close();
    }
  }

  #get(path: string): Held {
    let held = this.#held.get(path);
    if (held) {
      // The map's order is the order of use.
      this.#held.delete(path);
      this.#held.set(path, held);
      return held;
    }
    if (this.#closed) throw new StoreError('STORE_CLOSED', `${path} belongs to a store that is closed: open it again.`);
    held = { path, file: this.fileSystem.open(path, 'write'), busy: 0, dropped: false };
    this.#held.set(path, held);
    if (this.#held.size > this.limit) this.#closeOldest();
    return held;
  }

  #closeOldest(): void {
    for (const [path, held] of this.#held) {
      if (held.busy > 0) continue;
      this.drop(path);
      return;
    }
  }
}
