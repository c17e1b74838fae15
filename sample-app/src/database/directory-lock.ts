// Locks a database directory for one process: PGlite itself would let two processes destroy it.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export class DirectoryInUseError extends Error {
  constructor(directory: string, holder: string) {
    super(
      `The database in ${directory} is in use by ${holder}. End it, or set DATABASE_DIR to another directory, ` +
        `or DATABASE_URL to a PostgreSQL server.`,
    );
  }
}

/**
 * Makes the directory where it is missing.
 * @returns what gives the directory free again
 * @throws DirectoryInUseError naming the process that has it, and what to do
 */
export function lockDirectory(directory: string): () => void {
  const file = join(directory, 'lock');
  mkdirSync(directory, { recursive: true });
  if (!take(file)) {
    const holder = Number(readFileSync(file, 'utf8'));
    if (isAlive(holder)) {
      throw new DirectoryInUseError(directory, `process ${holder}`);
    }
    // Its process was killed. PostgreSQL recovers the directory by itself.
    rmSync(file, { force: true });
    if (!take(file)) throw new DirectoryInUseError(directory, 'a process that has just started');
  }
  return () => rmSync(file, { force: true });
}

function take(file: string): boolean {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function isAlive(pid: number): boolean {
  // 0 and NaN stand for a file that a killed process left half written; 0 would mean this process's own group.
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
