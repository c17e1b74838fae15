// Lists the database libraries that the outbox works with, for tests on PGlite and on a real PostgreSQL.
import { drizzle } from 'drizzle-orm/node-postgres';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { drizzleOn, knexOn, typeOrm } from './outbox-library.js';
import type { Library } from './outbox-library.js';

const INSERT = 'INSERT INTO orders (id) VALUES ($1)';

export const LIBRARIES: readonly Library[] = [
  typeOrm('postgres', INSERT),
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
  knexOn('pg'),
  drizzleOn((url, connections) => {
    const pool = new pg.Pool({ connectionString: url, max: connections });
    return [drizzle({ client: pool }), () => pool.end()];
  }),
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
