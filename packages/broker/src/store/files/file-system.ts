// Owns the one seam to files: the interface, and Node's files behind it. The in-memory ones are in
// memory-file-system.ts; those that fail on purpose are with the tests.
import * as fs from 'node:fs';
import * as promises from 'node:fs/promises';
import { WriteStallDetector } from './write-stall-detector.js';
import { systemCode } from '../errors.js';

export interface StoreFile {
  /** Bytes. */
  size(): number;
  /** Returns the number of bytes read, which may be fewer than asked for. */
  read(target: Buffer, offset: number, length: number, position: number): number;
  /** The same off the caller's thread. The file must stay open until it has ended. */
  readAside(target: Buffer, offset: number, length: number, position: number): Promise<number>;
  /** Returns the number of bytes written, which may be fewer than given. */
  write(source: Buffer, offset: number, length: number, position: number): number;
  /** The same off the caller's thread: the bytes must stay as they are, and the file open, until it has ended. */
  writeAside(source: Buffer, offset: number, length: number, position: number): Promise<number>;
  truncate(size: number): void;
  /** The same off the caller's thread. The file must stay open until it has ended. */
  truncateAside(size: number): Promise<void>;
  /** Makes what was written before the call survive a loss of power; never on the caller's thread. */
  sync(): Promise<void>;
  close(): void;
  /** The same off the caller's thread: closing a file that was removed frees its room. */
  closeAside(): Promise<void>;
}

/** Reads and writes of a file off the caller's thread. */
export type AsideFile = Pick<StoreFile, 'readAside' | 'writeAside'>;

export interface FileStat {
  /** Bytes. */
  size: number;
  /** Bytes that the file takes up; fewer than its size if it has holes. */
  allocated: number;
  /** ms since the epoch: when bytes of it were last written. */
  modified: number;
  /** ms since the epoch: when its bytes, its name or its rights last changed; nobody can set it. */
  changed: number;
  /** Number of the file, whatever its name; 0 where there is none. */
  inode: number;
}

export interface DirectoryEntry {
  name: string;
  directory: boolean;
}

export type OpenMode = 'read' | 'write' | 'create' | 'exclusive';

/**
 * The calls of the same names off the caller's thread: whatever looks up or changes a name may wait for the disk, 200 ms
 * and more while others keep it busy.
 */
export interface FileSystemAside {
  open(path: string, mode: OpenMode): Promise<StoreFile>;
  stat(path: string): Promise<FileStat | undefined>;
  list(directory: string): Promise<DirectoryEntry[]>;
  makeDirectory(path: string): Promise<void>;
  /** To remove 1 GiB takes ext4 a quarter of a second. */
  remove(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
}

export interface FileSystem {
  /** Whether a read may have to wait for a disk. */
  readonly onDisk: boolean;
  readonly aside: FileSystemAside;
  /** `read` and `write` need the file, `create` makes it where it is absent, `exclusive` only where it is absent. */
  open(path: string, mode: OpenMode): StoreFile;
  /** Undefined where there is none. */
  stat(path: string): FileStat | undefined;
  /** In the order of their names; none where there is no such folder, or a file in its place. */
  list(directory: string): DirectoryEntry[];
  /** With its parents. */
  makeDirectory(path: string): void;
  /** No error where there is none. */
  remove(path: string): void;
  /** Whole folder. */
  removeTree(path: string): void;
  rename(from: string, to: string): void;
  /** Makes names created, removed and renamed in the folder survive a loss of power; never on the caller's thread. */
  syncDirectory(path: string): Promise<void>;
  /** Whether a write on the thread might have to wait for the disk now. */
  readonly writesMayWait: boolean;
  /** Undefined where the system does not tell. */
  diskUsage(path: string): { total: number; free: number } | undefined;
}

const FLAGS = { read: 'r', write: 'r+', create: fs.constants.O_RDWR | fs.constants.O_CREAT, exclusive: 'wx+' } as const;
const FILE_MODE = 0o640;
/** Reported by folders that cannot be synced on some systems; their names are then as safe as that system makes them. */
const NO_DIRECTORY_SYNC = new Set(['EINVAL', 'EPERM', 'EISDIR', 'ENOTSUP']);

const pace = new WriteStallDetector();

class NodeFile implements StoreFile {
  readonly #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
  }

