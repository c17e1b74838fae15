// Opens and migrates the database that the environment names, and explains what is wrong with it.
import { Logger } from '@nestjs/common';
import type { AppConfig } from '../config.js';
import { StartError, reasonOf } from '../start-error.js';
import type { Database } from './database.js';
import { migrate } from './migrations.js';

const logger = new Logger('Database');

/** @throws StartError */
export async function openDatabase(config: AppConfig): Promise<Database> {
  return config.databaseUrl ? openServer(config.databaseUrl) : openEmbedded(config.databaseDirectory);
}

async function openServer(url: string): Promise<Database> {
  const { PostgresDatabase } = await import('./postgres-database.js');
  const { host, pathname } = new URL(url);
  const database = new PostgresDatabase(url);
  try {
    await migrate(database);
  } catch (cause) {
    await database.close();
    const problem = `the PostgreSQL database ${pathname.slice(1)} at ${host} cannot be used: ${reasonOf(cause)}`;
    throw new StartError('DATABASE_URL', problem, { cause });
  }
  logger.log(`PostgreSQL server of DATABASE_URL, ${host}`);
  return database;
}

async function openEmbedded(directory: string): Promise<Database> {
  const { PGliteDatabase } = await import('./pglite-database.js');
  try {
    const database = await PGliteDatabase.open(directory);
    await migrate(database);
    logger.log(`embedded PostgreSQL in ${directory} (set DATABASE_URL for a server)`);
    return database;
  } catch (cause) {
    if (cause instanceof StartError) throw cause;
    throw new StartError('DATABASE_DIR', `no database can be kept in ${directory}: ${reasonOf(cause)}`, { cause });
  }
}
