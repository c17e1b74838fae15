// Starts the processes of interop tests and benchmarks, reads their lines, and makes sure that none is left over.
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { reaperFile } from './paths.js';

/** How long a child has after SIGTERM before it is killed, ms: Apache's broker takes up to 25 s on a quiet machine. */
const STOP_PATIENCE_MS = 120_000;
const LINES_IN_AN_ERROR = 40;

export interface ExitStatus {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface ChildOptions {
  /** Added to this process's environment. */
  env?: Record<string, string>;
  cwd?: string;
  /** Called with every line of standard output and standard error. */
  onLine?: (line: string) => void;
}

let reaper: ChildProcess | undefined;

function tellReaper(message: string): void {
  if (reaper === undefined) {
    reaper = spawn(process.execPath, [reaperFile], { stdio: ['pipe', 'ignore', 'inherit'], detached: true });
    reaper.unref();
    (reaper.stdin as unknown as { unref(): void }).unref();
  }
  reaper.stdin!.write(`${message}\n`);
}

const running = new Set<Child>();

export class Child {
  readonly exited: Promise<ExitStatus>;
  readonly pid: number;
  private readonly lines: string[] = [];
  private readonly watchers = new Set<() => void>();
  private exitStatus: ExitStatus | undefined;

  constructor(
    readonly name: string,
    private readonly process: ChildProcess,
    private readonly onLine: ((line: string) => void) | undefined,
  ) {
    if (process.pid === undefined)
      throw new Error(`${name} could not be started: is ${process.spawnfile} on the PATH?`);
    this.pid = process.pid;
    tellReaper(`+${this.pid}`);
    running.add(this);
    this.read(process.stdout!);
    this.read(process.stderr!);
    // Its pid may be another process's before its output ends, which what it has started may hold open.
    process.once('exit', () => tellReaper(`-${this.pid}`));
    this.exited = new Promise((resolve) => {
      process.once('close', (code, signal) => {
        running.delete(this);
        this.exitStatus = { code, signal };
        this.notify();
        resolve(this.exitStatus);
      });
    });
  }

  /**
   * The first line, past or to come, that matches.
   * Rejects when the child ends or `timeoutMs` passes before, with the child's last lines in the message.
   */
  line(pattern: RegExp, timeoutMs: number): Promise<string> {
    return new Promise((resolve, reject) => {
      // A peer may print thousands of lines: each is looked at once.
      let seen = 0;
      const look = (): void => {
        let found: string | undefined;
        while (found === undefined && seen < this.lines.length) {
          const line = this.lines[seen++]!;
          if (pattern.test(line)) found = line;
        }
        if (found === undefined && this.exitStatus === undefined) return;
        clearTimeout(limit);
        this.watchers.delete(look);
        if (found !== undefined) resolve(found);
        else reject(this.failure(`ended (${JSON.stringify(this.exitStatus)}) before it printed ${pattern}`));
      };
      const limit = setTimeout(() => {
        this.watchers.delete(look);
        reject(this.failure(`did not print ${pattern} within ${timeoutMs} ms`));
      }, timeoutMs);
      this.watchers.add(look);
      look();
    });
  }

  failure(what: string): Error {
    return new Error(`${this.name} ${what}; its last lines:\n${this.lines.slice(-LINES_IN_AN_ERROR).join('\n')}`);
  }

  /** SIGTERM, and SIGKILL when that has no effect for so long, ms. Resolves when the process is gone. */
  async stop(patience = STOP_PATIENCE_MS): Promise<ExitStatus> {
    if (this.exitStatus !== undefined) return this.exitStatus;
    this.process.kill('SIGTERM');
    const limit = setTimeout(() => this.process.kill('SIGKILL'), patience);
    const status = await this.exited;
    clearTimeout(limit);
    return status;
  }

  /** SIGKILL. Resolves when the process is gone. */
  kill(): Promise<ExitStatus> {
    this.process.kill('SIGKILL');
    return this.exited;
  }

  private read(stream: Readable): void {
    createInterface({ input: stream }).on('line', (line) => {
      this.lines.push(line);
      this.onLine?.(line);
      this.notify();
    });
  }

  private notify(): void {
    for (const watcher of this.watchers) watcher();
  }
}

export function startChild(name: string, command: string, args: readonly string[], options: ChildOptions = {}): Child {
  const started = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // A command that is not there is reported by the constructor, through the missing pid.
  started.on('error', () => undefined);
  return new Child(name, started, options.onLine);
}

/** Kills what was started and has not ended. */
export async function endAllChildren(): Promise<void> {
  await Promise.all([...running].map((child) => child.kill()));
}
