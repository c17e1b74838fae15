// Opens the database libraries that the outbox works with, as far as they are used alike on all databases.
import { sql } from 'drizzle-orm';
import type { SQL } from 'drizzle-orm';
import knex from 'knex';
import type { OutboxDatabase, OutboxTransaction, RocketMQOutbox } from 'nest-rocketmq/outbox';
import { DataSource } from 'typeorm';

/** One library, connected. */
export interface OpenLibrary {
  readonly database: OutboxDatabase;
  /** Inserts an order by the library, then runs `work` in the same transaction: a throw of `work` rolls both back. */
  place(id: string, work: (transaction: OutboxTransaction) => Promise<unknown>): Promise<void>;
  close(): Promise<void>;
}

export interface Library {
  readonly name: string;
  /** Whether its transactions tell of their commit. */
  readonly tells: boolean;
  /** @param connections at most */
  open(url: string, connections: number): Promise<OpenLibrary>;
}

/** @param insert the statement that inserts an order, with a parameter for its id */
export const typeOrm = (type: 'postgres' | 'mariadb', insert: string): Library => ({
  name: 'TypeORM',
  tells: true,
  async open(url, connections) {
    const source = new DataSource({ type, url, poolSize: connections });
    await source.initialize();
    return {
      database: source,
      place: (id, work) =>
        source.transaction(async (manager) => {
          await manager.query(insert, [id]);
          await work(manager);
        }),
      close: () => source.destroy(),
    };
  },
});

export const knexOn = (client: 'pg' | 'mysql2'): Library => ({
  name: 'Knex',
  tells: true,
  async open(url, connections) {
    const database = knex({ client, connection: url, pool: { min: 0, max: connections } });
    return {
      database,
      place: (id, work) =>
        database.transaction(async (transaction) => {
          await transaction('orders').insert({ id });
          await work(transaction);
        }),
      close: () => database.destroy(),
    };
  },
});

/** What Drizzle's databases have in common. */
interface DrizzleDatabase<Transaction> {
  transaction(work: (transaction: Transaction) => Promise<void>): Promise<void>;
}

/** @param connect makes Drizzle's database, and says how to close what it stands on */
export const drizzleOn = <Transaction extends OutboxTransaction & { execute(statement: SQL): PromiseLike<unknown> }>(
  connect: (url: string, connections: number) => [OutboxDatabase & DrizzleDatabase<Transaction>, () => Promise<void>],
): Library => ({
  name: 'Drizzle',
  tells: false,
  async open(url, connections) {
    const [database, close] = connect(url, connections);
    return {
      database,
      place: (id, work) =>
        database.transaction(async (transaction) => {
          await transaction.execute(sql`INSERT INTO orders (id) VALUES (${id})`);
          await work(transaction);
        }),
      close,
    };
  },
});

/** Writes the message of an order in its transaction. */
export async function placeWithMessage(
  library: OpenLibrary,
  outbox: RocketMQOutbox,
  id: string,
  fails = false,
  topic = 'order',
): Promise<void> {
  await library.place(id, async (transaction) => {
    await outbox.send(transaction, `${topic}:created`, { id }, { shardingKey: 'k', keys: id });
    if (fails) throw new Error('rolled back');
  });
}
