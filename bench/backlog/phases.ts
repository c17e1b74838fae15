// Runs the phases of a backlog measurement: filling, reading everything, send latency with and without readers, and the
// tail.
import { setTimeout as delay } from 'node:timers/promises';
import { comparable, type Figure, plain } from '../figures.js';
import { Generator } from '../load/generator.js';
import { Reader, type ReaderResult } from '../load/reader.js';
import type { Load } from '../load/send-block.js';
import { loopFigures } from '../loop-delays.js';
import { cpuSeconds, memoryFigures } from '../process-stats.js';
import type { MeasuredCluster } from '../servers.js';
import { dropCaches } from '../start-time.js';
import { median } from '../table.js';
import { startEcho } from './echo.js';
import { type Latencies, sendLatencies } from './latency.js';
import type { BacklogOptions } from './options.js';

export const BACKLOG = 'BenchBacklog';
export const PROBED = 'BenchProbe';
export const TAIL = 'BenchTail';
export const QUEUES = 4;
const FILL_DEPTH = 512;
const TAIL_DEPTH = 64;

export interface Phase {
  figures: Figure[];
  messages: number;
}

const load = ({ brokerAddress: address }: MeasuredCluster, topic: string, depth: number, size: number): Load => ({
  address,
  topics: [topic],
  queues: QUEUES,
  size,
  depth,
  serializeType: 'binary',
});

/** Its messages are those that were acknowledged. */
export async function fill(cluster: MeasuredCluster, { messages, size }: BacklogOptions): Promise<Phase> {
  const start = performance.now();
  await cluster.loopDelays();
  const generator = await Generator.start(load(cluster, BACKLOG, FILL_DEPTH, size));
  await generator.reached(messages);
  await generator.stop();
  const rate = (generator.answered * 1000) / (performance.now() - start);
  const figures = [
    comparable('fill: sent/s', rate),
    ...memoryFigures(cluster.brokerPid, 'fill: '),
    ...loopFigures(await cluster.loopDelays(), 'fill: '),
  ];
  return { figures, messages: generator.answered };
}

/** Reads all of the backlog once. Its messages are those that were there. */
export async function readAll(cluster: MeasuredCluster, when: string): Promise<Phase> {
  await cluster.loopDelays();
  const cpu = cpuSeconds(cluster.brokerPid);
  const reader = await Reader.start({ address: cluster.brokerAddress, topic: BACKLOG, queues: QUEUES, mode: 'once' });
  const { messages, perSecond, busy } = await reader.result;
  const figures = [
    comparable(`${when}: read/s`, perSecond),
    comparable(`${when}: CPU s per million`, ((cpuSeconds(cluster.brokerPid) - cpu) * 1e6) / messages, 2),
    plain(`${when}: reader busy %`, busy * 100),
    ...memoryFigures(cluster.brokerPid, `${when}: `),
    ...loopFigures(await cluster.loopDelays(), `${when}: `),
  ];
  return { figures, messages };
}

/** Measures in turn without and with readers, with as many sends each time: a p99 is noisy. */
export async function disturbance(cluster: MeasuredCluster, options: BacklogOptions): Promise<Figure[]> {
  const { brokerAddress: address } = cluster;
  const probe = { address, topic: PROBED, sends: options.probes };
  const rounds: {
    quiet: Latencies;
    reading: Latencies;
    echo: Latencies;
    echoReading: Latencies;
    read: ReaderResult;
  }[] = [];
  const echoServer = await startEcho();
  const echoProbe = { address: echoServer.address, topic: undefined, sends: options.probes };
  await sendLatencies(probe);
  await cluster.loopDelays();
  for (let i = 0; i < options.rounds; i++) {
    dropCaches();
    const quiet = await sendLatencies(probe);
    const echo = await sendLatencies(echoProbe);
    dropCaches();
    const reader = await Reader.start({ address, topic: BACKLOG, queues: QUEUES, mode: 'again' });
    const reading = await sendLatencies(probe);
    const echoReading = await sendLatencies(echoProbe);
    rounds.push({ quiet, reading, echo, echoReading, read: await reader.stop() });
  }
  echoServer.stop();
  const middle = (of: (round: (typeof rounds)[number]) => number): number => median(rounds.map(of));
  const quiet = (name: 'p50' | 'p99'): number => middle((round) => round.quiet[name]);
  const reading = (name: 'p50' | 'p99'): number => middle((round) => round.reading[name]);
  const rise = middle((round) => (round.reading.p99 / round.quiet.p99 - 1) * 100);
  const echo = middle((round) => round.echo.p99);
  const echoReading = middle((round) => round.echoReading.p99);
  const perSecond = middle((round) => round.read.perSecond);
  return [
    comparable('send p50 ms, nobody reads', quiet('p50'), 2),
    comparable('send p50 ms, backlog read', reading('p50'), 2),
    comparable('send p99 ms, nobody reads', quiet('p99'), 2),
    comparable('send p99 ms, backlog read', reading('p99'), 2),
    plain('rise of p99 %', rise),
    plain('echo p99 ms, nobody reads', echo, 2),
    plain('echo p99 ms, backlog read', echoReading, 2),
    comparable('read/s beside the sends', perSecond),
    ...memoryFigures(cluster.brokerPid, 'read beside sends: '),
    ...loopFigures(await cluster.loopDelays(), 'read beside sends: '),
  ];
}

/** Runs a producer with 64 sends in flight, first alone, then with a reader at the tail. */
export async function tail(cluster: MeasuredCluster, { tailSeconds, size }: BacklogOptions): Promise<Figure[]> {
  const { brokerAddress: address } = cluster;
  const generator = await Generator.start(load(cluster, TAIL, TAIL_DEPTH, size));
  const sentIn = async (seconds: number): Promise<number> => {
    const before = { answered: generator.answered, at: performance.now() };
    await delay(seconds * 1000);
    return ((generator.answered - before.answered) * 1000) / (performance.now() - before.at);
  };
  await sentIn(tailSeconds / 2);
  const alone = await sentIn(tailSeconds);
  await cluster.loopDelays();
  const reader = await Reader.start({ address, topic: TAIL, queues: QUEUES, mode: 'tail' });
  const beside = await sentIn(tailSeconds);
  const { perSecond, busy } = await reader.stop();
  const delays = await cluster.loopDelays();
  await generator.stop();
  return [
    comparable('tail: sent/s, nobody reads', alone),
    comparable('tail: sent/s, with a reader', beside),
    comparable('tail: read/s', perSecond),
    plain('tail: reader busy %', busy * 100),
    ...memoryFigures(cluster.brokerPid, 'tail: '),
    ...loopFigures(delays, 'tail: '),
  ];
}
