// Declares the one way to files: as in Node, a call with the plain name is asynchronous, its blocking twin ends in Sync.

/** An open file. It must stay open, and the bytes that are written as they are, until a call has ended. */
export interface StoreFile {
  /** Bytes. */
  size(): Promise<number>;
  /** Resolves with the number of bytes read, which may be fewer than asked for. */
  read(target: Buffer, offset: number, length: number, position: number): Promise<number>;
  /** Resolves with the number of bytes written, which may be fewer than given. */
  write(source: Buffer, offset: number, length: number, position: number): Promise<number>;
  /** Blocks: for the append path's one write, and for `abort`. */
  writeSync(source: Buffer, offset: number, length: number, position: number): number;
  truncate(size: number): Promise<void>;
  /** Makes what was written before the call survive a loss of power. */
  sync(): Promise<void>;
  /** Closing a file that was removed frees its space, which takes its time. */
  close(): Promise<void>;
}

/** What the system says of a file. */
export interface FileStat {
  /** Bytes. */
  size: number;
  /** Bytes that the file takes up; fewer than its size if it has holes. */
  allocated: number;
  /** ms since the epoch: when bytes of it were last written. */
  modified: number;
  /** ms since the epoch: when its bytes, its name or its permissions last changed; nobody can set it. */
  changed: number;
  /** Number of the file, whatever its name; 0 where there is none. */
  inode: number;
}

/** A name in a folder. */
export interface DirectoryEntry {
  name: string;
  directory: boolean;
}

/** `read` and `write` need the file, `create` makes it if it is absent, `exclusive` fails if it is there. */
export type OpenMode = 'read' | 'write' | 'create' | 'exclusive';

/** How full the disk of a path is. */
export interface DiskUsage {
  /** Bytes. */
  total: number;
  /** Bytes. */
  free: number;
}

/**
 * The files that a store is on. Errors carry Node's codes (`ENOENT`, `ENOSPC`, …). Whatever looks up or changes a name may
 * wait for the disk: 200 ms and more while others keep it busy.
 */
export interface FileSystem {
  /** Whether the files outlive the process. */
  readonly onDisk: boolean;
  /** Paths of the stores on these files that this process has open. */
  readonly openStores: Set<string>;
  open(path: string, mode: OpenMode): Promise<StoreFile>;
  /** Blocks: for `abort`, when a store is opened. */
  openSync(path: string, mode: OpenMode): StoreFile;
  /** Undefined if it is absent. */
  stat(path: string): Promise<FileStat | undefined>;
  /** In the order of their names; none if the folder is absent, or a file. */
  list(directory: string): Promise<DirectoryEntry[]>;
  /** With its parents. */
  makeDirectory(path: string): Promise<void>;
  /** No error if it is absent. To remove 1 GiB takes ext4 a quarter of a second. */
  remove(path: string): Promise<void>;
  /** The whole folder. */
  removeTree(path: string): Promise<void>;
  /**
   * Atomic. A file takes the place of another one; a folder that of an empty one, and fails with ENOTEMPTY where there
   * are names in it.
   */
  rename(from: string, to: string): Promise<void>;
  /** Makes names created, removed and renamed in the folder survive a loss of power. */
  syncDirectory(path: string): Promise<void>;
  /** Whether a blocking write might have to wait for the disk now. */
  readonly writesMayWait: boolean;
  /** Undefined where the system does not tell. */
  diskUsage(path: string): Promise<DiskUsage | undefined>;
}
