// Runs bench/send: rounds of measurements in turn (A, B, limit, A, B, limit, …), and the table of their medians.
import { machine, print, RunningServers } from '../contest.js';
import { tableOfRuns } from '../figures.js';
import { servers } from '../servers.js';
import { measure } from './measure.js';
import { parseOptions } from './options.js';

const options = parseOptions(process.argv.slice(2));
const { servers: names, threads, size, syncFlush, interval, intervals, warmUp } = options;
const running = await RunningServers.start(names, (server) => servers[server]({ syncFlush }));
const rounds = await running.compare(names, options.pairs, (cluster, server) => measure(cluster, server, options));
print(
  `\n${threads} threads, ${size} B, ${syncFlush ? 'sync' : 'async'} flush, ${intervals} intervals of ${interval} ms ` +
    `after ${warmUp} s of warm-up, on servers that keep running; ${machine()}\n`,
);
print(tableOfRuns(names, rounds));
await running.stop();
