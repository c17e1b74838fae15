// Lists the database libraries that the outbox works with, for tests on PGlite and on a real PostgreSQL.
import { drizzle } from 'drizzle-orm/node-postgres';
import { sql } from 'drizzle-orm';
import knex from 'knex';
import type { RocketMQOutbox } from 'nest-rocketmq/outbox';
import type { OutboxDatabase, OutboxTransaction } from 'nest-rocketmq/outbox';
import pg from 'pg';
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

const INSERT = 'INSERT INTO orders (id) VALUES ($1)';

export const LIBRARIES: readonly Library[] = [
  {
    name: 'TypeORM',
    tells: true,
    async open(url, connections) {
      const source = new DataSource({ type: 'postgres', url, poolSize: connections });
      await source.initialize();
      return {
        database: source,
        place: (id, work) =>
          source.transaction(async (manager) => {
            await manager.query(INSERT, [id]);
            await work(manager);
          }),
        close: () => source.destroy(),
      };
    },
  },
  {
    name: "TypeORM's query runner",
    tells: true,
    async open(url, connections) {
      const source = new DataSource({ type: 'postgres', url, poolSize: connections });
      await source.initialize();
      return {
        database: source,
        async place(id, work) {
          const runner = source.createQueryRunner();
          await runner.startTransaction();
          try {
            await runner.query(INSERT, [id]);
            await work(runner);
            await runner.commitTransaction();
          } catch (error) {
            await runner.rollbackTransaction();
            throw error;
          } finally {
            await runner.release();
          }
        },
        close: () => source.destroy(),
      };
    },
  },
  {
    name: 'Knex',
    tells: true,
    async open(url, connections) {
      const database = knex({ client: 'pg', connection: url, pool: { min: 0, max: connections } });
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
  },
  {
    name: 'Drizzle',
    tells: false,
    async open(url, connections) {
      const pool = new pg.Pool({ connectionString: url, max: connections });
      const database = drizzle({ client: pool });
      return {
        database,
        place: (id, work) =>
          database.transaction(async (transaction) => {
            await transaction.execute(sql`INSERT INTO orders (id) VALUES (${id})`);
            await work(transaction);
          }),
        close: () => pool.end(),
      };
    },
  },
  {
    name: 'pg',
    tells: false,
    async open(url, connections) {
      const pool = new pg.Pool({ connectionString: url, max: connections });
      return {
        database: pool,
        async place(id, work) {
          const client = await pool.connect();
          try {
            await client.query('BEGIN');
            await client.query(INSERT, [id]);
            await work(client);
            await client.query('COMMIT');
          } catch (error) {
            await client.query('ROLLBACK');
            throw error;
          } finally {
            client.release();
          }
        },
        close: () => pool.end(),
      };
    },
  },
];

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
