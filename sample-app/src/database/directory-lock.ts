// Locks a database directory for one process: PGlite itself would let two processes destroy it.
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StartError } from '../start-error.js';

/** In a container each start has the same process id: this tells one from the next. */
const THIS_PROCESS = `${process.pid} ${randomUUID()}`;

export class DirectoryInUseError extends StartError {
  constructor(directory: string, holder: string) {
    const other = `If that is no order service, remove ${join(directory, 'lock')}.`;
    const remedy = `End it, set another directory, or set DATABASE_URL to a PostgreSQL server. ${other}`;
    super('DATABASE_DIR', `the database in ${directory} is in use by ${holder}. ${remedy}`);
  }
}

/**
 * Locks the directory, and creates it if it is missing.
 * @returns a function that unlocks it
 * @throws DirectoryInUseError that names the process which holds it, and the remedy
 */
export function lockDirectory(directory: string): () => void {
  const file = join(directory, 'lock');
  mkdirSync(directory, { recursive: true });
  if (!take(file)) {
    const holder = readFileSync(file, 'utf8');
    const pid = Number(holder.split(' ')[0]);
    if (holder === THIS_PROCESS || (pid !== process.pid && isAlive(pid))) {
      throw new DirectoryInUseError(directory, `process ${pid}`);
    }
    // Its process was killed. PostgreSQL recovers the directory by itself.
    rmSync(file, { force: true });
    if (!take(file)) throw new DirectoryInUseError(directory, 'a process that has just started');
  }
  return () => rmSync(file, { force: true });
}

function take(file: string): boolean {
  try {
    writeFileSync(file, THIS_PROCESS, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function isAlive(pid: number): boolean {
  // A killed process may leave the file half written, which reads as 0 or NaN. kill(0) would reach this process's own group.
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
