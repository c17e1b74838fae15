// Reads and writes the file that a broadcasting consumer keeps its offsets in, one file for each consumer of a host.
import { access, constants, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { lockFolder } from '@nest-rocketmq/remoting/internal';
import { TooManyConsumersError } from './local-offset-errors.js';

/** The file that offsets are kept in. */
export interface OffsetFile {
  /** For log lines. */
  readonly name: string;
  /** Undefined when there is none. */
  read(): Promise<Buffer | undefined>;
  write(content: Buffer): Promise<void>;
  /** Renames a file that cannot be read, so that a person can look at it. */
  setAside(): Promise<void>;
  /** Releases it for another consumer. */
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
      // Renamed over the old file, so that a crash leaves one of them whole.
      await writeFile(`${path}.tmp`, content);
      await rename(`${path}.tmp`, path);
    },
    setAside: () => rename(path, `${path}.damaged`),
    release,
  };
}

/** Most consumers of one group that keep offsets in one folder. */
const MAX_CONSUMERS = 1_000;

export interface ClaimedFile {
  readonly file: OffsetFile;
  /** 1 for the first consumer of the group on this host. */
  readonly place: number;
}

/**
 * Takes the first file that no living consumer has: <folder>/<owner>/<group>/offsets.json, then <owner>-2, and so on.
 * @throws when the folder cannot be written, or has MAX_CONSUMERS files in use
 */
export async function claimOffsetFile(folder: string, owner: string, group: string): Promise<ClaimedFile> {
  for (let place = 1; place <= MAX_CONSUMERS; place++) {
    const home = join(folder, place === 1 ? owner : `${owner}-${place}`, group);
    const unlock = await lockFolder(home);
    if (!unlock) continue;
    const file = nodeOffsetFile(join(home, 'offsets.json'), unlock);
    try {
      await access(home, constants.W_OK);
    } catch (error) {
      await unlock();
      throw error;
    }
    return { file, place };
  }
  throw new TooManyConsumersError(group, folder, MAX_CONSUMERS);
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
