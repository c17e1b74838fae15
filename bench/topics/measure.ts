// Measures one server in bench/topics: many topics with a message in each queue, restarts, many delayed messages pending,
// restarts again, the accuracy of delays meanwhile; and then the same with messages that have a time of their own.
import { SCHEDULE_TOPIC, TIMER_TOPIC } from '@nest-rocketmq/remoting/internal';
import { freeBrokerPort, freePort } from '../../test/interop/harness/ports.js';
import { comparable, type Figure, type Measurement, plain } from '../figures.js';
import { maxOffsets, openConnection } from '../load/connection.js';
import { Generator } from '../load/generator.js';
import type { Load } from '../load/send-block.js';
import { loopFigures } from '../loop-delays.js';
import { memoryFigures } from '../process-stats.js';
import type { MeasuredCluster, ServerName } from '../servers.js';
import { restart, type Restarted, startAgain, startFigures } from '../start-time.js';
import { accuracy, byLevel, byTime, delayProperty, timerProperty } from './accuracy.js';
import type { TopicsOptions } from './options.js';
import { DELAYED, preparedStore, TIMED_QUEUES, TIMERS, topicNames } from './prepared-store.js';

const SIZE = 128;
const DEPTH = 64;

export type OnLoss = (what: string, lost: number) => void;

async function start(server: ServerName, store: string): Promise<Restarted> {
  const at = { brokerAddress: `127.0.0.1:${await freeBrokerPort()}`, nameServer: `127.0.0.1:${await freePort()}` };
  return startAgain(server, { ...at, store });
}

/** Sends until so many were acknowledged. */
async function send(
  { brokerAddress: address }: MeasuredCluster,
  load: Pick<Load, 'topics' | 'queues' | 'properties'>,
  messages: number,
): Promise<number> {
  const generator = await Generator.start({ ...load, address, size: SIZE, depth: DEPTH, serializeType: 'binary' });
  await generator.reached(messages);
  await generator.stop();
  return generator.answered;
}

/** Messages that all queues of the topics have. */
async function stored({ brokerAddress }: MeasuredCluster, topics: readonly string[], queues: number): Promise<number> {
  const connection = await openConnection(brokerAddress);
  let sum = 0;
  for (const topic of topics) for (const offset of await maxOffsets(connection, topic, queues)) sum += offset;
  connection.close();
  return sum;
}

/** A clean restart and one after kill -9. */
async function restarts(server: ServerName, cluster: MeasuredCluster, what: string) {
  const clean = await restart(server, cluster, 'clean');
  const figures = await startFigures(clean, `start, ${what}, clean: `);
  const killed = await restart(server, clean.cluster, 'killed');
  figures.push(...(await startFigures(killed, `start, ${what}, kill -9: `)));
  return { cluster: killed.cluster, figures };
}

export async function measure(server: ServerName, options: TopicsOptions, onLoss: OnLoss): Promise<Measurement> {
  const topics = topicNames(options.topics);
  const { queues, delayed, level, timers, timerDelay } = options;
  const lostOf = (what: string, lost: number): Figure => {
    if (lost > 0) onLoss(what, lost);
    return plain(`${what}: lost`, Math.max(0, lost));
  };
  const first = await start(server, preparedStore(topics, queues));
  const figures = await startFigures(first, 'start, topics: ');

  const sent = await send(first.cluster, { topics, queues }, topics.length * queues);
  figures.push(...memoryFigures(first.cluster.brokerPid, 'topics: '));
  figures.push(...loopFigures(await first.cluster.loopDelays(), 'topics: '));
  const withTopics = await restarts(server, first.cluster, 'topics');
  figures.push(...withTopics.figures);
  figures.push(lostOf('topics', sent - (await stored(withTopics.cluster, topics, queues))));

  const byLevels = { topic: DELAYED, properties: delayProperty(level), waitIn: SCHEDULE_TOPIC, queues: level };
  const withDelayed = await pending(server, withTopics.cluster, 'pending', { ...byLevels, count: delayed }, lostOf);
  figures.push(...withDelayed.figures, ...(await accuracy(withDelayed.cluster, options, byLevel)));
  figures.push(...memoryFigures(withDelayed.cluster.brokerPid, 'delayed: '));

  const byTimes = { topic: TIMERS, properties: timerProperty(timerDelay), waitIn: TIMER_TOPIC, queues: 1 };
  const withTimers = await pending(server, withDelayed.cluster, 'timers', { ...byTimes, count: timers }, lostOf);
  figures.push(...withTimers.figures, ...(await accuracy(withTimers.cluster, options, byTime)));
  return [...figures, ...memoryFigures(withTimers.cluster.brokerPid, 'timers: ')];
}

interface Pending {
  topic: string;
  properties: string;
  count: number;
  /** The topic that they wait in. Nothing else is in it. */
  waitIn: string;
  /** Of that topic. */
  queues: number;
}

/** Has so many messages wait over a clean restart and one after kill -9. */
async function pending(
  server: ServerName,
  cluster: MeasuredCluster,
  what: string,
  { topic, properties, count, waitIn, queues }: Pending,
  lostOf: (what: string, lost: number) => Figure,
): Promise<{ cluster: MeasuredCluster; figures: Figure[] }> {
  await cluster.loopDelays();
  const started = performance.now();
  const sent = await send(cluster, { topics: [topic], queues: TIMED_QUEUES, properties }, count);
  const figures = [comparable(`${what}: sent/s`, (sent * 1000) / (performance.now() - started))];
  figures.push(...memoryFigures(cluster.brokerPid, `${what}, sent: `));
  figures.push(...loopFigures(await cluster.loopDelays(), `${what}, sent: `));
  const restarted = await restarts(server, cluster, what);
  figures.push(...restarted.figures);
  figures.push(lostOf(what, sent - (await stored(restarted.cluster, [waitIn], queues))));
  return { cluster: restarted.cluster, figures };
}
