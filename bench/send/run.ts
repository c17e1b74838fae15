// Owns the course of bench/send: pairs of measurements in turn (A, B, A, B, …), and the table of their medians.
import { cpus } from 'node:os';
import { markdownTable, median } from '../table.js';
import { measure, type Measurement } from './measure.js';
import { type BenchOptions, parseOptions } from './options.js';

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const whole = (value: number): string => Math.round(value).toLocaleString('en');

type Pair = readonly [Measurement, Measurement];

function cells({ tps, cpuPerMillion, rss, peakRss, failed }: Measurement): string[] {
  return [whole(tps), cpuPerMillion.toFixed(1), whole(rss), whole(peakRss), whole(failed)];
}

function medianOf(measurements: readonly Measurement[]): Measurement {
  const of = (key: 'tps' | 'cpuPerMillion' | 'rss' | 'peakRss' | 'failed'): number =>
    median(measurements.map((each) => each[key]));
  return {
    server: measurements[0].server,
    tps: of('tps'),
    cpuPerMillion: of('cpuPerMillion'),
    rss: of('rss'),
    peakRss: of('peakRss'),
    failed: of('failed'),
  };
}

function printSummary(pairs: readonly Pair[], options: BenchOptions): void {
  const head = ['', 'TPS', 'CPU s per million', 'RSS MiB', 'highest RSS MiB', 'failed'];
  const all = pairs.flatMap((pair, i) =>
    pair.map((measurement, j) => [`${i + 1}${'AB'[j]} ${measurement.server}`, ...cells(measurement)]),
  );
  const medians = [0, 1].map((j) => {
    const of = medianOf(pairs.map((pair) => pair[j]));
    return [`median ${'AB'[j]} ${of.server}`, ...cells(of)];
  });
  const ratio = (key: 'tps' | 'cpuPerMillion' | 'rss' | 'peakRss'): string =>
    median(pairs.map(([a, b]) => b[key] / a[key])).toFixed(2);
  const ratios = ['median of B/A', ratio('tps'), ratio('cpuPerMillion'), ratio('rss'), ratio('peakRss'), ''];
  print(
    `\n${options.threads} threads, ${options.size} B, ${options.syncFlush ? 'sync' : 'async'} flush, ${options.intervals} intervals of ${options.interval} ms after one of warm-up; ` +
      `${cpus().length} cores (${cpus()[0].model}), Node ${process.versions.node}\n`,
  );
  print(markdownTable(head, [...all, ...medians, ratios]));
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  const pairs: Pair[] = [];
  const show = (measurement: Measurement): Measurement => {
    print(
      `${measurement.server}: ${whole(measurement.tps)} TPS, ${measurement.cpuPerMillion.toFixed(1)} s of CPU per million, RSS ${whole(measurement.rss)} MiB`,
    );
    return measurement;
  };
  for (let i = 0; i < options.pairs; i++)
    pairs.push([show(await measure(options.a, options)), show(await measure(options.b, options))]);
  printSummary(pairs, options);
}

await main();
