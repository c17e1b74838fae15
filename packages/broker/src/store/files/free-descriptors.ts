// Waits until a file can be opened where the process or the machine has as many files open as it may. A crowd of connections
// takes every descriptor for a while: a flush that failed for that alone would end the store's life.
import { sleep } from '@nest-rocketmq/remoting/internal';
import type { Clock, Logger } from '@nest-rocketmq/remoting/internal';
import { systemCode } from '../errors.js';
import type { DirectoryEntry, DiskUsage, FileStat, FileSystem, OpenMode, StoreFile } from './file-system.js';

const NO_DESCRIPTOR_CODES = new Set(['EMFILE', 'ENFILE']);
const RETRY_INTERVAL_MS = 50;
/** A call fails when it has waited so long for a descriptor. */
export const LONGEST_WAIT_FOR_DESCRIPTOR_MS = 60_000;

export interface FreeDescriptorsOptions {
  clock: Clock;
  logger: Logger;
}

export class FileSystemWithFreeDescriptors implements FileSystem {
  readonly #files: FileSystem;
  readonly #options: FreeDescriptorsOptions;
  /** Whether the last call found no descriptor, and the log has said so. */
  #isOut = false;

  constructor(files: FileSystem, options: FreeDescriptorsOptions) {
    this.#files = files;
    this.#options = options;
  }

  get onDisk(): boolean {
    return this.#files.onDisk;
  }

  get openStores(): Set<string> {
    return this.#files.openStores;
  }

  get writesMayWait(): boolean {
    return this.#files.writesMayWait;
  }

  open(path: string, mode: OpenMode): Promise<StoreFile> {
    return this.#retried(() => this.#files.open(path, mode));
  }

  /** Does not wait, since it blocks. */
  openSync(path: string, mode: OpenMode): StoreFile {
    return this.#files.openSync(path, mode);
  }

  stat(path: string): Promise<FileStat | undefined> {
    return this.#files.stat(path);
  }

  list(directory: string): Promise<DirectoryEntry[]> {
    return this.#retried(() => this.#files.list(directory));
  }

  makeDirectory(path: string): Promise<void> {
    return this.#files.makeDirectory(path);
  }

  remove(path: string): Promise<void> {
    return this.#files.remove(path);
  }

  removeTree(path: string): Promise<void> {
    return this.#retried(() => this.#files.removeTree(path));
  }

  rename(from: string, to: string): Promise<void> {
    return this.#files.rename(from, to);
  }

  syncDirectory(path: string): Promise<void> {
    return this.#retried(() => this.#files.syncDirectory(path));
  }

  diskUsage(path: string): Promise<DiskUsage | undefined> {
    return this.#files.diskUsage(path);
  }

  async #retried<T>(call: () => Promise<T>): Promise<T> {
    const { clock, logger } = this.#options;
    const giveUpAt = clock.monotonic() + LONGEST_WAIT_FOR_DESCRIPTOR_MS;
    for (;;) {
      try {
        const result = await call();
        this.#isOut = false;
        return result;
      } catch (error) {
        if (!isOutOfDescriptors(error) || clock.monotonic() >= giveUpAt) throw error;
        if (!this.#isOut) logger.warn(outOfDescriptors(error));
        this.#isOut = true;
        await sleep(clock, RETRY_INTERVAL_MS);
      }
    }
  }
}

function isOutOfDescriptors(error: unknown): boolean {
  return NO_DESCRIPTOR_CODES.has(systemCode(error) ?? '');
}

function outOfDescriptors(cause: unknown): string {
  const whose = systemCode(cause) === 'EMFILE' ? 'this process has' : 'all processes of this machine together have';
  const remedy = 'Raise the limit (ulimit -n), or have fewer clients connect.';
  const meanwhile = `files are tried again for ${LONGEST_WAIT_FOR_DESCRIPTOR_MS / 1000} s`;
  return `no file can be opened: ${whose} as many files and connections open as the system allows; ${meanwhile}. ${remedy}`;
}
