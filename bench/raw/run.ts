// Owns the course of bench/raw: for each depth pairs of measurements in turn, and their table. It fails when the oracle
// found anything.
import { compare, machine, print } from '../contest.js';
import { tableOfRuns } from '../figures.js';
import { isFault, measure } from './measure.js';
import { parseOptions } from './options.js';

const options = parseOptions(process.argv.slice(2));
const { a, b, seconds, size, serializeType, syncFlush } = options;
const tables: string[] = [];
for (const depth of options.depths) {
  print(`depth ${depth}`);
  const pairs = await compare(options, (server) =>
    measure(server, depth, options, (verdict) => {
      if (!isFault(verdict)) return;
      print(`${server}, depth ${depth}: NOT ALL MESSAGES ARE AS THEY WERE SENT`);
      process.exitCode = 1;
    }),
  );
  tables.push(`\nDepth ${depth}\n\n${tableOfRuns([a, b], pairs)}`);
}
print(
  `\n${size} B, ${serializeType === 'json' ? 'JSON' : 'binary'} headers, ${syncFlush ? 'sync' : 'async'} flush, ` +
    `${seconds} s after half as long of warm-up; ${machine()}`,
);
for (const table of tables) print(table);
