// Measures one server in bench/topics: many topics with a message in each queue, restarts, many pending delayed messages,
// restarts again, and the accuracy of delays meanwhile.
import { SCHEDULE_TOPIC } from '@nest-rocketmq/remoting/internal';
import { freeBrokerPort, freePort } from '../../test/interop/harness/ports.js';
import { comparable, type Figure, type Measurement, plain } from '../figures.js';
import { maxOffsets, openConnection } from '../load/connection.js';
import { Generator } from '../load/generator.js';
import type { Load } from '../load/send-block.js';
import { loopFigures } from '../loop-delays.js';
import { memoryFigures } from '../process-stats.js';
import type { MeasuredCluster, ServerName } from '../servers.js';
import { restart, type Restarted, startAgain, startFigures } from '../start-time.js';
import { accuracy, delayProperty } from './accuracy.js';
import type { TopicsOptions } from './options.js';
import { DELAYED, preparedStore, TIMED_QUEUES, topicNames } from './prepared-store.js';

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
  const { queues, delayed, level } = options;
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

  await withTopics.cluster.loopDelays();
  const started = performance.now();
  const toDelayed = { topics: [DELAYED], queues: TIMED_QUEUES, properties: delayProperty(level) };
  const pending = await send(withTopics.cluster, toDelayed, delayed);
  figures.push(comparable('pending: sent/s', (pending * 1000) / (performance.now() - started)));
  figures.push(...memoryFigures(withTopics.cluster.brokerPid, 'pending: '));
  figures.push(...loopFigures(await withTopics.cluster.loopDelays(), 'pending: '));
  const withPending = await restarts(server, withTopics.cluster, 'pending');
  figures.push(...withPending.figures);
  // Nothing else is delayed yet: all levels' queues together hold what is pending.
  figures.push(lostOf('pending', pending - (await stored(withPending.cluster, [SCHEDULE_TOPIC], level))));

  figures.push(...(await accuracy(withPending.cluster, options)));
  return [...figures, ...memoryFigures(withPending.cluster.brokerPid, 'delayed: ')];
}
