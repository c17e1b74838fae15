// Remembers which files and names of a folder may not survive a loss of power yet.
import { dirname } from 'node:path';
import type { FileSystem } from './file-system.js';

export class UnsyncedFiles {
  /** Undefined with none, for there may be 40,000 folders. */
  #files: Set<number> | undefined;
  #newNames = false;

  /** @param depth how many folders, from `directory` upwards, may be new */
  constructor(
    private readonly fileSystem: FileSystem,
    private readonly directory: string,
    private readonly depth: number,
  ) {}

  /** Bytes were written to the file that begins at `start`. */
  add(start: number): void {
    this.#files ??= new Set();
    this.#files.add(start);
  }

  addNames(): void {
    this.#newNames = true;
  }

  get any(): boolean {
    return this.#files !== undefined;
  }

  /** The files, for the caller to sync; each is returned once. */
  takeFiles(): Iterable<number> {
    const taken = this.#files ?? [];
    this.#files = undefined;
    return taken;
  }

  /** Folders with new names, for the caller to sync; each is returned once. */
  takeFolders(): string[] {
    if (!this.#newNames) return [];
    this.#newNames = false;
    const folders = [this.directory];
    for (let folder = this.directory; folders.length < this.depth;) folders.push((folder = dirname(folder)));
    return folders;
  }

  async syncNames(): Promise<void> {
    const folders = this.takeFolders();
    try {
      for (const folder of folders) await this.fileSystem.syncDirectory(folder);
    } catch (error) {
      this.#newNames = true;
      throw error;
    }
  }
}
