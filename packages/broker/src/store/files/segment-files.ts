// Owns a folder of files of one size, which together are one long row of bytes. Knows no record.
import { dirname } from 'node:path';
import type { FileStat, FileSystem, StoreFile } from './file-system.js';
import { isInTheWay, moveObstacles } from './obstacles.js';
import type { OpenFiles } from './open-files.js';
import { findSegments } from './segment-folder.js';
import { isZero, readFully, readFullyAside, segmentName, writeFully, writeFullyAside, writeZeros } from './segment.js';

const CLEAR_STEP = 262_144;
/** What a file may take up beyond its bytes: rounding, and the file system's own map of it. */
const ALLOCATION_SLACK = 131_072;
const PAGE = 4_096;

export class SegmentFiles {
  /** Where each file begins, ascending. */
  starts: number[] = [];
  /** Files with the name of a segment and another size. They are left alone. */
  misfits: string[] = [];
  /** Bytes that were missing at the end of files; they are zeros now. */
  cut: { from: number; to: number }[] = [];
  readonly #open: OpenFiles;
  readonly #fileSystem: FileSystem;
  /** Files noted to be synced; undefined with none, for there may be 40,000 rows of files. */
  #unsynced: Set<number> | undefined;
  /** Whether there are names that may not survive a loss of power yet. */
  #newNames = false;

  constructor(
    open: OpenFiles,
    readonly directory: string,
    readonly fileSize: number,
    /** How many folders, from `directory` upwards, the first file may have made. */
    readonly depth: number,
  ) {
    this.#open = open;
    this.#fileSystem = open.fileSystem;
  }

