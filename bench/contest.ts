// Owns the course of a comparison: A, B, A, B, …, each on a server that is started fresh and gone afterwards.
import { cpus } from 'node:os';
import { cleanUp } from '../test/interop/harness/clean-up.js';
import { type Measurement, oneLine, type Pair } from './figures.js';
import type { Contest } from './options.js';
import type { ServerName } from './servers.js';

export const print = (line: string): void => void process.stdout.write(`${line}\n`);

export async function compare(
  { a, b, pairs }: Contest,
  measure: (server: ServerName) => Promise<Measurement>,
): Promise<Pair[]> {
  const one = async (server: ServerName): Promise<Measurement> => {
    try {
      const measurement = await measure(server);
      print(`${server}: ${oneLine(measurement)}`);
      return measurement;
    } finally {
      await cleanUp();
    }
  };
  const done: Pair[] = [];
  for (let i = 0; i < pairs; i++) done.push([await one(a), await one(b)]);
  return done;
}

export const machine = (): string => `${cpus().length} cores (${cpus()[0].model}), Node ${process.versions.node}`;
