// Reads and writes one file of the config folder, so that a crash leaves the old or the new one. Falls back to the backup,
// and keeps a damaged file under another name.
import { dirname } from 'node:path';
import { isObject, parseJson, silentLogger } from '@nest-rocketmq/remoting/internal';
import type { JsonObject, Logger } from '@nest-rocketmq/remoting/internal';
import { StoreError } from '../store/errors.js';
import type { FileSystem, StoreFile } from '../store/files/file-system.js';
import { isObstacle } from '../store/files/obstacles.js';
import { readFully, writeFully } from '../store/files/segment.js';

/** A larger file counts as damaged, bytes. */
const LARGEST_FILE = 256 * 1024 * 1024;

export interface ConfigFileOptions {
  fileSystem: FileSystem;
  /** Such as `<store>/config/topics.json`. */
  path: string;
  /** The member that holds the entries. A file without such an object counts as damaged. Default: not checked. */
  table?: string;
  logger?: Logger;
  /** ms since the epoch, for the name of a damaged file. */
  now?: () => number;
}

/** Where what was loaded comes from: `nothing` where neither the file nor a backup is there, `damaged` where one was. */
export type ConfigSource = 'file' | 'backup' | 'nothing' | 'damaged';

export interface LoadedConfig {
  /** What was saved last. Keys of objects may be unquoted numbers, as Apache writes them. */
  saved: JsonObject | undefined;
  source: ConfigSource;
}

interface Read {
  value?: JsonObject;
  /** What is wrong with it. */
  fault?: string;
  /** The system could not read it, so it may be intact. */
  unreadable?: boolean;
}

export class ConfigFile {
  readonly #options: ConfigFileOptions;
  readonly #fileSystem: FileSystem;
  readonly #path: string;
  readonly #backup: string;
  readonly #unfinished: string;
  readonly #logger: Logger;
  /** Whether the file is known to be intact. */
  #good = false;

  constructor(options: ConfigFileOptions) {
    const { fileSystem, path, logger = silentLogger } = options;
    this.#options = options;
    this.#fileSystem = fileSystem;
    this.#path = path;
    this.#backup = `${path}.bak`;
    this.#unfinished = `${path}.tmp`;
    this.#logger = logger;
  }

