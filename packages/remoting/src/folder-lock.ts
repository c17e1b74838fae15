// Locks a folder for one holder at a time, and takes over the lock of a process that has died.
//
// The lock is the name of a file. Nobody ever creates or removes that file: a holder renames it to a name of its own, and
// renames it back when it is done. Of all who rename the same name one succeeds, and the name of a dead holder never
// comes back, so that whoever was slow to take it over finds it gone.
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { identityOf, isHolderAlive } from './process-life.js';
import type { ProcessIdentity } from './process-life.js';

const FREE = 'free';
const LOCK_FOLDER = 'lock.d';
/** What a rename onto a folder that has files in it fails with; EPERM and EACCES on Windows. */
const NOT_EMPTY = new Set(['ENOTEMPTY', 'EEXIST', 'EPERM', 'EACCES']);

/** The calls to the file system that a lock needs. Paths have the folder that is locked, then `/`. */
export interface LockFiles {
  /** With its parents. */
  mkdir(path: string): Promise<unknown>;
  /** Names; none, or ENOENT, where there is no folder. */
  readdir(path: string): Promise<string[]>;
  /** Of a file or a folder; a folder takes the place of an empty one only. */
  rename(from: string, to: string): Promise<void>;
  /** Creates an empty file. */
  create(path: string): Promise<void>;
  /** The whole folder. */
  rm(path: string): Promise<void>;
}

/** The machine's files. */
export const nodeLockFiles: LockFiles = {
  mkdir: (path) => mkdir(path, { recursive: true }),
  readdir: (path) => readdir(path),
  rename: (from, to) => rename(from, to),
  create: (path) => writeFile(path, ''),
  rm: (path) => rm(path, { recursive: true, force: true }),
};

export interface FolderLockOptions {
  /** Default: the machine's. */
  files?: LockFiles;
  /** Default: this process. */
  pid?: number;
  /** Whether the process lives that took a lock before `since`, ms since the epoch. Default: what the system says. */
  isAlive?: (pid: number, since: number, identity: ProcessIdentity | undefined) => boolean;
}

/**
 * Locks a folder, and creates it where there is none. After a crash, the next caller takes the lock over.
 * @returns a function that unlocks it, or undefined when a living process has the lock, or was quicker to take it
 * @throws when the folder cannot be written
 */
export async function lockFolder(
  folder: string,
  options: FolderLockOptions = {},
): Promise<(() => Promise<void>) | undefined> {
  const { files = nodeLockFiles, pid = process.pid } = options;
  const lock = `${folder}/${LOCK_FOLDER}`;
  const found = await namesIn(lock, files);
  const names = found.length > 0 ? found : await createLock(lock, files);
  if (names.some((name) => isHeld(name, options))) return undefined;
  // Last those of another program, which may come and go.
  const free = names.find((name) => name === FREE || holderIn(name)) ?? names[0] ?? FREE;
  const own = `${lock}/${nameOfHolder(pid)}`;
  try {
    await files.rename(`${lock}/${free}`, own);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  return () => files.rename(own, `${lock}/${FREE}`);
}

/** The id of the living process that has the lock of a folder; undefined when none has. */
export async function lockHolder(folder: string, options: FolderLockOptions = {}): Promise<number | undefined> {
  const names = await namesIn(`${folder}/${LOCK_FOLDER}`, options.files ?? nodeLockFiles);
  const held = names.find((name) => isHeld(name, options));
  return held === undefined ? undefined : holderIn(held)?.pid;
}

/** Moves a folder with the file in it to its place, which one succeeds in: there is never a second file. */
async function createLock(lock: string, files: LockFiles): Promise<string[]> {
  const draft = `${lock}.${randomUUID()}`;
  await files.mkdir(draft);
  try {
    await files.create(`${draft}/${FREE}`);
    await files.rename(draft, lock);
  } catch (error) {
    await files.rm(draft);
    const names = NOT_EMPTY.has(codeOf(error) ?? '') ? await namesIn(lock, files) : [];
    if (names.length === 0) throw error;
    return names;
  }
  return [FREE];
}

async function namesIn(lock: string, files: LockFiles): Promise<string[]> {
  try {
    return await files.readdir(lock);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** The id of the process, and what tells it from another one that has the id later, where the system knows that. */
function nameOfHolder(pid: number): string {
  const identity = identityOf(pid);
  const holder = identity ? [identity.pid, identity.start, identity.system] : [pid];
  return `${holder.map(encodeURIComponent).join('+')}+${randomUUID()}`;
}

interface Holder {
  pid: number;
  identity: ProcessIdentity | undefined;
}

/** Undefined where the name is not one of a holder. */
function holderIn(name: string): Holder | undefined {
  const [id = '', start, system, uuid] = name.split('+');
  if (!/^[1-9]\d*$/.test(id)) return undefined;
  const pid = Number(id);
  const isNamed = start !== undefined && system !== undefined && uuid !== undefined;
  return { pid, identity: isNamed ? { pid, start: Number(start), system: decodeURIComponent(system) } : undefined };
}

function isHeld(name: string, { isAlive = isHolderAlive }: FolderLockOptions): boolean {
  const holder = holderIn(name);
  return holder !== undefined && isAlive(holder.pid, Date.now(), holder.identity);
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;
