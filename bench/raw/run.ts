// Runs bench/raw: rounds of measurements in turn for each depth, and their table. Fails if the oracle found an error.
import { machine, print, RunningServers } from '../contest.js';
import { tableOfRuns } from '../figures.js';
import { isFault, measure, startWarm } from './measure.js';
import { parseOptions } from './options.js';

const options = parseOptions(process.argv.slice(2));
const { servers: names, seconds, size, serializeType, syncFlush, warmUp } = options;
const running = await RunningServers.start(names, (server) => startWarm(server, options));
const tables: string[] = [];
let measured = 0;
for (const depth of options.depths) {
  print(`depth ${depth}`);
  const rounds = await running.compare(names, options.pairs, (cluster, server) =>
    measure(cluster, server, `BenchRaw${measured++}`, depth, options, (verdict) => {
      if (!isFault(verdict)) return;
      print(`${server}, depth ${depth}: NOT ALL MESSAGES ARE AS THEY WERE SENT`);
      process.exitCode = 1;
    }),
  );
  tables.push(`\nDepth ${depth}\n\n${tableOfRuns(names, rounds)}`);
}
await running.stop();
print(
  `\n${size} B, ${serializeType === 'json' ? 'JSON' : 'binary'} headers, ${syncFlush ? 'sync' : 'async'} flush, ` +
    `${seconds} s after half as long of warm-up, on servers that were under load for ${warmUp} s before; ${machine()}`,
);
for (const table of tables) print(table);
