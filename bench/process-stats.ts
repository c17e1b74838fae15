// Reads a process's CPU time, memory and age from Linux.
import { readFileSync } from 'node:fs';
import { comparable, type Figure } from './figures.js';

/** USER_HZ, which is 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
const FIELDS_BEFORE_UTIME = 11;
const FIELDS_BEFORE_START_TIME = 19;

export interface MemoryUse {
  /** MiB resident now. */
  rss: number;
  /** MiB resident at the highest. */
  peak: number;
}

function statFields(pid: number): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name before the last ')' may hold blanks.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** Seconds of CPU, user and system, of all threads since the process began. */
export function cpuSeconds(pid: number): number {
  const fields = statFields(pid);
  return (Number(fields[FIELDS_BEFORE_UTIME]) + Number(fields[FIELDS_BEFORE_UTIME + 1])) / TICKS_PER_SECOND;
}

/** How long ago the process began, ms, as exact as the system's ticks of 10 ms. */
export function processAge(pid: number): number {
  const uptime = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
  return (uptime - Number(statFields(pid)[FIELDS_BEFORE_START_TIME]) / TICKS_PER_SECOND) * 1000;
}

export function memoryUse(pid: number): MemoryUse {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mebibytes = (key: string): number => Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024;
  return { rss: mebibytes('VmRSS'), peak: mebibytes('VmHWM') };
}

/** @param when put before the names where a benchmark looks several times */
export function memoryFigures(pid: number, when = ''): Figure[] {
  const { rss, peak } = memoryUse(pid);
  return [comparable(`${when}RSS MiB`, rss), comparable(`${when}highest RSS MiB`, peak)];
}
