// Implements the file system in memory, for the `memory` store and for tests. Holes in files take no memory.
import { fileError } from '../errors.js';
import type { DirectoryEntry, DiskUsage, FileStat, FileSystem, OpenMode, StoreFile } from './file-system.js';

const PAGE = 65_536;
const SMALLEST_PAGE = 512;
const NOTHING = Buffer.alloc(0);

/** Bytes of a file. Pages are made, and grow, where they are written to. */
export class MemoryContent {
  size = 0;
  modified = 0;
  readonly pages = new Map<number, Buffer>();

  get allocated(): number {
    let sum = 0;
    for (const page of this.pages.values()) sum += page.length;
    return sum;
  }

  read(target: Buffer, offset: number, length: number, position: number): number {
    const count = Math.max(0, Math.min(length, this.size - position));
    for (let done = 0; done < count;) {
      const at = position + done;
      const inPage = at % PAGE;
      const part = Math.min(PAGE - inPage, count - done);
      const page = this.pages.get((at - inPage) / PAGE) ?? NOTHING;
      // A page may be shorter than the place asked for; copy() refuses to begin beyond its end.
      const copied =
        inPage < page.length ? page.copy(target, offset + done, inPage, Math.min(inPage + part, page.length)) : 0;
      target.fill(0, offset + done + copied, offset + done + part);
      done += part;
    }
    return count;
  }

  write(source: Buffer, offset: number, length: number, position: number): number {
    for (let done = 0; done < length;) {
      const at = position + done;
      const inPage = at % PAGE;
      const part = Math.min(PAGE - inPage, length - done);
      source.copy(this.#page((at - inPage) / PAGE, inPage + part), inPage, offset + done, offset + done + part);
      done += part;
    }
    this.size = Math.max(this.size, position + length);
    return length;
  }

  truncate(size: number): void {
    if (size < this.size) {
      const last = Math.floor(size / PAGE);
      for (const index of this.pages.keys()) if (index > last) this.pages.delete(index);
      this.pages.get(last)?.fill(0, size % PAGE);
    }
    this.size = size;
  }

  clone(): MemoryContent {
    const copy = new MemoryContent();
    copy.size = this.size;
    copy.modified = this.modified;
    for (const [index, page] of this.pages) copy.pages.set(index, Buffer.from(page));
    return copy;
  }

  #page(index: number, needed: number): Buffer {
    const page = this.pages.get(index);
    if (page && page.length >= needed) return page;
    let length = page?.length ?? SMALLEST_PAGE;
    while (length < needed) length *= 2;
    const grown = Buffer.alloc(length);
    page?.copy(grown);
    this.pages.set(index, grown);
    return grown;
  }
}

/** Calls back as a thread of Node's would: after the caller has gone on. */
export async function later<T>(call: () => T): Promise<T> {
  await Promise.resolve();
  return call();
}

export class MemoryFile implements StoreFile {
  constructor(
    readonly content: MemoryContent,
    readonly now: () => number,
  ) {}

  size(): Promise<number> {
    return later(() => this.content.size);
  }

  read(target: Buffer, offset: number, length: number, position: number): Promise<number> {
    return later(() => this.readSync(target, offset, length, position));
  }

  readSync(target: Buffer, offset: number, length: number, position: number): number {
    return this.content.read(target, offset, length, position);
  }

  write(source: Buffer, offset: number, length: number, position: number): Promise<number> {
    return later(() => this.writeSync(source, offset, length, position));
  }

  writeSync(source: Buffer, offset: number, length: number, position: number): number {
    this.content.modified = this.now();
    return this.content.write(source, offset, length, position);
  }

  truncate(size: number): Promise<void> {
    return later(() => this.truncateSync(size));
  }

  truncateSync(size: number): void {
    this.content.truncate(size);
  }

