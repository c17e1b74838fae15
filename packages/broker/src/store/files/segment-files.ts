// Presents a folder of files of one size as one long range of bytes.
import type { FileStat, FileSystem, StoreFile } from './file-system.js';
import { isObstacle, renameObstacles } from './obstacles.js';
import type { OpenFiles } from './open-files.js';
import { findSegments } from './segment-folder.js';
import { isZero, readFully, segmentName, writeFully, writeZeros } from './segment.js';
import { UnsyncedFiles } from './unsynced-files.js';

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
  readonly unsynced: UnsyncedFiles;
  /** The first file is made when this has ended: an earlier folder of that name is being removed. */
  after: Promise<void> | undefined;
  readonly #open: OpenFiles;
  readonly #fileSystem: FileSystem;

  constructor(
    open: OpenFiles,
    readonly directory: string,
    readonly fileSize: number,
    /** How many folders, from `directory` upwards, the first file may have made. */
    readonly depth: number,
  ) {
    this.#open = open;
    this.#fileSystem = open.fileSystem;
    this.unsynced = new UnsyncedFiles(open.fileSystem, directory, depth);
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
      await this.#open.use(this.pathOf(start), (file) => file.truncate(fileSize));
      if (size < fileSize) this.cut.push({ from: start + size, to: start + fileSize });
    }
    return this;
  }

  get first(): number {
    return this.starts[0] ?? 0;
  }

  /** End of the last file; 0 with no file. */
  get end(): number {
    const last = this.starts.at(-1);
    return last === undefined ? 0 : last + this.fileSize;
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

  /** Undefined if there is no such file. */
  async stat(start: number): Promise<FileStat | undefined> {
    return this.has(start) ? this.#fileSystem.stat(this.pathOf(start)) : undefined;
  }

  /** The file that begins at `start`, if it is open. Good until the caller returns to the event loop. */
  openFile(start: number): StoreFile | undefined {
    return this.has(start) ? this.#open.peek(this.pathOf(start)) : undefined;
  }

  /** Makes the file that begins at `start`, full of holes, unless it is there. */
  async ensure(start: number): Promise<void> {
    await this.after;
    if (this.has(start)) return;
    try {
      await this.#make(start);
    } catch (error) {
      if (!isObstacle(error) || !(await this.#renameObstacles(start))) throw error;
      await this.#make(start);
    }
    if (!this.has(start)) this.#add(start);
  }

  async #make(start: number): Promise<void> {
    await this.#fileSystem.makeDirectory(this.directory);
    const file = await this.#fileSystem.open(this.pathOf(start), 'create');
    try {
      await file.truncate(this.fileSize);
    } finally {
      await file.close();
    }
  }

  /** False if there were none. */
  async #renameObstacles(start: number): Promise<boolean> {
    const renamed = await renameObstacles(this.#fileSystem, this.pathOf(start), this.depth - 1);
    for (const [from, to] of renamed) this.#open.onMoved(from, to);
    return renamed.length > 0;
  }

  /** Reads within one file; fewer bytes than asked for if the file is missing or ends. */
  async read(target: Buffer, offset: number, length: number, position: number): Promise<number> {
    const start = this.startOf(position);
    if (!this.has(start)) return 0;
    const inFile = position - start;
    const wanted = Math.min(length, this.fileSize - inFile);
    return this.#open.use(this.pathOf(start), (file) => readFully(file, target, offset, wanted, inFile));
  }

  /** Writes within one file. Resolves with how many bytes were taken, which may be fewer. */
  write(source: Buffer, offset: number, length: number, position: number): Promise<number> {
    const start = this.startOf(position);
    return this.#open.use(this.pathOf(start), (file) => file.write(source, offset, length, position - start));
  }

  /** Writes all of it within one file. */
  writeFully(source: Buffer, offset: number, length: number, position: number): Promise<void> {
    const start = this.startOf(position);
    return this.#open.use(this.pathOf(start), (file) => writeFully(file, source, offset, length, position - start));
  }

  /** Whether a blocking write might have to wait for the disk now. */
  get writesMayWait(): boolean {
    return this.#fileSystem.writesMayWait;
  }

  get onDisk(): boolean {
    return this.#fileSystem.onDisk;
  }

  /** Overwrites with zeros within one file. */
  zero(position: number, length: number): Promise<void> {
    const start = this.startOf(position);
    return this.#open.use(this.pathOf(start), (file) => writeZeros(file, position - start, length));
  }

  /** Overwrites with zeros what is not zero in [from, to) of one file. Resolves with whether anything was. */
  async clear(from: number, to: number): Promise<boolean> {
    let cleared = false;
    const bytes = Buffer.allocUnsafe(Math.min(CLEAR_STEP, Math.max(0, to - from)));
    for (let at = from; at < to; at += CLEAR_STEP) {
      const length = await this.read(bytes, 0, Math.min(CLEAR_STEP, to - at), at);
      if (isZero(bytes, length)) continue;
      await this.zero(at, length);
      cleared = true;
    }
    return cleared;
  }

  /**
   * Up to where bytes may stand behind `position`, before which the file has no holes: the space that it takes up tells
   * whether the rest is one.
   */
  async farthestBehind(position: number): Promise<number> {
    const start = this.startOf(position);
    const fileEnd = start + this.fileSize;
    const allocated = (await this.stat(start))?.allocated ?? Infinity;
    const pageEnd = position + ((PAGE - ((position - start) % PAGE)) % PAGE);
    if (allocated <= pageEnd - start) return Math.min(pageEnd, fileEnd);
    return allocated <= position - start + ALLOCATION_SLACK ? Math.min(position + ALLOCATION_SLACK, fileEnd) : fileEnd;
  }

  /** Makes one file's bytes, and the names of the new ones, survive a loss of power. */
  async sync(start: number): Promise<void> {
    await this.unsynced.syncNames();
    await this.syncBytes(start);
  }

  async syncBytes(start: number): Promise<void> {
    if (this.has(start)) await this.#open.sync(this.pathOf(start));
  }

  /**
   * It is not one of the files any more when this returns, and has gone when it resolves.
   * @throws what the disk throws; then it is one of the files again, so that it can be removed later
   */
  async remove(start: number): Promise<void> {
    const at = this.starts.indexOf(start);
    if (at < 0) return;
    const path = this.pathOf(start);
    this.#open.drop(path);
    this.starts.splice(at, 1);
    try {
      await this.#fileSystem.remove(path);
    } catch (error) {
      this.#insert(start);
      throw error;
    }
  }

  /** There are no files any more when this returns, and the folder has gone when it resolves. */
  async removeAll(): Promise<void> {
    for (const start of this.starts) this.#open.drop(this.pathOf(start));
    this.starts.length = 0;
    await this.#fileSystem.removeTree(this.directory);
  }

  #add(start: number): void {
    this.unsynced.addNames();
    this.#insert(start);
  }

  #insert(start: number): void {
    const last = this.starts.at(-1);
    this.starts.push(start);
    if (last !== undefined && last > start) this.starts.sort((a, b) => a - b);
  }
}
