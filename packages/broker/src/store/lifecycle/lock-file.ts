// Makes sure that one process at a time has the store open, with the files `lock` and `abort` as Apache has them. `abort`
// holds the process id, and is there as long as the store has not been closed cleanly. `lock` begins with the word `lock`,
// as Apache's does; behind it stands which process of that id it was.
import { identityOf, isHolderAlive, systemOf } from '@nest-rocketmq/remoting/internal';
import type { ProcessIdentity } from '@nest-rocketmq/remoting/internal';
import { StoreLockedError, systemCode } from '../errors.js';
import type { FileSystem } from '../files/file-system.js';
import { readFully, writeFully } from '../files/segment.js';

const LONGEST_PID = 20;
const LOCK_WORD = 'lock';
/** Bytes of the file `lock` that are looked at. */
const LONGEST_LOCK = 256;

export interface LockFileOptions {
  fileSystem: FileSystem;
  root: string;
  /** Default: this process. */
  pid?: number;
  /** Whether the process of that id lives that took the lock at `since` (ms since the epoch). */
  isAlive?: (pid: number, since: number, identity: ProcessIdentity | undefined) => boolean;
}

export class LockFile {
  /** Whether the store was not closed cleanly the last time. */
  wasAborted = false;
  /** Whether the one that left it open was on another host or in another container: nobody can tell from here if it lives. */
  wasForeign = false;
  readonly #options: LockFileOptions;
  readonly #abort: string;

  /** @throws StoreLockedError */
  static async take(options: LockFileOptions): Promise<LockFile> {
    const { fileSystem, root, pid = process.pid } = options;
    const { openStores } = fileSystem;
    // The process's own id in `abort` says nothing after a restart with the same id.
    if (openStores.has(root)) throw new StoreLockedError(pid, root);
    openStores.add(root);
    try {
      const lock = new LockFile(options);
      await lock.#make(String(pid));
      return lock;
    } catch (error) {
      openStores.delete(root);
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
      await fileSystem.remove(this.#abort);
      await fileSystem.syncDirectory(root);
    } finally {
      fileSystem.openStores.delete(root);
    }
  }

  async #make(pid: string): Promise<void> {
    const { fileSystem, root } = this.#options;
    // Left by a crash within the taking over of a stale lock.
    const leftovers = (await fileSystem.list(root)).filter(({ name }) => /^abort\.\d+$/.test(name));
    this.wasAborted = (await this.#take(pid)) || leftovers.length > 0;
    for (const { name } of leftovers) await fileSystem.remove(`${root}/${name}`);
    await this.#writeIdentity(Number(pid));
    await fileSystem.syncDirectory(root);
  }

  /** Returns whether there was a stale one. */
  async #take(pid: string): Promise<boolean> {
    const files = this.#options.fileSystem;
    const stale = await files.stat(this.#abort);
    if (!stale) {
      await this.#write(this.#abort, pid);
      return false;
    }
    const holder = await this.#read(this.#abort);
    await this.#refuseIfAlive(holder, stale.modified);
    const renamed = `${this.#abort}.${pid}`;
    await files.rename(this.#abort, renamed);
    const taken = await this.#read(renamed);
    if (taken !== holder) {
      // Another process was quicker, and what was renamed is its lock.
      await files.rename(renamed, this.#abort);
      throw new StoreLockedError(Number(taken), this.#options.root);
    }
    await this.#write(this.#abort, pid);
    await files.remove(renamed);
    return true;
  }

  async #refuseIfAlive(holder: string, since: number): Promise<void> {
    const { pid = process.pid, isAlive = isHolderAlive, root } = this.#options;
    const other = Number(holder);
    if (!Number.isSafeInteger(other) || other <= 0) return;
    const identity = await this.#identityOf(other);
    // In a container every start has the same id, and what holds a store within this process is known.
    if (other !== pid && isAlive(other, since, identity)) throw new StoreLockedError(other, root);
    this.wasForeign = identity !== undefined && identity.system !== systemOf();
  }

  /** What the lock says of the process with that id; nothing where Apache, or an earlier version, has written it. */
  async #identityOf(pid: number): Promise<ProcessIdentity | undefined> {
    const path = `${this.#options.root}/lock`;
    if (!(await this.#options.fileSystem.stat(path))) return undefined;
    const found = /^lock\n(\d+) (\d+) (\S+)$/.exec(await this.#read(path, LONGEST_LOCK));
    // Apache overwrites the word only: what stands behind it is of another process then.
    if (!found || Number(found[1]) !== pid) return undefined;
    return { pid, start: Number(found[2]), system: found[3] ?? '' };
  }

  async #writeIdentity(pid: number): Promise<void> {
    const { root, fileSystem } = this.#options;
    const identity = identityOf(pid);
    const text = identity ? `${LOCK_WORD}\n${pid} ${identity.start} ${identity.system}\n` : LOCK_WORD;
    const file = await fileSystem.open(`${root}/lock`, 'create');
    try {
      const bytes = Buffer.from(text);
      if ((await file.size()) > bytes.length) await file.truncate(bytes.length);
      await writeFully(file, bytes, 0, bytes.length, 0);
      await file.sync();
    } finally {
      await file.close();
    }
  }

  async #read(path: string, most = LONGEST_PID): Promise<string> {
    const file = await this.#options.fileSystem.open(path, 'read');
    try {
      const buffer = Buffer.alloc(most);
      return buffer.toString('latin1', 0, await readFully(file, buffer, 0, most, 0)).trim();
    } finally {
      await file.close();
    }
  }

  async #write(path: string, text: string): Promise<void> {
    let file;
    try {
      // Blocking: another process that finds it empty takes it for a stale one.
      file = this.#options.fileSystem.openSync(path, 'exclusive');
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error;
      throw new StoreLockedError(Number(await this.#read(path)), this.#options.root);
    }
    try {
      const written = file.writeSync(Buffer.from(text), 0, text.length, 0);
      if (written < text.length) await writeFully(file, Buffer.from(text), written, text.length - written, written);
      await file.sync();
    } finally {
      await file.close();
    }
  }
}
