// Limits how many files are open at once: 10,000 topics have more queue files than a process may open.
import { StoreError } from '../errors.js';
import type { FileSystem, StoreFile } from './file-system.js';

interface OpenFile {
  readonly path: string;
  readonly file: StoreFile;
  /** Calls under way; the file is not closed before they have ended. */
  busy: number;
  dropped: boolean;
}

export class OpenFiles {
  readonly #files = new Map<string, OpenFile>();
  readonly #closing = new Set<Promise<void>>();
  #closed = false;
  /** How often files were dropped. */
  #drops = 0;

  constructor(
    readonly fileSystem: FileSystem,
    readonly limit: number,
    /** Called with what stood where a file or a folder is needed, and its new name. */
    readonly onMoved: (from: string, to: string) => void = () => {},
  ) {}

  /** The file, if it is open. Good until the caller returns to the event loop. */
  peek(path: string): StoreFile | undefined {
    const open = this.#files.get(path);
    if (!open) return undefined;
    // The map's order is the order of use.
    this.#files.delete(path);
    this.#files.set(path, open);
    return open.file;
  }

  sync(path: string): Promise<void> {
    return this.use(path, (file) => file.sync());
  }

  /** Runs `work` on the file, which stays open that long. */
  async use<T>(path: string, work: (file: StoreFile) => Promise<T>): Promise<T> {
    let open = this.#files.get(path);
    if (open) open.busy++;
    else open = await this.#open(path);
    try {
      return await work(open.file);
    } finally {
      open.busy--;
      if (open.dropped && open.busy === 0) await open.file.close();
    }
  }

  /** Closes the file, if it is open: it is about to be removed. */
  drop(path: string): void {
    this.#drops++;
    const open = this.#files.get(path);
    if (open) this.#release(open);
  }

  /** For good. A file that is still read or written is closed when that has ended. */
  async closeAll(): Promise<void> {
    this.#closed = true;
    this.#drops++;
    for (const open of this.#files.values()) this.#release(open);
    await Promise.all(this.#closing);
  }

  /** Counts the first use of it, too. */
  async #open(path: string): Promise<OpenFile> {
    if (this.#closed) throw new StoreError('STORE_CLOSED', `${path} belongs to a store that is closed: open it again.`);
    const drops = this.#drops;
    const open = { path, file: await this.fileSystem.open(path, 'write'), busy: 1, dropped: false };
    const other = this.#files.get(path);
    // Another file may have that name by now: this one is for the one use only.
    if (this.#drops !== drops || other) {
      open.dropped = true;
      return open;
    }
    this.#files.set(path, open);
    if (this.#files.size > this.limit) this.#closeOldestBut(open);
    return open;
  }

  #closeOldestBut(newest: OpenFile): void {
    for (const open of this.#files.values()) {
      if (open.busy > 0 || open === newest) continue;
      this.#release(open);
      return;
    }
  }

  #release(open: OpenFile): void {
    this.#files.delete(open.path);
    open.dropped = true;
    if (open.busy > 0) return;
    // Nothing is lost where that fails: what was to be on the disk was synced before.
    const closing: Promise<void> = open.file
      .close()
      .catch(() => undefined)
      .finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }
}
