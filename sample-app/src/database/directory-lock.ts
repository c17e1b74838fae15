// Locks a database directory for one process: PGlite itself would let two processes destroy it.
import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StartError } from '../start-error.js';

/** In a container each start has the same process id: the rest tells one from the next. */
const THIS_PROCESS = `${process.pid}-${randomUUID()}`;

export class DirectoryInUseError extends StartError {
  constructor(directory: string, pid: number) {
    const other = `If that is no order service, remove ${join(directory, 'lock.d')}.`;
    const remedy = `End it, set another directory, or set DATABASE_URL to a PostgreSQL server. ${other}`;
    super('DATABASE_DIR', `the database in ${directory} is in use by process ${pid}. ${remedy}`);
  }
}

/**
 * Locks the directory, and creates it if it is missing. Each process puts a file of its own into `lock.d` before it looks for
 * others, so that of two that start at once at least one sees the other. Files of processes that were killed are removed;
 * PostgreSQL recovers the directory by itself.
 * @returns a function that unlocks it
 * @throws DirectoryInUseError that names the process which holds it, and the remedy
 */
export function lockDirectory(directory: string): () => void {
  const locks = join(directory, 'lock.d');
  const own = join(locks, THIS_PROCESS);
  mkdirSync(locks, { recursive: true });
  if (!create(own)) throw new DirectoryInUseError(directory, process.pid);
  for (const name of readdirSync(locks)) {
    if (name === THIS_PROCESS) continue;
    const pid = Number(name.split('-')[0]);
    if (pid !== process.pid && isAlive(pid)) {
      rmSync(own);
      throw new DirectoryInUseError(directory, pid);
    }
    rmSync(join(locks, name), { force: true });
  }
  return () => rmSync(own, { force: true });
}

function create(file: string): boolean {
  try {
    writeFileSync(file, '', { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function isAlive(pid: number): boolean {
  // What is no number was not put here by this app. kill(0) would reach this process's own group.
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
