// Owns how many files are open at once: 10,000 topics have more queue files than a process may open.
import { StoreError } from '../errors.js';
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
  /** How often files were dropped. */
  #drops = 0;

  constructor(
    readonly fileSystem: FileSystem,
    readonly limit: number,
    /** Told of what stood where a file or a folder is needed, and where it is now. */
    readonly onMoved: (from: string, to: string) => void = () => {},
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
    this.#drops++;
    const held = this.#held.get(path);
    if (held) this.#letGo(held);
  }

  /** For good: what is still read or written keeps its file until it has ended. */
  closeAll(): void {
    this.#closed = true;
    this.#drops++;
    for (const held of this.#held.values()) this.#letGo(held);
  }

  async #during<T>(path: string, work: (file: StoreFile) => Promise<T>): Promise<T> {
    let held = this.#held.get(path);
    if (held) held.busy++;
    else held = await this.#openAside(path);
    try {
      return await work(held.file);
    } finally {
      held.busy--;
      if (held.dropped && held.busy === 0) await held.file.closeAside();
    }
  }

  #get(path: string): Held {
    const held = this.#held.get(path);
    if (held) {
      // The map's order is the order of use.
      this.#held.delete(path);
      this.#held.set(path, held);
      return held;
    }
    this.#refuseWhenClosed(path);
    return this.#hold({ path, file: this.fileSystem.open(path, 'write'), busy: 0, dropped: false });
  }

  /** Off the thread, and busy with the first use of it. */
  async #openAside(path: string): Promise<Held> {
    this.#refuseWhenClosed(path);
    const drops = this.#drops;
    const held = { path, file: await this.fileSystem.aside.open(path, 'write'), busy: 1, dropped: false };
    // Another one may go by that name by now: this one is for the one use only.
    if (this.#drops === drops && !this.#held.has(path)) return this.#hold(held);
    held.dropped = true;
    return held;
  }

  #hold(held: Held): Held {
    this.#held.set(held.path, held);
    if (this.#held.size > this.limit) this.#closeOldestBut(held);
    return held;
  }

  #closeOldestBut(newest: Held): void {
    for (const held of this.#held.values()) {
      if (held.busy > 0 || held === newest) continue;
      this.#letGo(held);
      return;
    }
  }

  #letGo(held: Held): void {
    this.#held.delete(held.path);
    held.dropped = true;
    if (held.busy === 0) held.file.close();
  }

  #refuseWhenClosed(path: string): void {
    if (this.#closed) throw new StoreError('STORE_CLOSED', `${path} belongs to a store that is closed: open it again.`);
  }
}
