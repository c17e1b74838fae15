// Owns the course of bench/send: pairs of measurements in turn (A, B, A, B, …), and the table of their medians.
import { compare, machine, print } from '../contest.js';
import { tableOfRuns } from '../figures.js';
import { measure } from './measure.js';
import { parseOptions } from './options.js';

const options = parseOptions(process.argv.slice(2));
const { a, b, threads, size, syncFlush, interval, intervals } = options;
const pairs = await compare(options, (server) => measure(server, options));
print(
  `\n${threads} threads, ${size} B, ${syncFlush ? 'sync' : 'async'} flush, ${intervals} intervals of ${interval} ms ` +
    `after one of warm-up; ${machine()}\n`,
);
print(tableOfRuns([a, b], pairs));
