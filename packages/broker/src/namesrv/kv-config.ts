// Keeps the name server's key-value entries by namespace (kvConfig.json). Apache's tools keep ordered topics in them.
import { isObject, objectOf } from '@nest-rocketmq/remoting/internal';
import type { Logger } from '@nest-rocketmq/remoting/internal';
import { usableEntries } from '../metadata/config-entries.js';
import type { ConfigFile } from '../metadata/config-file.js';
import { requireAtMost, requireShort } from '../config/limits.js';
import { WriteThroughSave } from '../metadata/write-through-save.js';

/** The namespace that names the brokers and queues of ordered topics. */
export const ORDER_TOPIC_CONFIG = 'ORDER_TOPIC_CONFIG';

const text = (_key: string, value: unknown): string | undefined =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : undefined;
/** Characters of a value: an ordered topic on 1,024 brokers has fewer. */
const LONGEST_VALUE = 262_144;

export interface KVConfigOptions {
  file: ConfigFile;
  /** What the file holds: as `ConfigFile.load` gives it. */
  saved: unknown;
  logger: Logger;
  maxKVConfigs: number;
}

export class KVConfig {
  readonly #namespaces = new Map<string, Map<string, string>>();
  readonly #save: WriteThroughSave;
  readonly #max: number;

  constructor({ file, saved, logger, maxKVConfigs }: KVConfigOptions) {
    this.#max = maxKVConfigs;
    this.#save = new WriteThroughSave({ file, logger, content: () => this.#json() });
    const decode = (namespace: string, table: unknown): Map<string, string> | undefined =>
      isObject(table)
        ? new Map(usableEntries(`keys of ${namespace} in kvConfig.json`, table, text, logger).usable)
        : undefined;
    const { configTable } = objectOf(saved);
    const { usable } = usableEntries('namespaces of kvConfig.json', configTable, decode, logger);
    for (const [namespace, table] of usable) this.#namespaces.set(namespace, table);
  }

  get(namespace: string, key: string): string | undefined {
    return this.#namespaces.get(namespace)?.get(key);
  }

  /** Resolves when it survives a loss of power. @throws LimitExceededError */
  put(namespace: string, key: string, value: string): Promise<void> {
    requireShort(namespace, 'the namespace');
    requireShort(key, 'the key');
    requireAtMost(value.length, LONGEST_VALUE, 'LONGEST_VALUE', 'characters of a value');
    if (this.get(namespace, key) === undefined)
      requireAtMost(this.#count() + 1, this.#max, 'maxKVConfigs', 'key-value entries');
    let table = this.#namespaces.get(namespace);
    if (!table) this.#namespaces.set(namespace, (table = new Map()));
    table.set(key, value);
    return this.#save.save();
  }

  /** Resolves when that survives a loss of power. */
  async delete(namespace: string, key: string): Promise<void> {
    const table = this.#namespaces.get(namespace);
    if (!table?.delete(key)) return;
    // Whoever puts and deletes must not fill the memory with names.
    if (table.size === 0) this.#namespaces.delete(namespace);
    await this.#save.save();
  }

  list(namespace: string): ReadonlyMap<string, string> | undefined {
    return this.#namespaces.get(namespace);
  }

  #count(): number {
    let count = 0;
    for (const table of this.#namespaces.values()) count += table.size;
    return count;
  }

  #json(): object {
    const tables = [...this.#namespaces].map(([namespace, table]) => [namespace, Object.fromEntries(table)] as const);
    return { configTable: Object.fromEntries(tables) };
  }
}
