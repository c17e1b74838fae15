// Owns one file of the folder config: written so that a crash leaves the old or the new one, read with the one before
// as a fall-back. Leaves what is in it to its users.
import { dirname } from 'node:path';
import { parseJson, silentLogger } from '@nest-rocketmq/remoting';
import type { Logger } from '@nest-rocketmq/remoting';
import { StoreError } from './store/errors.js';
import type { FileSystem } from './store/file-system.js';
import { readFullyAside, writeFullyAside } from './store/segment.js';

export interface ConfigFileOptions {
  fileSystem: FileSystem;
  /** Such as `<store>/config/topics.json`. */
  path: string;
  logger?: Logger;
}

export class ConfigFile {
  readonly #fileSystem: FileSystem;
  readonly #path: string;
  readonly #backup: string;
  readonly #unfinished: string;
  readonly #logger: Logger;
  /** Whether the file is known to be whole. */
  #good = false;

  constructor({ fileSystem, path, logger = silentLogger }: ConfigFileOptions) {
    this.#fileSystem = fileSystem;
    this.#path = path;
    this.#backup = `${path}.bak`;
    this.#unfinished = `${path}.tmp`;
    this.#logger = logger;
  }

  /**
   * What was saved last; undefined where nothing ever was. Keys of objects may be unquoted numbers, as Apache writes.
   * @throws StoreError CONFIG_FILE_DAMAGED where neither the file nor its backup can be read
   */
  async load(): Promise<unknown> {
    const current = await this.#read(this.#path);
    this.#good = current.value !== undefined;
    if (this.#good) return current.value;
    const backup = await this.#read(this.#backup);
    if (backup.value !== undefined) {
      this.#logger.warn(`${this.#path} ${current.fault ?? 'is missing'}: its backup is used`);
      return backup.value;
    }
    if (current.fault === undefined && backup.fault === undefined) return undefined;
    throw new StoreError(
      'CONFIG_FILE_DAMAGED',
      `${this.#path} ${current.fault ?? 'is missing'}, and its backup ${backup.fault ?? 'is missing'}. Repair one of ` +
        'them, or remove both to start without what they held.',
    );
  }

  /**
   * Resolves when the value survives a loss of power; a slow disk holds up nobody else. Not to be called while one is
   * under way.
   */
  async save(value: unknown): Promise<void> {
    const directory = dirname(this.#path);
    await this.#fileSystem.aside.makeDirectory(directory);
    await this.#write(value);
    await this.#replace();
    await this.#fileSystem.syncDirectory(directory);
  }

  async #replace(): Promise<void> {
    const { aside } = this.#fileSystem;
    // Only a good file may take the backup's place, or two crashes in a row would leave none.
    if (this.#good || (await this.#read(this.#path)).value !== undefined) await aside.rename(this.#path, this.#backup);
    this.#good = false;
    await aside.rename(this.#unfinished, this.#path);
    this.#good = true;
  }

  /** Under a name of its own until it is whole: neither a crash nor a full disk leaves half a file. */
  async #write(value: unknown): Promise<void> {
    const bytes = Buffer.from(JSON.stringify(value, undefined, '\t'));
    const file = await this.#fileSystem.aside.open(this.#unfinished, 'create');
    try {
      if (file.size() > 0) await file.truncateAside(0);
      await writeFullyAside(file, bytes, 0, bytes.length, 0);
      await file.sync();
    } finally {
      file.close();
    }
  }

  async #read(path: string): Promise<{ value?: unknown; fault?: string }> {
    const { aside } = this.#fileSystem;
    const stat = await aside.stat(path);
    if (!stat) return {};
    if (stat.size === 0) return { fault: 'is empty' };
    try {
      const file = await aside.open(path, 'read');
      try {
        const bytes = Buffer.alloc(stat.size);
        return { value: parseJson(bytes.subarray(0, await readFullyAside(file, bytes, 0, bytes.length, 0))) };
      } finally {
        file.close();
      }
    } catch (error) {
      return { fault: `cannot be read (${String(error)})` };
    }
  }
}
