// Reads a program's task from its command line, and measures what it does: so many messages, so long, so much CPU.
import { setTimeout as sleep } from 'node:timers/promises';

export interface Task {
  readonly mode: string;
  /** Address of the server, unless there is none. */
  readonly server: string;
  /** Folder for files of this program. */
  readonly folder: string;
  /** A folder with node_modules in which peers are installed. */
  readonly peers: string;
  /** Body, bytes. */
  readonly size: number;
  readonly underWay: number;
  /** Messages to consume. */
  readonly messages: number;
  readonly warmUp: number;
  readonly seconds: number;
}

export interface Result {
  readonly messages: number;
  readonly ms: number;
  /** User and system time of this process. */
  readonly cpuMicros: number;
}

export const task = JSON.parse(process.argv[2] ?? '{}') as Task;

/** Sends and received messages; sends wait while the listener is this far behind. */
const MOST_BEHIND = 5_000;

export class Counter {
  sent = 0;
  done = 0;
  #wake: (() => void) | undefined;

  received(): void {
    this.done++;
    if (this.#wake && this.sent - this.done < MOST_BEHIND) this.#wake();
  }

  /** Keeps so many sends under way until `stopped`. @param behind whether received messages count */
  async run(send: () => Promise<unknown>, behind: boolean, stopped: () => boolean): Promise<void> {
    const loop = async (): Promise<void> => {
      while (!stopped()) {
        if (behind && this.sent - this.done >= MOST_BEHIND) await this.#caughtUp();
        await send();
        this.sent++;
      }
    };
    await Promise.all(Array.from({ length: task.underWay }, loop));
  }

  #caughtUp(): Promise<void> {
    return new Promise((resolve) => {
      const before = this.#wake;
      this.#wake = () => {
        this.#wake = undefined;
        before?.();
        resolve();
      };
    });
  }
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Prints `begin`, and `end` with the result: whoever started this reads the servers' CPU at these lines. */
async function measured(count: () => number, over: () => Promise<void>): Promise<void> {
  say('begin');
  const cpu = process.cpuUsage();
  const from = performance.now();
  const before = count();
  await over();
  const { user, system } = process.cpuUsage(cpu);
  const result: Result = { messages: count() - before, ms: performance.now() - from, cpuMicros: user + system };
  say(`end ${JSON.stringify(result)}`);
}

/** Measures a load: sends, and the messages that come of them if `received` is counted. */
export async function measureLoad(counter: Counter, send: () => Promise<unknown>, received: boolean): Promise<void> {
  let stopped = false;
  const load = counter.run(send, received, () => stopped);
  await Promise.race([load, sleep(task.warmUp * 1000)]);
  await measured(
    () => (received ? counter.done : counter.sent),
    () => Promise.race([load, sleep(task.seconds * 1000)]),
  );
  stopped = true;
  await load;
}

/** Measures how a backlog is consumed: its first quarter is warm-up. @param start begins to consume */
export async function measureBacklog(counter: Counter, start: () => Promise<unknown>): Promise<void> {
  const until = async (done: number): Promise<void> => {
    while (counter.done < done) await sleep(2);
  };
  await start();
  await until(task.messages / 4);
  await measured(
    () => counter.done,
    () => until(task.messages),
  );
}