  /**
   * Loads what was saved last, from the backup where the file is missing or damaged. A damaged file is renamed, and logged.
   * @throws StoreError CONFIG_FILE_UNREADABLE where the system cannot read a file that may be intact
   */
  async load(): Promise<LoadedConfig> {
    const current = await this.#read(this.#path);
    this.#good = current.value !== undefined;
    if (current.value) return { saved: current.value, source: 'file' };
    const backup = await this.#read(this.#backup);
    const unreadable = [current, backup].find((read) => read.unreadable);
    if (unreadable && !backup.value) throw this.#unreadable(current, backup);
    const aside = current.fault === undefined ? '' : await this.#setAside(this.#path);
    if (backup.value) {
      this.#logger.warn(`${this.#path} ${current.fault ?? 'is missing'}: its backup is used${aside}`);
      return { saved: backup.value, source: 'backup' };
    }
    if (current.fault === undefined && backup.fault === undefined) return { saved: undefined, source: 'nothing' };
    if (backup.fault !== undefined) await this.#setAside(this.#backup);
    this.#logger.error(
      `${this.#path} ${current.fault ?? 'is missing'}, and its backup ${backup.fault ?? 'is missing'}: the broker starts ` +
        `without what they held${aside}`,
    );
    return { saved: undefined, source: 'damaged' };
  }

  /**
   * Resolves when the value survives a loss of power. Must not be called while another save is under way.
   */
  async save(value: unknown): Promise<void> {
    const directory = dirname(this.#path);
    await this.#fileSystem.makeDirectory(directory);
    const first = !this.#good && (await this.#read(this.#path)).value === undefined;
    await this.#write(value);
    await this.#replace();
    // The first save makes a backup too, so that there is always one.
    if (first && (await this.#read(this.#backup)).value === undefined) {
      await this.#write(value);
      await this.#rename(this.#unfinished, this.#backup);
    }
    await this.#fileSystem.syncDirectory(directory);
  }

  async #replace(): Promise<void> {
    // Only an intact file may replace the backup, or two crashes in a row would leave no intact file.
    if (this.#good || (await this.#read(this.#path)).value !== undefined) {
      await this.#rename(this.#path, this.#backup);
      this.#good = false;
    }
    await this.#rename(this.#unfinished, this.#path);
    this.#good = true;
  }

  /** Renames a file, also where a folder has its name. */
  async #rename(from: string, to: string): Promise<void> {
    try {
      await this.#fileSystem.rename(from, to);
    } catch (error) {
      if (!isObstacle(error)) throw error;
      this.#logger.warn(`${to} is not a file${await this.#setAside(to)}`);
      await this.#fileSystem.rename(from, to);
    }
  }

  /** Writes under a temporary name until the file is complete: neither a crash nor a full disk leaves half a file. */
  async #write(value: unknown): Promise<void> {
    const bytes = Buffer.from(JSON.stringify(value, undefined, '\t'));
    const file = await this.#openUnfinished();
    try {
      if ((await file.size()) > 0) await file.truncate(0);
      await writeFully(file, bytes, 0, bytes.length, 0);
      await file.sync();
    } finally {
      await file.close();
    }
  }

  async #openUnfinished(): Promise<StoreFile> {
    try {
      return await this.#fileSystem.open(this.#unfinished, 'create');
    } catch (error) {
      if (!isObstacle(error)) throw error;
      await this.#setAside(this.#unfinished);
      return this.#fileSystem.open(this.#unfinished, 'create');
    }
  }

  /** Renames a damaged file, so that it can be examined. Returns a clause for the log that says so. */
  async #setAside(path: string): Promise<string> {
    const { now = Date.now } = this.#options;
    const time = new Date(now()).toISOString().replace(/\D/g, '').slice(0, 14);
    const kept = `${path}.damaged-${time}`;
    try {
      await this.#fileSystem.rename(path, kept);
      return `; what was there is kept as ${kept}`;
    } catch (error) {
      return `; it cannot be moved aside: ${String(error)}`;
    }
  }

  #unreadable(current: Read, backup: Read): StoreError {
    return new StoreError(
      'CONFIG_FILE_UNREADABLE',
      `${this.#path} ${current.fault ?? 'is missing'}, and its backup ${backup.fault ?? 'is missing'}. Make them readable, ` +
        'or move them away to start without what they hold.',
    );
  }

  async #read(path: string): Promise<Read> {
    try {
      const stat = await this.#fileSystem.stat(path);
      if (!stat) return {};
      if (stat.size === 0) return { fault: 'is empty' };
      if (stat.size > LARGEST_FILE) return { fault: `has ${stat.size} bytes, which is too much to be one` };
      const file = await this.#fileSystem.open(path, 'read');
      try {
        const bytes = Buffer.alloc(stat.size);
        return this.#parse(bytes.subarray(0, await readFully(file, bytes, 0, bytes.length, 0)));
      } finally {
        await file.close();
      }
    } catch (error) {
      const folder = isObstacle(error);
      return folder ? { fault: 'is not a file' } : { fault: `cannot be read (${String(error)})`, unreadable: true };
    }
  }

  #parse(bytes: Buffer): Read {
    const { table } = this.#options;
    let value: unknown;
    try {
      value = parseJson(bytes);
    } catch (error) {
      return { fault: `cannot be read (${String(error)})` };
    }
    if (!isObject(value) || value instanceof Map) return { fault: 'does not hold a JSON object' };
    if (table !== undefined && !isObject(value[table])) return { fault: `has no object ${table}` };
    return { value };
  }
}
