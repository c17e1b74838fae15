// Defines what the app needs of a database. PostgreSQL provides it, in this process or on a server.

export interface Queryable {
  /** @param parameters for $1, $2, … */
  query<Row>(sql: string, parameters?: unknown[]): Promise<Row[]>;
}

export abstract class Database implements Queryable {
  abstract query<Row>(sql: string, parameters?: unknown[]): Promise<Row[]>;

  /** Commits when `work` resolves, rolls back when it rejects. Inside, use only `transaction`. */
  abstract transaction<T>(work: (transaction: Queryable) => Promise<T>): Promise<T>;

  abstract close(): Promise<void>;
}
