// Runs bench/nest: rounds of measurements in turn, and the table of their medians.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cleanUp } from '../../test/interop/harness/clean-up.js';
import { machine, print } from '../contest.js';
import { oneLine, tableOfRuns, type Measurement, type Round } from '../figures.js';
import { contestants, type Contestant } from './contestants.js';
import { measure } from './measure.js';
import { parseOptions } from './options.js';
import { startServers } from './servers.js';

const options = parseOptions(process.argv.slice(2));

for (const name of options.names) {
  const { needs }: Contestant = contestants[name];
  if (needs === undefined || existsSync(join(options.peers, 'node_modules', needs))) continue;
  print(
    `${name} is left out: ${needs} is not in ${options.peers || 'any folder'}. Install it there, and give --peers.`,
  );
  options.names = options.names.filter((each) => each !== name);
}

const servers = await startServers(
  options.names.map((name) => contestants[name].server),
  options,
);
try {
  const rounds: Round[] = [];
  for (let round = 0; round < options.pairs; round++) {
    const measurements: Measurement[] = [];
    for (const name of options.names) {
      const measurement = await measure(contestants[name], servers.get(contestants[name].server)!, options);
      print(`${name}: ${oneLine(measurement)}`);
      measurements.push(measurement);
    }
    rounds.push(measurements);
  }
  print(`\nJSON of ${options.size} B, ${options.underWay} sends under way; ${machine()}\n`);
  print(tableOfRuns(options.names, rounds));
} finally {
  for (const server of servers.values()) await server.stop();
  await cleanUp();
}
