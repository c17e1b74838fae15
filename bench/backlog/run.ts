// Runs bench/backlog: both servers in turn, and their table. Fails if a message is missing.
import { compareFresh, machine, print } from '../contest.js';
import { tableOfFigures } from '../figures.js';
import { dropCaches } from '../start-time.js';
import { measure } from './measure.js';
import { parseOptions } from './options.js';

const options = parseOptions(process.argv.slice(2));
const { a, b, messages, size, pairs: count, rounds, probes } = options;
const cache = dropCaches() ? 'page cache dropped before each start and reading' : 'page cache not dropped: root may';
const pairs = await compareFresh(options, (server) =>
  measure(server, options, (when, lost) => {
    print(`${server}: ${lost} ACKNOWLEDGED MESSAGES ARE MISSING (${when})`);
    process.exitCode = 1;
  }),
);
print(
  `\n${messages.toLocaleString('en')} messages of ${size} B, ${rounds} rounds of ${probes} sends, ${cache}, ` +
    `medians of ${count}; ${machine()}\n`,
);
print(tableOfFigures([a, b], pairs));
