// Locks a folder for one holder at a time, and takes over the lock of a process that has died.
//
// The lock is the name of a file. Nobody ever creates or removes that file: a holder renames it to a name of its own, and
// renames it back when it is done. Of all who rename the same name one succeeds, and the name of a dead holder never
// comes back, so that whoever was slow to take it over finds it gone.
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { identityOf, isHolderAlive } from '@nest-rocketmq/remoting/internal';

const FREE = 'free';
const LOCK_FOLDER = 'lock.d';
/** What a rename onto a folder that has files in it fails with; EPERM and EACCES on Windows. */
const NOT_EMPTY = new Set(['ENOTEMPTY', 'EEXIST', 'EPERM', 'EACCES']);

/** The calls to the file system; a test puts pauses between them. */
export interface LockFiles {
  mkdir(path: string): Promise<unknown>;
  readdir(path: string): Promise<string[]>;
  rename(from: string, to: string): Promise<void>;
  writeFile(path: string, content: string): Promise<void>;
  rm(path: string): Promise<void>;
}

export const nodeLockFiles: LockFiles = {
  mkdir: (path) => mkdir(path, { recursive: true }),
  readdir: (path) => readdir(path),
  rename: (from, to) => rename(from, to),
  writeFile: (path, content) => writeFile(path, content),
  rm: (path) => rm(path, { recursive: true, force: true }),
};

/**
 * Creates the folder where there is none.
 * @returns a function that unlocks it, or undefined when a living process has the lock
 * @throws when the folder cannot be written
 */
export async function lockFolder(folder: string, files = nodeLockFiles): Promise<(() => Promise<void>) | undefined> {
  const lock = join(folder, LOCK_FOLDER);
  const found = await namesIn(lock, files);
  const names = found.length > 0 ? found : await createLock(lock, files);
  const free = names.find((name) => !isHeld(name));
  if (free === undefined) return undefined;
  const own = nameOfHolder();
  try {
    await files.rename(join(lock, free), join(lock, own));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  return () => files.rename(join(lock, own), join(lock, FREE));
}

/** Moves a folder with the file in it to its place, which one succeeds in: there is never a second file. */
async function createLock(lock: string, files: LockFiles): Promise<string[]> {
  const draft = `${lock}.${randomUUID()}`;
  await files.mkdir(draft);
  try {
    await files.writeFile(join(draft, FREE), '');
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

/** The id of this process, and what tells it from another one that has the id later, where the system knows that. */
function nameOfHolder(): string {
  const identity = identityOf(process.pid);
  const holder = identity ? [identity.pid, identity.start, identity.system] : [process.pid];
  return `${holder.map(encodeURIComponent).join('+')}+${randomUUID()}`;
}

function isHeld(name: string): boolean {
  const [pid = '', start, system, id] = name.split('+').map(decodeURIComponent);
  if (!/^[1-9]\d*$/.test(pid)) return false;
  const isNamed = start !== undefined && system !== undefined && id !== undefined;
  const identity = isNamed ? { pid: Number(pid), start: Number(start), system } : undefined;
  return isHolderAlive(Number(pid), Date.now(), identity);
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;