  sync(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Each asynchronous call runs its blocking twin, so that a test needs to override only that. */
export class MemoryFileSystem implements FileSystem {
  /** By path. */
  readonly files = new Map<string, MemoryContent>();
  readonly directories = new Set<string>();
  readonly openStores = new Set<string>();
  readonly onDisk: boolean = false;

  /** @param now stamps files when they are written, ms since the epoch; default the machine's clock */
  constructor(readonly now: () => number = Date.now) {}

  open(path: string, mode: OpenMode): Promise<StoreFile> {
    return later(() => this.openSync(path, mode));
  }

  openSync(path: string, mode: OpenMode): MemoryFile {
    if (this.directories.has(path)) throw fileError('EISDIR', path);
    let content = this.files.get(path);
    if (content && mode === 'exclusive') throw fileError('EEXIST', path);
    if (!content) {
      if (mode === 'read' || mode === 'write' || !this.directories.has(parent(path))) throw fileError('ENOENT', path);
      content = new MemoryContent();
      content.modified = this.now();
      this.files.set(path, content);
    }
    return new MemoryFile(content, this.now);
  }

  stat(path: string): Promise<FileStat | undefined> {
    return later(() => this.statSync(path));
  }

  statSync(path: string): FileStat | undefined {
    const content = this.files.get(path);
    if (!content) return undefined;
    const { size, allocated, modified } = content;
    return { size, allocated, modified, changed: modified, inode: 0 };
  }

  list(directory: string): Promise<DirectoryEntry[]> {
    return later(() => this.listSync(directory));
  }

  listSync(directory: string): DirectoryEntry[] {
    const prefix = `${directory}/`;
    const found: DirectoryEntry[] = [];
    const add = (path: string, isDirectory: boolean): void => {
      const name = path.slice(prefix.length);
      if (path.startsWith(prefix) && !name.includes('/')) found.push({ name, directory: isDirectory });
    };
    for (const path of this.files.keys()) add(path, false);
    for (const path of this.directories) add(path, true);
    return found.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  makeDirectory(path: string): Promise<void> {
    return later(() => this.makeDirectorySync(path));
  }

  makeDirectorySync(path: string): void {
    for (let made = path; made !== ''; made = parent(made)) if (this.files.has(made)) throw fileError('ENOTDIR', made);
    for (let made = path; made !== '' && !this.directories.has(made); made = parent(made)) this.directories.add(made);
  }

  remove(path: string): Promise<void> {
    return later(() => this.removeSync(path));
  }

  removeSync(path: string): void {
    this.files.delete(path);
  }

  removeTree(path: string): Promise<void> {
    return later(() => this.removeTreeSync(path));
  }

  removeTreeSync(path: string): void {
    const prefix = `${path}/`;
    for (const file of this.files.keys()) if (file === path || file.startsWith(prefix)) this.files.delete(file);
    for (const name of this.directories) if (name === path || name.startsWith(prefix)) this.directories.delete(name);
  }

  rename(from: string, to: string): Promise<void> {
    return later(() => this.renameSync(from, to));
  }

  renameSync(from: string, to: string): void {
    const content = this.files.get(from);
    if (content) {
      this.files.delete(from);
      this.files.set(to, content);
      return;
    }
    if (!this.directories.has(from)) throw fileError('ENOENT', from);
    const moved = (path: string): string => to + path.slice(from.length);
    const within = (path: string): boolean => path === from || path.startsWith(`${from}/`);
    for (const [path, file] of [...this.files].filter(([name]) => within(name))) {
      this.files.delete(path);
      this.files.set(moved(path), file);
    }
    for (const path of [...this.directories].filter(within)) {
      this.directories.delete(path);
      this.directories.add(moved(path));
    }
  }

  syncDirectory(): Promise<void> {
    return Promise.resolve();
  }

  get writesMayWait(): boolean {
    return false;
  }

  diskUsage(): Promise<DiskUsage | undefined> {
    return Promise.resolve(undefined);
  }
}

export function memoryFileSystem(now?: () => number): MemoryFileSystem {
  return new MemoryFileSystem(now);
}

function parent(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}
