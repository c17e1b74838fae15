// Provides the app's one database, and closes it last.
import { Global, Module } from '@nestjs/common';
import type { OnApplicationShutdown } from '@nestjs/common';
import { AppConfig } from '../config.js';
import { Database } from './database.js';
import { openDatabase } from './open-database.js';

@Global()
@Module({
  providers: [
    {
      provide: Database,
      inject: [AppConfig],
      useFactory: openDatabase,
    },
  ],
  exports: [Database],
})
export class DatabaseModule implements OnApplicationShutdown {
  constructor(private readonly database: Database) {}

  /** Closes in the last phase of a shutdown: listeners have ended in an earlier one. */
  async onApplicationShutdown(): Promise<void> {
    await this.database.close();
  }
}
