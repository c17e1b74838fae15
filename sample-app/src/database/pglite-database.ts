// Runs PostgreSQL inside this process, so that the sample needs no server.
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { Database } from './database.js';
import type { Queryable } from './database.js';
import { lockDirectory } from './directory-lock.js';

const IN_MEMORY = 'memory://';

export class PGliteDatabase extends Database {
  private constructor(
    private readonly pglite: PGlite,
    private readonly release: () => void,
  ) {
    super();
  }

  /** @param directory created if missing; 'memory://' stores nothing */
  static async open(directory: string): Promise<PGliteDatabase> {
    if (directory === IN_MEMORY) return new PGliteDatabase(await PGlite.create(), () => {});
    const release = lockDirectory(directory);
    try {
      return new PGliteDatabase(await PGlite.create({ dataDir: join(directory, 'data') }), release);
    } catch (error) {
      release();
      throw error;
    }
  }

  async query<Row>(sql: string, parameters?: unknown[]): Promise<Row[]> {
    const { rows } = await this.pglite.query<Row>(sql, parameters);
    return rows;
  }

  transaction<T>(work: (transaction: Queryable) => Promise<T>): Promise<T> {
    return this.pglite.transaction((transaction) =>
      work({
        async query<Row>(sql: string, parameters?: unknown[]) {
          const { rows } = await transaction.query<Row>(sql, parameters);
          return rows;
        },
      }),
    );
  }

  async close(): Promise<void> {
    await this.pglite.close();
    this.release();
  }
}
