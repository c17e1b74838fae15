// Tells whether the process that holds a lock still lives, from what the system says about it.
import * as fs from 'node:fs';

const BOOT_TICKS_PER_SECOND = 100;
/** Positions behind the command name, the second field of /proc/PID/stat. */
const STATE = 0;
const THREADS = 17;
const START_TICKS = 19;
/** A zombie has ended and waits for its parent to notice; X is just being removed. */
const DEAD_STATES = new Set(['Z', 'X', 'x']);
/** A link that names the container, within which a process id is valid. */
const CONTAINER = '/proc/self/ns/pid';
/** A process may be this much younger than its lock, ms: the two times come from different clocks. */
const TOLERANCE_MS = 1_000;

/** Reads a system file as text; undefined if there is none. */
export type ReadSystemFile = (path: string) => string | undefined;

/** Tells a process from a later one with the same id. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Start time, ticks since boot. */
  readonly start: number;
  /** Identifies the boot of the system and the container, within which the id is valid. */
  readonly system: string;
}

interface ProcessStat {
  state: string;
  threads: number;
  start: number;
}

/** Undefined where the system does not say: anywhere but on Linux. */
export function identityOf(pid: number, read: ReadSystemFile = readSystemFile): ProcessIdentity | undefined {
  const stat = statOf(pid, read);
  const system = systemOf(read);
  return stat && system !== undefined ? { pid, start: stat.start, system } : undefined;
}

/**
 * Whether the process lives that took a lock.
 * @param since when the lock was taken, ms since the epoch
 * @param identity of the process, if the lock names it
 */
export function isHolderAlive(
  pid: number,
  since: number,
  identity?: ProcessIdentity,
  read: ReadSystemFile = readSystemFile,
): boolean {
  if (!exists(pid)) return false;
  const stat = statOf(pid, read);
  if (!stat) return true;
  // When only the first thread of a program has ended, it is listed as a zombie although the program lives.
  if (DEAD_STATES.has(stat.state) && stat.threads <= 1) return false;
  // The system reuses ids.
  if (identity) return identity.start === stat.start && identity.system === systemOf(read);
  const started = startTime(stat, read);
  return started === undefined || started <= since + TOLERANCE_MS;
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, and belongs to another user.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

function statOf(pid: number, read: ReadSystemFile): ProcessStat | undefined {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The command name is in brackets, and may contain spaces and brackets.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const start = Number(fields[START_TICKS]);
  return Number.isSafeInteger(start)
    ? { state: fields[STATE] ?? '', threads: Number(fields[THREADS]), start }
    : undefined;
}

/** Undefined where the system does not say. */
export function systemOf(read: ReadSystemFile = readSystemFile): string | undefined {
  const boot = read('/proc/sys/kernel/random/boot_id')?.trim();
  return boot === undefined ? undefined : `${boot}/${read(CONTAINER) ?? ''}`;
}

/** ms since the epoch. */
function startTime({ start }: ProcessStat, read: ReadSystemFile): number | undefined {
  const boot = /^btime (\d+)$/m.exec(read('/proc/stat') ?? '');
  return boot ? Number(boot[1]) * 1_000 + (start * 1_000) / BOOT_TICKS_PER_SECOND : undefined;
}

function readSystemFile(path: string): string | undefined {
  try {
    return path === CONTAINER ? fs.readlinkSync(path) : fs.readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}
