// Provides the app's one database with the records that are kept in it, of transactions and of done work. Closes it last.
import { Global, Module } from '@nestjs/common';
import type { OnApplicationShutdown } from '@nestjs/common';
import { PostgresTransactionLog } from 'nest-rocketmq';
import { SqlIdempotencyStore } from 'nest-rocketmq/idempotency';
import { AppConfig } from '../config.js';
import { Database } from './database.js';
import { openDatabase } from './open-database.js';
import { TransactionLogCleanup } from './transaction-log-cleanup.js';

@Global()
@Module({
  providers: [
    {
      provide: Database,
      inject: [AppConfig],
      useFactory: openDatabase,
    },
    {
      provide: PostgresTransactionLog,
      inject: [Database],
      useFactory: (database: Database) => new PostgresTransactionLog(database),
    },
    {
      provide: SqlIdempotencyStore,
      inject: [Database],
      useFactory: (database: Database) => new SqlIdempotencyStore(database),
    },
    TransactionLogCleanup,
  ],
  exports: [Database, PostgresTransactionLog, SqlIdempotencyStore],
})
export class DatabaseModule implements OnApplicationShutdown {
  constructor(private readonly database: Database) {}

  /** Closes in the last phase of a shutdown: listeners have ended in an earlier one. */
  async onApplicationShutdown(): Promise<void> {
    await this.database.close();
  }
}