  size(): number {
    return fs.fstatSync(this.#fd).size;
  }

  read(target: Buffer, offset: number, length: number, position: number): number {
    return fs.readSync(this.#fd, target, offset, length, position);
  }

  readAside(target: Buffer, offset: number, length: number, position: number): Promise<number> {
    return new Promise((resolve, reject) =>
      fs.read(this.#fd, target, offset, length, position, (error, count) => (error ? reject(error) : resolve(count))),
    );
  }

  write(source: Buffer, offset: number, length: number, position: number): number {
    return pace.write(() => fs.writeSync(this.#fd, source, offset, length, position));
  }

  writeAside(source: Buffer, offset: number, length: number, position: number): Promise<number> {
    return new Promise((resolve, reject) =>
      fs.write(this.#fd, source, offset, length, position, (error, count) => (error ? reject(error) : resolve(count))),
    );
  }

  truncate(size: number): void {
    fs.ftruncateSync(this.#fd, size);
  }

  truncateAside(size: number): Promise<void> {
    return new Promise((resolve, reject) =>
      fs.ftruncate(this.#fd, size, (error) => (error ? reject(error) : resolve())),
    );
  }

  sync(): Promise<void> {
    return pace.sync(
      new Promise((resolve, reject) => fs.fdatasync(this.#fd, (error) => (error ? reject(error) : resolve()))),
    );
  }

  close(): void {
    fs.closeSync(this.#fd);
  }

  closeAside(): Promise<void> {
    return new Promise((resolve, reject) => fs.close(this.#fd, (error) => (error ? reject(error) : resolve())));
  }
}

function fileStat({ size, blocks, mtimeMs, ctimeMs, ino }: fs.Stats): FileStat {
  return { size, allocated: blocks * 512, modified: mtimeMs, changed: ctimeMs, inode: ino };
}

/** Also where a file stands in the place of a folder of the path. */
function undefinedWhereAbsent(error: unknown): undefined {
  if (['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return undefined;
  throw error;
}

function entriesOf(found: fs.Dirent[]): DirectoryEntry[] {
  return found
    .map((entry) => ({ name: entry.name, directory: entry.isDirectory() }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Also where a file stands in the place of the folder. */
function noneWhereAbsent(error: unknown): never[] {
  if (['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return [];
  throw error;
}

async function syncFolder(path: string): Promise<void> {
  const handle = await promises.open(path, 'r');
  try {
    await handle.sync();
  } catch (error) {
    if (!NO_DIRECTORY_SYNC.has(systemCode(error) ?? '')) throw error;
  } finally {
    await handle.close();
  }
}

/** The machine's files. */
export const nodeFileSystem: FileSystem = {
  onDisk: true,

  aside: {
    open: (path, mode) =>
      new Promise((resolve, reject) =>
        fs.open(path, FLAGS[mode], FILE_MODE, (error, fd) => (error ? reject(error) : resolve(new NodeFile(fd)))),
      ),
    stat: (path) => promises.stat(path).then(fileStat, undefinedWhereAbsent),
    list: async (directory) =>
      entriesOf(await promises.readdir(directory, { withFileTypes: true }).catch(noneWhereAbsent)),
    makeDirectory: async (path) => void (await promises.mkdir(path, { recursive: true })),
    remove: (path) => promises.rm(path, { force: true }),
    rename: (from, to) => promises.rename(from, to),
  },

  open: (path, mode) => new NodeFile(fs.openSync(path, FLAGS[mode], FILE_MODE)),

  stat(path) {
    try {
      const stat = fs.statSync(path, { throwIfNoEntry: false });
      return stat && fileStat(stat);
    } catch (error) {
      return undefinedWhereAbsent(error);
    }
  },

  list(directory) {
    try {
      return entriesOf(fs.readdirSync(directory, { withFileTypes: true }));
    } catch (error) {
      return noneWhereAbsent(error);
    }
  },

  makeDirectory: (path) => void fs.mkdirSync(path, { recursive: true }),
  remove: (path) => fs.rmSync(path, { force: true }),
  removeTree: (path) => fs.rmSync(path, { force: true, recursive: true }),
  rename: (from, to) => fs.renameSync(from, to),

  syncDirectory: (path) => pace.sync(syncFolder(path)),

  get writesMayWait() {
    return pace.mayWait;
  },

  diskUsage(path) {
    const { blocks, bavail, bfree, bsize } = fs.statfsSync(path);
    // As df counts: what is kept back for root is neither used nor free.
    return { total: (blocks - bfree + bavail) * bsize, free: bavail * bsize };
  },
};
