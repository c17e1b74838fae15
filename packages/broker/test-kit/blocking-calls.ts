// Wraps files so that their blocking calls throw from a moment on, apart from a short list of those that must stay.
import type { FileSystem, StoreFile } from '../src/store/files/file-system.js';
import { MemoryFileSystem } from '../src/store/files/memory-file-system.js';

/**
 * The one blocking call of a broker that has started: the append path's write, to the commit log's open file, while the
 * disk keeps up. A hop to another thread for each commit would double the time of a send.
 */
const ALLOWED = [{ call: 'writeSync', path: /\/commitlog\/\d{20}$/ }];

export class NoBlockingCalls {
  /** From now on. */
  started = false;
  /** Calls that blocked though they must not. */
  readonly refused: string[] = [];
  /** Calls that were allowed. */
  readonly allowed = new Set<string>();
  readonly fileSystem: FileSystem;

  /** @param files default: new ones, which a broker takes for files on a disk, last written long ago */
  constructor(readonly files: MemoryFileSystem = new MemoryFilesOnDisk(() => 0)) {
    const open = async (...args: Parameters<FileSystem['open']>): Promise<StoreFile> =>
      this.#guard(await files.open(...args), args[0]);
    this.fileSystem = this.#guard<FileSystem>(files, '', {
      open,
      openSync: (...args) => this.#guard(files.openSync(...args), args[0]),
    });
  }

  #guard<T extends FileSystem | StoreFile>(target: T, path: string, overrides: Partial<T> = {}): T {
    return new Proxy(target, {
      get: (_target, name) => {
        const member = overrides[name as keyof T] ?? target[name as keyof T];
        if (typeof member !== 'function') return member;
        return (...args: unknown[]): unknown => {
          this.#check(String(name), path || String(args[0]));
          return (member as unknown as (...given: unknown[]) => unknown).apply(target, args);
        };
      },
    });
  }

  #check(call: string, path: string): void {
    if (!this.started || !call.endsWith('Sync')) return;
    if (ALLOWED.some((one) => one.call === call && one.path.test(path))) {
      this.allowed.add(call);
      return;
    }
    this.refused.push(`${call} ${path}`);
    throw new Error(`${call} of ${path} blocks the event loop`);
  }
}

class MemoryFilesOnDisk extends MemoryFileSystem {
  override readonly onDisk = true;
}
