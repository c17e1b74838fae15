// Owns PostgreSQL inside this process, so that the sample needs no server.
import { PGlite } from '@electric-sql/pglite';
import { Database } from './database.js';
import type { Queryable } from './database.js';

export class PGliteDatabase extends Database {
  private constructor(private readonly pglite: PGlite) {
    super();
  }

  /** @param directory created when it is not there; 'memory://' keeps nothing */
  static async open(directory: string): Promise<PGliteDatabase> {
    return new PGliteDatabase(await PGlite.create({ dataDir: directory }));
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

  close(): Promise<void> {
    return this.pglite.close();
  }
}
