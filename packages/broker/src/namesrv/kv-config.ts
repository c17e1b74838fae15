// Owns the name server's key-values (kvConfig.json), by namespace. Apache's tools keep ordered topics in them.
import { entriesOf, objectOf } from '@nest-rocketmq/remoting';
import type { ConfigFile } from '../config-file.js';

/** The namespace that names the brokers and queues of ordered topics. */
export const ORDER_TOPIC_CONFIG = 'ORDER_TOPIC_CONFIG';

export class KVConfig {
  readonly #namespaces = new Map<string, Map<string, string>>();

  constructor(private readonly file: ConfigFile) {
    for (const [namespace, table] of Object.entries(objectOf(objectOf(file.load())['configTable']))) {
      this.#namespaces.set(namespace, new Map(entriesOf(table).map(([key, value]) => [String(key), String(value)])));
    }
  }

  get(namespace: string, key: string): string | undefined {
    return this.#namespaces.get(namespace)?.get(key);
  }

  put(namespace: string, key: string, value: string): void {
    let table = this.#namespaces.get(namespace);
    if (!table) this.#namespaces.set(namespace, (table = new Map()));
    table.set(key, value);
    this.#save();
  }

  delete(namespace: string, key: string): void {
    if (this.#namespaces.get(namespace)?.delete(key)) this.#save();
  }

  list(namespace: string): ReadonlyMap<string, string> | undefined {
    return this.#namespaces.get(namespace);
  }

  #save(): void {
    const tables = [...this.#namespaces].map(([namespace, table]) => [namespace, Object.fromEntries(table)] as const);
    this.file.save({ configTable: Object.fromEntries(tables) });
  }
}
