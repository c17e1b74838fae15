// Provides data directories with PostgreSQL already set up: setting one up takes seconds, a copy does not.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';

const { dependencies } = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')) as {
  dependencies: Record<string, string>;
};

/** An empty database that no test ever opens: made by the first run, kept until the dependencies are installed anew. */
const TEMPLATE = join(import.meta.dirname, `../../node_modules/.cache/pglite-${dependencies['@electric-sql/pglite']}`);

/** A directory for DATABASE_DIR with an empty database in it. The test removes it. */
export async function databaseDirectory(directory = mkdtempSync(join(tmpdir(), 'database-'))): Promise<string> {
  if (!existsSync(TEMPLATE)) await makeTemplate();
  cpSync(TEMPLATE, join(directory, 'data'), { recursive: true });
  return directory;
}

/** An empty database, open, in a directory of its own. */
export interface TestDatabase {
  readonly database: PGlite;
  readonly directory: string;
  /** Closes it, and removes the directory. */
  close(): Promise<void>;
}

export async function openTestDatabase(): Promise<TestDatabase> {
  const directory = await databaseDirectory();
  const database = await PGlite.create({ dataDir: join(directory, 'data') });
  return {
    database,
    directory,
    async close() {
      await database.close();
      rmSync(directory, { recursive: true });
    },
  };
}

async function makeTemplate(): Promise<void> {
  mkdirSync(dirname(TEMPLATE), { recursive: true });
  const own = mkdtempSync(`${TEMPLATE}-`);
  await (await PGlite.create({ dataDir: own })).close();
  try {
    renameSync(own, TEMPLATE);
  } catch (error) {
    rmSync(own, { recursive: true });
    // Another process of this test run was faster.
    if (!existsSync(TEMPLATE)) throw error;
  }
}
