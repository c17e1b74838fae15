// Owns that one process at a time has the store: the files `lock` and `abort` as Apache has them. `abort` holds the
// process id, and is there as long as the store has not been closed cleanly.
import * as fs from 'node:fs';
import { StoreLockedError, systemCode } from './errors.js';
import type { FileSystem } from './file-system.js';
import { readFullyAside, writeFully } from './segment.js';

const LONGEST_PID = 20;
const BOOT_TICKS_PER_SECOND = 100;
const START_TIME_FIELD = 22;

/** Stores that this very process has open: its own id in `abort` says nothing after a restart with the same id. */
const heldHere = new WeakMap<FileSystem, Set<string>>();

export interface LockFileOptions {
  fileSystem: FileSystem;
  root: string;
  /** Default: this process. */
  pid?: number;
  /** Whether a process of that id lives that was already there at `since` (ms since the epoch). */
  isAlive?: (pid: number, since: number) => boolean;
}

export class LockFile {
  /** Whether the store was not closed cleanly the last time. */
  wasAborted = false;
  readonly #options: LockFileOptions;
  readonly #abort: string;

  /** @throws StoreLockedError */
  static async take(options: LockFileOptions): Promise<LockFile> {
    const { fileSystem, root, pid = process.pid } = options;
    const held = heldHere.get(fileSystem) ?? new Set();
    heldHere.set(fileSystem, held);
    if (held.has(root)) throw new StoreLockedError(pid, root);
    held.add(root);
    try {
      const lock = new LockFile(options);
      await lock.#make(String(pid));
      return lock;
    } catch (error) {
      held.delete(root);
      throw error;
    }
  }

  private constructor(options: LockFileOptions) {
    this.#options = options;
    this.#abort = `${options.root}/abort`;
  }

  /** @param clean whether the next start may trust the consume queues and the index */
  async release(clean: boolean): Promise<void> {
    const { fileSystem, root } = this.#options;
    try {
      if (!clean) return;
      await fileSystem.aside.remove(this.#abort);
      await fileSystem.syncDirectory(root);
    } finally {
      heldHere.get(fileSystem)?.delete(root);
    }
  }

  async #make(pid: string): Promise<void> {
    const { fileSystem, root } = this.#options;
    // Left by a crash within the taking over of a stale lock.
    const leftovers = (await fileSystem.aside.list(root)).filter(({ name }) => /^abort\.\d+$/.test(name));
    this.wasAborted = (await this.#take(pid)) || leftovers.length > 0;
    for (const { name } of leftovers) await fileSystem.aside.remove(`${root}/${name}`);
    await this.#write(`${root}/lock`, 'lock', 'create');
    await fileSystem.syncDirectory(root);
  }

  /** Returns whether there was a stale one. */
  async #take(pid: string): Promise<boolean> {
    const files = this.#options.fileSystem.aside;
    const stale = await files.stat(this.#abort);
    if (!stale) {
      await this.#write(this.#abort, pid, 'exclusive');
      return false;
    }
    const holder = await this.#read(this.#abort);
    this.#refuseIfAlive(holder, stale.modified);
    const aside = `${this.#abort}.${pid}`;
    await files.rename(this.#abort, aside);
    const taken = await this.#read(aside);
    if (taken !== holder) {
      // Another process was quicker, and what was moved aside is its lock.
      await files.rename(aside, this.#abort);
      throw new StoreLockedError(Number(taken), this.#options.root);
    }
    await this.#write(this.#abort, pid, 'exclusive');
    await files.remove(aside);
    return true;
  }

  #refuseIfAlive(holder: string, since: number): void {
    const { pid = process.pid, isAlive = isProcessAlive, root } = this.#options;
    const other = Number(holder);
    if (!Number.isSafeInteger(other) || other <= 0 || other === pid) return;
    if (isAlive(other, since)) throw new StoreLockedError(other, root);
  }

  async #read(path: string): Promise<string> {
    const file = await this.#options.fileSystem.aside.open(path, 'read');
    try {
      const buffer = Buffer.alloc(LONGEST_PID);
      return buffer.toString('latin1', 0, await readFullyAside(file, buffer, 0, LONGEST_PID, 0)).trim();
    } finally {
      file.close();
    }
  }

  async #write(path: string, text: string, mode: 'create' | 'exclusive'): Promise<void> {
    let file;
    try {
      // On the thread: another process that finds it empty takes it for a stale one.
      file = this.#options.fileSystem.open(path, mode);
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error;
      throw new StoreLockedError(Number(await this.#read(path)), this.#options.root);
    }
    try {
      writeFully(file, Buffer.from(text), 0, text.length, 0);
      await file.sync();
    } finally {
      file.close();
    }
  }
}

function isProcessAlive(pid: number, since: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it lives and is somebody else's.
    if (systemCode(error) === 'ESRCH') return false;
  }
  const started = processStart(pid);
  // An id is given out again after a while: a process that is younger than the lock does not hold it.
  return started === undefined || started <= since + 1_000;
}

/** When the process was started, ms since the epoch; undefined where the system does not tell. */
function processStart(pid: number): number | undefined {
  try {
    const boot = /^btime (\d+)$/m.exec(fs.readFileSync('/proc/stat', 'latin1'));
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field is the command in brackets, which may itself hold spaces and brackets.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = Number(fields[START_TIME_FIELD - 3]);
    return boot && Number.isFinite(ticks)
      ? Number(boot[1]) * 1_000 + (ticks * 1_000) / BOOT_TICKS_PER_SECOND
      : undefined;
  } catch {
    return undefined;
  }
}
