// Simulates files that fail: the n-th call fails, writes are short, the process dies at the n-th call, or the power fails,
// which loses any part of what was not synced. A seed decides all of it.
import { MemoryContent, MemoryFileSystem, fileError, later } from '@nest-rocketmq/broker/internal';
import type { DirectoryEntry, FileStat, FileSystem, OpenMode, StoreFile } from '@nest-rocketmq/broker/internal';
import type { Random } from './random.js';

/** Thrown by every call after the process has died. */
export class ProcessDied extends Error {}

export interface FaultPlan {
  /** The process dies at this call (1 is the first); 0 never. */
  dieAt: number;
  /** Calls [from, to) that change files fail with `code`. */
  failFrom: number;
  failTo: number;
  code: 'EIO' | 'ENOSPC';
  /** Which calls fail. */
  failing: 'write' | 'sync';
  /** Chance of a write to take only a part. */
  shortWrites: number;
  /** Chance of being at a sync, so that writes leave the thread. */
  syncing: number;
}

export const NO_FAULTS: FaultPlan = {
  dieAt: 0,
  failFrom: 0,
  failTo: 0,
  code: 'EIO',
  failing: 'write',
  shortWrites: 0,
  syncing: 0,
};

type Change = { at: number; bytes: Buffer } | { size: number };

/** A file: what a reader sees, what the disk has, and what has not got there. */
class Inode {
  seen = new MemoryContent();
  disk = new MemoryContent();
  unsynced: Change[] = [];

  sync(): void {
    for (const change of this.unsynced) apply(this.disk, change);
    this.unsynced = [];
  }
}

interface NameChange {
  directory: string;
  /** Undefined: removed. */
  entries: [path: string, inode: Inode | undefined][];
}

export class FaultyFileSystem implements FileSystem {
  readonly onDisk = true;
  readonly openStores = new Set<string>();
  calls = 0;
  dead = false;
  plan: FaultPlan = NO_FAULTS;
  readonly #names = new Map<string, Inode>();
  readonly #namesOnDisk = new Map<string, Inode>();
  #nameChanges: NameChange[] = [];
  readonly #directories = new Set<string>();

  constructor(
    readonly random: Random,
    image?: MemoryFileSystem,
  ) {
    for (const path of image?.directories ?? []) this.#directories.add(path);
    for (const [path, content] of image?.files ?? []) {
      const inode = new Inode();
      inode.seen = content.clone();
      inode.disk = content.clone();
      this.#names.set(path, inode);
      this.#namesOnDisk.set(path, inode);
    }
  }

  /** What a new process finds when this one was killed. */
  afterKill(): MemoryFileSystem {
    return this.#image(this.#names, (inode) => inode.seen);
  }