  /**
   * Finds the files that are there. Other names are left alone.
   * @param mend whether a file that is shorter is damaged, and not of a store with other sizes
   * @param shorten whether a longer one is damaged, too
   */
  async load(mend: boolean, shorten = false): Promise<this> {
    const { directory, fileSize } = this;
    const { starts, misfits, damaged } = await findSegments(this.#fileSystem, directory, { fileSize, mend, shorten });
    this.starts = starts;
    this.misfits = misfits;
    this.cut = [];
    if (misfits.length > 0) return this;
    for (const { start, size } of damaged) {
      this.file(start).truncate(fileSize);
      if (size < fileSize) this.cut.push({ from: start + size, to: start + fileSize });
    }
    return this;
  }

  get first(): number {
    return this.starts[0] ?? 0;
  }

  /** End of the last file; 0 with no file. */
  get end(): number {
    return this.starts.length === 0 ? 0 : this.starts[this.starts.length - 1] + this.fileSize;
  }

  startOf(position: number): number {
    return position - (position % this.fileSize);
  }

  has(start: number): boolean {
    const { starts } = this;
    // Asked for the last file nearly always.
    return starts[starts.length - 1] === start || starts.includes(start);
  }

  pathOf(start: number): string {
    return `${this.directory}/${segmentName(start)}`;
  }

  stat(start: number): FileStat | undefined {
    return this.has(start) ? this.#fileSystem.stat(this.pathOf(start)) : undefined;
  }

  /** The same off the thread. */
  async statAside(start: number): Promise<FileStat | undefined> {
    return this.has(start) ? this.#fileSystem.aside.stat(this.pathOf(start)) : undefined;
  }

  /** The file that begins at `start`, which is there. Good until the caller returns to the event loop. */
  file(start: number): StoreFile {
    return this.#open.get(this.pathOf(start));
  }

  /** Makes the file that begins at `start`, full of holes, unless it is there. */
  ensure(start: number): void {
    if (this.has(start)) return;
    try {
      this.#make(start);
    } catch (error) {
      if (!this.#clearTheWay(start, error)) throw error;
      this.#make(start);
    }
    this.#add(start);
  }

  #make(start: number): void {
    this.#fileSystem.makeDirectory(this.directory);
    const file = this.#fileSystem.open(this.pathOf(start), 'create');
    try {
      file.truncate(this.fileSize);
    } finally {
      file.close();
    }
  }

  /** The same off the thread. */
  async ensureAside(start: number): Promise<void> {
    if (this.has(start)) return;
    try {
      await this.#makeAside(start);
    } catch (error) {
      if (!this.#clearTheWay(start, error)) throw error;
      await this.#makeAside(start);
    }
    if (!this.has(start)) this.#add(start);
  }

  async #makeAside(start: number): Promise<void> {
    const { aside } = this.#fileSystem;
    await aside.makeDirectory(this.directory);
    const file = await aside.open(this.pathOf(start), 'create');
    try {
      await file.truncateAside(this.fileSize);
    } finally {
      file.close();
    }
  }

  /** False where nothing was in the way. */
  #clearTheWay(start: number, error: unknown): boolean {
    if (!isInTheWay(error)) return false;
    const moved = moveObstacles(this.#fileSystem, this.pathOf(start), this.depth - 1);
    for (const [from, to] of moved) this.#open.onMoved(from, to);
    return moved.length > 0;
  }

  /** Reads within one file; fewer bytes than asked for where the file is missing or ends. */
  read(target: Buffer, offset: number, length: number, position: number): number {
    const start = this.startOf(position);
    if (!this.has(start)) return 0;
    const inFile = position - start;
    return readFully(this.file(start), target, offset, Math.min(length, this.fileSize - inFile), inFile);
  }

  /** The same off the thread. */
  async readAside(target: Buffer, offset: number, length: number, position: number): Promise<number> {
    const start = this.startOf(position);
    if (!this.has(start)) return 0;
    const inFile = position - start;
    const wanted = Math.min(length, this.fileSize - inFile);
    return readFullyAside(this.#open.aside(this.pathOf(start)), target, offset, wanted, inFile);
  }

  /** Whether a read may have to wait for a disk. */
  get onDisk(): boolean {
    return this.#fileSystem.onDisk;
  }

  /** Writes within one file. */
  write(source: Buffer, offset: number, length: number, position: number): void {
    const start = this.startOf(position);
    writeFully(this.file(start), source, offset, length, position - start);
  }

  /** Writes within one file, off the thread. Resolves with how many bytes were taken, which may be fewer. */
  writeAside(source: Buffer, offset: number, length: number, position: number): Promise<number> {
    const start = this.startOf(position);
    return this.#open.aside(this.pathOf(start)).writeAside(source, offset, length, position - start);
  }

  /** Writes all of it within one file, off the thread. */
  writeFullyAside(source: Buffer, offset: number, length: number, position: number): Promise<void> {
    const start = this.startOf(position);
    return writeFullyAside(this.#open.aside(this.pathOf(start)), source, offset, length, position - start);
  }

  /** Whether a write on the thread might have to wait for the disk now. */
  get writesMayWait(): boolean {
    return this.#fileSystem.writesMayWait;
  }

  zero(position: number, length: number): void {
    const start = this.startOf(position);
    writeZeros(this.file(start), position - start, length);
  }

  /** Overwrites with zeros what is not zero in [from, to) of one file. Returns whether anything was. */
  async clear(from: number, to: number): Promise<boolean> {
    let cleared = false;
    const bytes = Buffer.allocUnsafe(Math.min(CLEAR_STEP, Math.max(0, to - from)));
    for (let at = from; at < to; at += CLEAR_STEP) {
      const length = await this.readAside(bytes, 0, Math.min(CLEAR_STEP, to - at), at);
      if (isZero(bytes, length)) continue;
      this.zero(at, length);
      cleared = true;
    }
    return cleared;
  }

  /**
   * Up to where bytes may stand behind `position`, before which the file has no holes: what room it takes up tells
   * whether the rest is one.
   */
  farthestBehind(position: number): number {
    const start = this.startOf(position);
    const fileEnd = start + this.fileSize;
    const allocated = this.stat(start)?.allocated ?? Infinity;
    const pageEnd = position + ((PAGE - ((position - start) % PAGE)) % PAGE);
    if (allocated <= pageEnd - start) return Math.min(pageEnd, fileEnd);
    return allocated <= position - start + ALLOCATION_SLACK ? Math.min(position + ALLOCATION_SLACK, fileEnd) : fileEnd;
  }

  /** Makes one file's bytes, and the names of the new ones, survive a loss of power. */
  async sync(start: number): Promise<void> {
    await this.syncNames();
    await this.syncBytes(start);
  }

  async syncBytes(start: number): Promise<void> {
    if (this.has(start)) await this.#open.sync(this.pathOf(start));
  }

  noteUnsynced(start: number): void {
    this.#unsynced ??= new Set();
    this.#unsynced.add(start);
  }

  get hasUnsynced(): boolean {
    return this.#unsynced !== undefined;
  }

  /** The files that were noted, for the caller to sync; none are told twice. */
  takeUnsynced(): Iterable<number> {
    const taken = this.#unsynced ?? [];
    this.#unsynced = undefined;
    return taken;
  }

  async syncNames(): Promise<void> {
    const folders = this.takeFolders();
    try {
      for (const folder of folders) await this.#fileSystem.syncDirectory(folder);
    } catch (error) {
      this.#newNames = true;
      throw error;
    }
  }

  /** Folders with new names, for the caller to sync; none are told twice. */
  takeFolders(): string[] {
    if (!this.#newNames) return [];
    this.#newNames = false;
    const folders = [this.directory];
    while (folders.length < this.depth) folders.push(dirname(folders[folders.length - 1]));
    return folders;
  }

  remove(start: number): void {
    const path = this.#forget(start);
    if (path !== undefined) this.#fileSystem.remove(path);
  }

  /** Off the thread: it is not one of the files any more when this returns, and has gone when it resolves. */
  async removeAside(start: number): Promise<void> {
    const path = this.#forget(start);
    if (path !== undefined) await this.#fileSystem.aside.remove(path);
  }

  removeAll(): void {
    for (const start of this.starts) this.#open.drop(this.pathOf(start));
    this.#fileSystem.removeTree(this.directory);
    this.starts.length = 0;
  }

  #forget(start: number): string | undefined {
    const at = this.starts.indexOf(start);
    if (at < 0) return undefined;
    const path = this.pathOf(start);
    this.#open.drop(path);
    this.starts.splice(at, 1);
    return path;
  }

  #add(start: number): void {
    this.#newNames = true;
    this.starts.push(start);
    if (this.starts.length > 1 && this.starts[this.starts.length - 2] > start) this.starts.sort((a, b) => a - b);
  }
}
