// Owns the file of a broadcasting consumer's offsets on disk: written whole, by one consumer at a time. Consumers of one
// host and group each have a file of their own. Leaves what stands in it to local-offset-store.
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { identityOf, isHolderAlive, systemOf } from '@nest-rocketmq/remoting/internal';

/** Where the offsets' text is kept. */
export interface OffsetFile {
  /** For log lines. */
  readonly name: string;
  /** Undefined when there is none. */
  read(): Promise<Buffer | undefined>;
  write(content: Buffer): Promise<void>;
  /** Keeps content that cannot be read for a person to look at. */
  setAside(): Promise<void>;
  /** Lets another consumer have it. */
  release(): Promise<void>;
}

export function memoryOffsetFile(): OffsetFile {
  let kept: Buffer | undefined;
  return {
    name: 'memory',
    read: () => Promise.resolve(kept),
    write: (content) => {
      kept = content;
      return Promise.resolve();
    },
    setAside: () => Promise.resolve(),
    release: () => Promise.resolve(),
  };
}

export function nodeOffsetFile(path: string, release: () => Promise<void> = () => Promise.resolve()): OffsetFile {
  return {
    name: path,
    read: () => readIfThere(path),
    async write(content) {
      await mkdir(dirname(path), { recursive: true });
      // Renamed over the old one, so that a crash leaves one of the two whole.
      await writeFile(`${path}.tmp`, content);
      await rename(`${path}.tmp`, path);
    },
    setAside: () => rename(path, `${path}.damaged`),
    release,
  };
}

/** Consumers of one group that one host keeps offsets of. */
const MOST_CONSUMERS = 1_000;

export interface ClaimedFile {
  readonly file: OffsetFile;
  /** 1 for the first consumer of the group on this host. */
  readonly place: number;
}

/**
 * Takes the first file that no living consumer has: <folder>/<owner>/<group>/offsets.json, then <owner>-2, and so on.
 * @throws when the folder cannot be written
 */
export async function claimOffsetFile(folder: string, owner: string, group: string): Promise<ClaimedFile> {
  for (let place = 1; place <= MOST_CONSUMERS; place++) {
    const home = join(folder, place === 1 ? owner : `${owner}-${place}`, group);
    const lock = join(home, 'lock');
    await mkdir(home, { recursive: true });
    if (!(await take(lock))) continue;
    return { file: nodeOffsetFile(join(home, 'offsets.json'), () => unlink(lock)), place };
  }
  throw new Error(`${MOST_CONSUMERS} consumers of group ${group} keep offsets in ${folder} already`);
}

/** @returns false when a living process has it */
async function take(lock: string): Promise<boolean> {
  const holder = (await readIfThere(lock))?.toString();
  if (holder !== undefined && (isAlive(holder) || !(await removeStale(lock, holder)))) return false;
  try {
    await writeFile(lock, ownName(), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** @returns false when another consumer, which has found the same dead holder, has taken its place already */
async function removeStale(lock: string, holder: string): Promise<boolean> {
  const stale = `${lock}.${randomUUID()}`;
  try {
    await rename(lock, stale);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true;
    throw error;
  }
  if ((await readIfThere(stale))?.toString() !== holder) {
    await rename(stale, lock);
    return false;
  }
  await unlink(stale);
  return true;
}

/** The id of this process, and what tells it from another one that has the id later, where the system knows that. */
function ownName(): string {
  const identity = identityOf(process.pid);
  return identity ? `${identity.pid} ${identity.start} ${identity.system}` : String(process.pid);
}

function isAlive(holder: string): boolean {
  const [pid, start, system = systemOf()] = holder.split(' ');
  if (!/^\d+$/.test(pid!) || Number(pid) === 0) return false;
  const isNamed = start !== undefined && system !== undefined;
  const identity = isNamed ? { pid: Number(pid), start: Number(start), system } : undefined;
  return isHolderAlive(Number(pid), Date.now(), identity);
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