  /** What a new process finds when the power was lost. */
  afterPowerLoss(): MemoryFileSystem {
    const names = new Map(this.#namesOnDisk);
    // The file system's journal keeps the order within a folder.
    const kept = new Map<string, boolean>();
    for (const { directory, entries } of this.#nameChanges) {
      const goesOn = (kept.get(directory) ?? true) && this.random.chance(0.5);
      kept.set(directory, goesOn);
      if (goesOn) for (const [path, inode] of entries) setName(names, path, inode);
    }
    const chance = this.random.pick([0, 0.3, 0.7, 0.95, 1]);
    const sector = this.random.pick([512, 4_096]);
    return this.#image(names, (inode) => this.#survivor(inode, chance, sector));
  }

  open(path: string, mode: OpenMode): Promise<StoreFile> {
    return later(() => this.openSync(path, mode));
  }

  openSync(path: string, mode: OpenMode): StoreFile {
    this.#call();
    let inode = this.#names.get(path);
    if (inode && mode === 'exclusive') throw fileError('EEXIST', path);
    if (!inode) {
      if (mode === 'read' || mode === 'write' || !this.#directories.has(parent(path))) throw fileError('ENOENT', path);
      this.#maybeFail('write', path);
      inode = new Inode();
      this.#rename(parent(path), [[path, inode]]);
    }
    return this.#file(inode, path);
  }

  stat(path: string): Promise<FileStat | undefined> {
    return later(() => this.#statNow(path));
  }

  #statNow(path: string): FileStat | undefined {
    this.#call();
    const seen = this.#names.get(path)?.seen;
    return seen && { size: seen.size, allocated: seen.allocated, modified: 0, changed: 0, inode: 0 };
  }

  list(directory: string): Promise<DirectoryEntry[]> {
    return later(() => this.#listNow(directory));
  }

  #listNow(directory: string): DirectoryEntry[] {
    this.#call();
    const names: DirectoryEntry[] = [];
    const in_ = (path: string): boolean => parent(path) === directory;
    for (const path of this.#names.keys())
      if (in_(path)) names.push({ name: path.slice(directory.length + 1), directory: false });
    for (const path of this.#directories)
      if (in_(path)) names.push({ name: path.slice(directory.length + 1), directory: true });
    return names.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  makeDirectory(path: string): Promise<void> {
    return later(() => this.#makeDirectoryNow(path));
  }

  #makeDirectoryNow(path: string): void {
    this.#call();
    for (let made = path; made !== ''; made = parent(made)) this.#directories.add(made);
  }

  remove(path: string): Promise<void> {
    return later(() => this.#removeNow(path));
  }

  #removeNow(path: string): void {
    this.#call();
    if (this.#names.has(path)) this.#rename(parent(path), [[path, undefined]]);
  }

  removeTree(path: string): Promise<void> {
    return later(() => this.#removeTreeNow(path));
  }

  #removeTreeNow(path: string): void {
    this.#call();
    for (const name of this.#names.keys())
      if (name.startsWith(`${path}/`)) this.#rename(parent(name), [[name, undefined]]);
    for (const name of this.#directories)
      if (name === path || name.startsWith(`${path}/`)) this.#directories.delete(name);
  }

  rename(from: string, to: string): Promise<void> {
    return later(() => this.#renameNow(from, to));
  }

  #renameNow(from: string, to: string): void {
    this.#call();
    const inode = this.#names.get(from);
    if (!inode) throw fileError('ENOENT', from);
    this.#maybeFail('write', from);
    this.#rename(parent(from), [
      [from, undefined],
      [to, inode],
    ]);
  }

  async syncDirectory(path: string): Promise<void> {
    // As a thread does it: after the caller has gone on.
    await Promise.resolve();
    this.#call();
    this.#maybeFail('sync', path);
    for (const { directory, entries } of this.#nameChanges) {
      if (directory === path) for (const [name, inode] of entries) setName(this.#namesOnDisk, name, inode);
    }
    this.#nameChanges = this.#nameChanges.filter(({ directory }) => directory !== path);
  }

  get writesMayWait(): boolean {
    return this.random.chance(this.plan.syncing);
  }

  diskUsage(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  #file(inode: Inode, path: string): StoreFile {
    const sync = (): void => {
      this.#call();
      if (this.#fails('sync')) {
        // As Linux does: what could not be written counts as clean from now on, and may never get to the disk.
        inode.unsynced = [];
        throw fileError(this.plan.code, path);
      }
      inode.sync();
    };
    const writeSync: StoreFile['writeSync'] = (source, offset, length, position) => {
      this.#call();
      this.#maybeFail('write', path);
      const count = this.random.chance(this.plan.shortWrites) ? this.random.integer(1, length) : length;
      const change = { at: position, bytes: Buffer.from(source.subarray(offset, offset + count)) };
      apply(inode.seen, change);
      inode.unsynced.push(change);
      return count;
    };
    const read = (target: Buffer, offset: number, length: number, position: number): number => {
      this.#call();
      return inode.seen.read(target, offset, length, position);
    };
    const truncate = (size: number): void => {
      this.#call();
      this.#maybeFail('write', path);
      apply(inode.seen, { size });
      inode.unsynced.push({ size });
    };
    return {
      size: () => later(() => inode.seen.size),
      read: (...args) => later(() => read(...args)),
      writeSync,
      write: (...args) => later(() => writeSync(...args)),
      truncate: (size) => later(() => truncate(size)),
      sync: async () => {
        await Promise.resolve();
        sync();
      },
      close: () => Promise.resolve(),
    };
  }

  #call(): void {
    if (!this.dead) this.calls++;
    if (this.plan.dieAt > 0 && this.calls >= this.plan.dieAt) this.dead = true;
    if (this.dead) throw new ProcessDied('the process has died');
  }

  #fails(kind: 'write' | 'sync'): boolean {
    const { failing, failFrom, failTo } = this.plan;
    return failing === kind && this.calls >= failFrom && this.calls < failTo;
  }

  #maybeFail(kind: 'write' | 'sync', path: string): void {
    if (this.#fails(kind)) throw fileError(this.plan.code, path);
  }

  #rename(directory: string, entries: NameChange['entries']): void {
    for (const [path, inode] of entries) setName(this.#names, path, inode);
    this.#nameChanges.push({ directory, entries });
  }

  #survivor(inode: Inode, chance: number, sector: number): MemoryContent {
    const content = inode.disk.clone();
    for (const change of inode.unsynced) {
      if ('size' in change) {
        if (this.random.chance(chance)) content.truncate(change.size);
        continue;
      }
      const end = change.at + change.bytes.length;
      for (let from = change.at; from < end;) {
        const to = Math.min(end, from - (from % sector) + sector);
        if (this.random.chance(chance)) content.write(change.bytes, from - change.at, to - from, from);
        from = to;
      }
    }
    return content;
  }

  #image(names: Map<string, Inode>, of: (inode: Inode) => MemoryContent): MemoryFileSystem {
    const image = new MemoryFileSystem(() => 0);
    for (const path of this.#directories) image.directories.add(path);
    for (const [path, inode] of names) image.files.set(path, of(inode).clone());
    return image;
  }
}

function apply(content: MemoryContent, change: Change): void {
  if ('size' in change) content.truncate(change.size);
  else content.write(change.bytes, 0, change.bytes.length, change.at);
}

function setName(names: Map<string, Inode>, path: string, inode: Inode | undefined): void {
  if (inode) names.set(path, inode);
  else names.delete(path);
}

function parent(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}
