// Measures the delays of an event loop from inside: NODE_OPTIONS=--import loads it into a broker. On SIGUSR2 it writes the
// delays since the last time to the file LOOP_PROBE_FILE. Its cost is one timer each millisecond, which is part of the
// values.
import { renameSync, writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const LONG_NS = 20e6;
const file = process.env.LOOP_PROBE_FILE;
// An embedding app has loaded its modules before it starts a broker: that must not look as if the start took it.
await import(process.env.LOOP_PROBE_MODULES);
const histogram = monitorEventLoopDelay({ resolution: 1 });
histogram.enable();
let reports = 0;

const inMilliseconds = (nanoseconds) => nanoseconds / 1e6;

/** The histogram has no counts of its own, but the k-th smallest value: the first that is long is searched by halves. */
function countLong() {
  const { count } = histogram;
  let short = 0;
  for (let long = count + 1; long - short > 1;) {
    const middle = (short + long) >> 1;
    if (histogram.percentile((100 * middle) / count) > LONG_NS) long = middle;
    else short = middle;
  }
  return count - short;
}

function report() {
  const { count } = histogram;
  const at = (percentile) => inMilliseconds(histogram.percentile(percentile));
  const max = count === 0 ? 0 : inMilliseconds(histogram.max);
  const seen = count === 0 ? { p50: 0, p999: 0, long: 0 } : { p50: at(50), p999: at(99.9), long: countLong() };
  const line = JSON.stringify({ report: ++reports, count, ...seen, max });
  writeFileSync(`${file}.new`, `${line}\n`);
  renameSync(`${file}.new`, file);
  histogram.reset();
}

process.on('SIGUSR2', report);
