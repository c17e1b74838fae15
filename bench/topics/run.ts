// Runs bench/topics: both servers in turn, and their table. Fails if a message is missing.
import { compareFresh, machine, print } from '../contest.js';
import { shown, tableOfFigures } from '../figures.js';
import { requireOpenFiles } from './limits.js';
import { measure } from './measure.js';
import { parseOptions } from './options.js';

const options = parseOptions(process.argv.slice(2));
const { a, b, topics, queues, delayed, level, timers, timerDelay, timed, timedSeconds } = options;
if (a === 'apache' || b === 'apache') requireOpenFiles(topics * queues);
const pairs = await compareFresh(options, (server) =>
  measure(server, options, (what, lost) => {
    print(`${server}: ${lost} ACKNOWLEDGED MESSAGES ARE MISSING (${what})`);
    process.exitCode = 1;
  }),
);
print(
  `\n${shown(topics)} topics of ${queues} queues; ${shown(delayed)} messages pending at level ${level}; ` +
    `${shown(timers)} with a time ${shown(timerDelay)} s away; ` +
    `${shown(timed)} of levels 1 to 3, and with times of 1 to 10 s, in ${timedSeconds} s; medians of ${options.pairs}; ${machine()}\n`,
);
print(tableOfFigures([a, b], pairs));
