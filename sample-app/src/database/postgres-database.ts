// Connects to a PostgreSQL server.
import { Logger } from '@nestjs/common';
import pg from 'pg';
import { Database } from './database.js';
import type { Queryable } from './database.js';

const CONNECTION_TIMEOUT_MS = 10_000;

export class PostgresDatabase extends Database {
  private readonly pool: pg.Pool;

  constructor(url: string) {
    super();
    this.pool = new pg.Pool({ connectionString: url, connectionTimeoutMillis: CONNECTION_TIMEOUT_MS });
    // An idle connection that breaks is replaced by the pool; without a listener it would end the process.
    this.pool.on('error', (error) => new Logger('Database').warn(`an idle connection broke: ${error.message}`));
  }

  async query<Row>(sql: string, parameters?: unknown[]): Promise<Row[]> {
    const { rows } = await this.pool.query(sql, parameters);
    return rows as Row[];
  }

  async transaction<T>(work: (transaction: Queryable) => Promise<T>): Promise<T> {
    const client = await this.pool.connect();
    let broken: Error | undefined;
    try {
      await client.query('BEGIN');
      const result = await work({
        async query<Row>(sql: string, parameters?: unknown[]) {
          const { rows } = await client.query(sql, parameters);
          return rows as Row[];
        },
      });
      await client.query('COMMIT');
      return result;
    } catch (error) {
      broken = await rollBack(client);
      throw error;
    } finally {
      client.release(broken);
    }
  }

  close(): Promise<void> {
    return this.pool.end();
  }
}

/** The error if the connection must not go back to the pool. */
async function rollBack(client: pg.PoolClient): Promise<Error | undefined> {
  try {
    await client.query('ROLLBACK');
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
