// Owns opening, migrating and closing the database.
import { Global, Logger, Module } from '@nestjs/common';
import type { OnApplicationShutdown } from '@nestjs/common';
import { AppConfig } from '../config.js';
import { Database } from './database.js';
import { migrate } from './migrations.js';

async function open(config: AppConfig): Promise<Database> {
  const logger = new Logger('Database');
  if (config.databaseUrl) {
    const { PostgresDatabase } = await import('./postgres-database.js');
    logger.log('PostgreSQL server of DATABASE_URL');
    return new PostgresDatabase(config.databaseUrl);
  }
  const { PGliteDatabase } = await import('./pglite-database.js');
  logger.log(`embedded PostgreSQL in ${config.databaseDirectory} (set DATABASE_URL for a server)`);
  return PGliteDatabase.open(config.databaseDirectory);
}

@Global()
@Module({
  providers: [
    {
      provide: Database,
      inject: [AppConfig],
      useFactory: async (config: AppConfig): Promise<Database> => {
        const database = await open(config);
        await migrate(database);
        return database;
      },
    },
  ],
  exports: [Database],
})
export class DatabaseModule implements OnApplicationShutdown {
  constructor(private readonly database: Database) {}

  /** The last phase of a shutdown: listeners have finished in the one before. */
  async onApplicationShutdown(): Promise<void> {
    await this.database.close();
  }
}
