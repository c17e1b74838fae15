// Makes sure that one process at a time has the store open, with the files `lock` and `abort` as Apache has them, and with
// `lock.d`, which Apache ignores. `abort` holds the process id, and is there as long as the store has not been closed
// cleanly. `lock` begins with the word `lock`, as Apache's does; behind it stands which process of that id it was. Whoever
// dies leaves `abort` behind, and of all who then start, one may overwrite it: the one that has the lock of `lock.d`, which
// it keeps until it has closed the store.
import { identityOf, isHolderAlive, lockFolder, lockHolder, systemOf } from '@nest-rocketmq/remoting/internal';
import type { FolderLockOptions, LockFiles, ProcessIdentity } from '@nest-rocketmq/remoting/internal';
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
  readonly #unlock: () => Promise<void>;

  /** @throws StoreLockedError */
  static async take(options: LockFileOptions): Promise<LockFile> {
    const { fileSystem, root, pid = process.pid } = options;
    const { openStores } = fileSystem;
    // The process's own id in `abort` says nothing after a restart with the same id.
    if (openStores.has(root)) throw new StoreLockedError(pid, root);
    openStores.add(root);
    try {
      const unlock = await lockRoot(options);
      try {
        const lock = new LockFile(options, unlock);
        await lock.#make(String(pid));
        return lock;
      } catch (error) {
        // A lock that cannot be unlocked is stale for whoever starts next: the first error says more.
        await unlock().catch(() => undefined);
        throw error;
      }
    } catch (error) {
      openStores.delete(root);
      throw error;
    }
  }

  private constructor(options: LockFileOptions, unlock: () => Promise<void>) {
    this.#options = options;
    this.#abort = `${options.root}/abort`;
    this.#unlock = unlock;
  }

  /** @param clean whether the next start may trust the consume queues and the index */
  async release(clean: boolean): Promise<void> {
    const { fileSystem, root } = this.#options;
    try {
      if (clean) {
        await fileSystem.remove(this.#abort);
        await fileSystem.syncDirectory(root);
      }
    } finally {
      await this.#unlock().finally(() => fileSystem.openStores.delete(root));
    }
  }

  async #make(pid: string): Promise<void> {
    const { fileSystem, root } = this.#options;
    // Left by an earlier version that crashed while it took over a stale lock.
    const leftovers = (await fileSystem.list(root)).filter(({ name }) => /^abort\.\d+$/.test(name));
    const stale = await fileSystem.stat(this.#abort);
    if (stale) {
      await this.#refuseIfAlive(await this.#read(this.#abort), stale.modified);
      await this.#overwrite(this.#abort, pid);
    } else await this.#create(this.#abort, pid);
    this.wasAborted = stale !== undefined || leftovers.length > 0;
    for (const { name } of leftovers) await fileSystem.remove(`${root}/${name}`);
    await this.#writeIdentity(Number(pid));
    await fileSystem.syncDirectory(root);
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
    const identity = identityOf(pid);
    const text = identity ? `${LOCK_WORD}\n${pid} ${identity.start} ${identity.system}\n` : LOCK_WORD;
    await this.#overwrite(`${this.#options.root}/lock`, text);
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

  async #overwrite(path: string, text: string): Promise<void> {
    const file = await this.#options.fileSystem.open(path, 'create');
    try {
      const size = await file.size();
      // In one write, and in place, which a full disk allows. An old id that is cut later may end in digits of another one.
      const bytes = Buffer.from(text.padEnd(Math.min(size, LONGEST_LOCK)));
      await writeFully(file, bytes, 0, bytes.length, 0);
      if (size > text.length) await file.truncate(text.length);
      await file.sync();
    } finally {
      await file.close();
    }
  }

  async #create(path: string, text: string): Promise<void> {
    let file;
    try {
      // Blocking: an earlier version, which does not know `lock.d`, takes an empty one for stale.
      file = this.#options.fileSystem.openSync(path, 'exclusive');
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error;
      // Whoever made it just now may not have written its id yet.
      const holder = Number(await this.#read(path));
      throw new StoreLockedError(holder > 0 ? holder : undefined, this.#options.root);
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

/** @throws StoreLockedError */
async function lockRoot(options: LockFileOptions): Promise<() => Promise<void>> {
  const { fileSystem, root, pid = process.pid, isAlive = isHolderAlive } = options;
  const lock: FolderLockOptions = {
    files: lockFiles(fileSystem),
    pid,
    // What is left of this process's own id is stale, as in `abort`.
    isAlive: (other, since, identity) => other !== pid && isAlive(other, since, identity),
  };
  const unlock = await lockFolder(root, lock);
  if (unlock) return unlock;
  throw new StoreLockedError(await lockHolder(root, lock), root);
}

function lockFiles(files: FileSystem): LockFiles {
  return {
    mkdir: (path) => files.makeDirectory(path),
    readdir: async (path) => (await files.list(path)).map(({ name }) => name),
    rename: (from, to) => files.rename(from, to),
    create: async (path) => (await files.open(path, 'create')).close(),
    rm: (path) => files.removeTree(path),
  };
}
