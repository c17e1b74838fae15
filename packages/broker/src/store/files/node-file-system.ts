// Implements the file system with Node's files.
import * as fs from 'node:fs';
import * as promises from 'node:fs/promises';
import { systemCode } from '../errors.js';
import type { DirectoryEntry, DiskUsage, FileStat, FileSystem, OpenMode, StoreFile } from './file-system.js';
import { WriteStallDetector } from './write-stall-detector.js';

const FLAGS = { read: 'r', write: 'r+', create: fs.constants.O_RDWR | fs.constants.O_CREAT, exclusive: 'wx+' } as const;
const FILE_MODE = 0o640;
/** Reported by folders that cannot be synced on some systems; their names are then as safe as that system makes them. */
const NO_DIRECTORY_SYNC = new Set(['EINVAL', 'EPERM', 'EISDIR', 'ENOTSUP']);
/** The lock of a store names its process, so only the process itself can tell whether it has that store open twice. */
const OPEN_STORES = new Set<string>();

type Callback<T> = (error: NodeJS.ErrnoException | null, result: T) => void;

/** Plain callbacks: a FileHandle costs twice as much for each call. */
function call<T>(begin: (done: Callback<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => begin((error, result) => (error ? reject(error) : resolve(result))));
}

class NodeFile implements StoreFile {
  constructor(
    private readonly fd: number,
    private readonly stalls: WriteStallDetector,
  ) {}

  async size(): Promise<number> {
    return (await call<fs.Stats>((done) => fs.fstat(this.fd, done))).size;
  }

  read(target: Buffer, offset: number, length: number, position: number): Promise<number> {
    return call((done) => fs.read(this.fd, target, offset, length, position, done));
  }

  write(source: Buffer, offset: number, length: number, position: number): Promise<number> {
    return call((done) => fs.write(this.fd, source, offset, length, position, done));
  }

  writeSync(source: Buffer, offset: number, length: number, position: number): number {
    return this.stalls.write(() => fs.writeSync(this.fd, source, offset, length, position));
  }

  truncate(size: number): Promise<void> {
    return call((done) => fs.ftruncate(this.fd, size, done as fs.NoParamCallback));
  }

  sync(): Promise<void> {
    return this.stalls.sync(call((done) => fs.fdatasync(this.fd, done as fs.NoParamCallback)));
  }

  close(): Promise<void> {
    return call((done) => fs.close(this.fd, done as fs.NoParamCallback));
  }
}

class NodeFileSystem implements FileSystem {
  readonly onDisk = true;
  readonly openStores = OPEN_STORES;
  readonly #stalls = new WriteStallDetector();

  async open(path: string, mode: OpenMode): Promise<StoreFile> {
    const fd = await call<number>((done) => fs.open(path, FLAGS[mode], FILE_MODE, done));
    return new NodeFile(fd, this.#stalls);
  }

  openSync(path: string, mode: OpenMode): StoreFile {
    return new NodeFile(fs.openSync(path, FLAGS[mode], FILE_MODE), this.#stalls);
  }

  stat(path: string): Promise<FileStat | undefined> {
    return promises.stat(path).then(fileStat, (error: unknown) => ifAbsent(error, undefined));
  }

  async list(directory: string): Promise<DirectoryEntry[]> {
    const found = await promises
      .readdir(directory, { withFileTypes: true })
      .catch((error: unknown) => ifAbsent<fs.Dirent[]>(error, []));
    return found
      .map((entry) => ({ name: entry.name, directory: entry.isDirectory() }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async makeDirectory(path: string): Promise<void> {
    await promises.mkdir(path, { recursive: true });
  }

  remove(path: string): Promise<void> {
    return promises.rm(path, { force: true });
  }

  removeTree(path: string): Promise<void> {
    return promises.rm(path, { force: true, recursive: true });
  }

  rename(from: string, to: string): Promise<void> {
    return promises.rename(from, to);
  }

  syncDirectory(path: string): Promise<void> {
    return this.#stalls.sync(syncFolder(path));
  }

  get writesMayWait(): boolean {
    return this.#stalls.mayWait;
  }

  async diskUsage(path: string): Promise<DiskUsage> {
    const { blocks, bavail, bfree, bsize } = await promises.statfs(path);
    // As df counts: what is kept back for root is neither used nor free.
    return { total: (blocks - bfree + bavail) * bsize, free: bavail * bsize };
  }
}

/** The machine's files. Each broker has one of its own, which notices when its disk makes writes wait. */
export function nodeFileSystem(): FileSystem {
  return new NodeFileSystem();
}

function fileStat({ size, blocks, mtimeMs, ctimeMs, ino }: fs.Stats): FileStat {
  return { size, allocated: blocks * 512, modified: mtimeMs, changed: ctimeMs, inode: ino };
}

/** Absent too if a file stands where the path has a folder. */
function ifAbsent<T>(error: unknown, result: T): T {
  if (['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return result;
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
