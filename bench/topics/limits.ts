// Checks that the system lets a broker open as many files as the benchmark needs.
import { readFileSync } from 'node:fs';

/** Logs, indexes, jars, connections. */
const OTHER_FILES = 1000;

/** Apache's broker keeps the file of every queue open, and does not start again when it cannot. */
export function requireOpenFiles(queues: number): void {
  const limit = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  const wanted = queues + OTHER_FILES;
  if (limit === undefined || limit === 'unlimited' || Number(limit) >= wanted) return;
  throw new Error(
    `${queues} queues want ${wanted} open files, and the limit is ${limit}: run \`ulimit -n ${wanted}\` before, or fewer \`--topics\``,
  );
}
