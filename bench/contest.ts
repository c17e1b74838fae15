// Measures servers in turn (A, B, A, B, …), so that changes in the machine's speed affect all of them.
import { cpus } from 'node:os';
import { cleanUp } from '../test/interop/harness/clean-up.js';
import { type Measurement, oneLine, type Round } from './figures.js';
import type { Contest } from './options.js';
import type { ServerName } from './servers.js';

export const print = (line: string): void => void process.stdout.write(`${line}\n`);

type Measure = (server: ServerName) => Promise<Measurement>;

async function inTurn(servers: readonly ServerName[], rounds: number, measure: Measure): Promise<Round[]> {
  const done: Round[] = [];
  for (let i = 0; i < rounds; i++) {
    const round: Measurement[] = [];
    for (const server of servers) {
      const measurement = await measure(server);
      print(`${server}: ${oneLine(measurement)}`);
      round.push(measurement);
    }
    done.push(round);
  }
  return done;
}

/** Each measurement has a server of its own: for what a start and a restart take. */
export function compareFresh({ a, b, pairs }: Contest, measure: Measure): Promise<Round[]> {
  return inTurn([a, b], pairs, async (server) => {
    try {
      return await measure(server);
    } finally {
      await cleanUp();
    }
  });
}

/**
 * Starts and warms up all servers, keeps them running, and measures them in turn: for the speed of a server that has
 * run for a while. A JVM needs half a minute under load to compile its hot code.
 */
export class RunningServers<T> {
  private constructor(private readonly running: ReadonlyMap<ServerName, T>) {}

  static async start<T>(
    names: readonly ServerName[],
    start: (server: ServerName) => Promise<T>,
  ): Promise<RunningServers<T>> {
    const running = new Map<ServerName, T>();
    for (const name of new Set(names)) running.set(name, await start(name));
    return new RunningServers(running);
  }

  compare(
    servers: readonly ServerName[],
    rounds: number,
    measure: (running: T, server: ServerName) => Promise<Measurement>,
  ): Promise<Round[]> {
    return inTurn(servers, rounds, (server) => measure(this.running.get(server)!, server));
  }

  /** Ends them, and removes what they stored. */
  stop(): Promise<void> {
    return cleanUp();
  }
}

export const machine = (): string => `${cpus().length} cores (${cpus()[0]?.model}), Node ${process.versions.node}`;
