// Measures the accuracy of delays: sends messages of the first three levels at an even pace, and records how late they
// arrive.
import { setTimeout as delay } from 'node:timers/promises';
import { encodeProperties, MessageProperty, Requests, ResponseCode } from '@nest-rocketmq/remoting/internal';
import { comparable, type Figure, plain } from '../figures.js';
import { openConnection } from '../load/connection.js';
import { loopFigures } from '../loop-delays.js';
import type { MeasuredCluster } from '../servers.js';
import { percentile } from '../table.js';
import type { TopicsOptions } from './options.js';
import { TIMED, TIMED_QUEUES } from './prepared-store.js';
import { dueBody, TimedConsumer } from './timed-consumer.js';

/** Of levels 1, 2 and 3 by default, ms. */
const LEVELS = [1000, 5000, 10_000];
const TICK_MS = 10;
const SEND_PATIENCE_MS = 30_000;
/** For the last messages after they are due, ms. */
const LATEST_MS = 60_000;

export const delayProperty = (level: number): string => encodeProperties([[MessageProperty.DELAY, String(level)]]);

/** Sends all messages over the given time. Resolves with how many were acknowledged: a busy broker refuses some. */
async function sendTimed(address: string, count: number, seconds: number): Promise<number> {
  const connection = await openConnection(address);
  const sends: Promise<boolean>[] = [];
  const one = async (i: number): Promise<boolean> => {
    const level = i % LEVELS.length;
    const now = Date.now();
    const header = { a: 'timed', b: TIMED, c: 'TBW102', d: 4, e: i % TIMED_QUEUES, f: 0, g: now, h: 0, j: 0 };
    const reply = await connection.request(
      Requests.SEND_MESSAGE_V2,
      { ...header, i: delayProperty(level + 1) },
      { body: dueBody(now + LEVELS[level]!), timeout: SEND_PATIENCE_MS },
    );
    return reply.code === ResponseCode.SUCCESS;
  };
  const start = performance.now();
  while (sends.length < count) {
    const wanted = Math.min(count, Math.ceil((count * (performance.now() - start)) / (seconds * 1000)));
    while (sends.length < wanted) sends.push(one(sends.length));
    await delay(TICK_MS);
  }
  const acknowledged = (await Promise.all(sends)).filter(Boolean).length;
  connection.close();
  return acknowledged;
}

export async function accuracy(cluster: MeasuredCluster, options: TopicsOptions): Promise<Figure[]> {
  const { brokerAddress: address } = cluster;
  const { timed, timedSeconds } = options;
  const consumer = new TimedConsumer({ address, topic: TIMED, queues: TIMED_QUEUES });
  await cluster.loopDelays();
  const sent = await sendTimed(address, timed, timedSeconds);
  const deadline = Date.now() + Math.max(...LEVELS) + LATEST_MS;
  while (consumer.received < sent && Date.now() < deadline) await delay(TICK_MS);
  const delays = await cluster.loopDelays();
  const { stored, received } = await consumer.stop();
  return [
    comparable('delayed: stored late p50 ms', percentile(stored, 50)),
    comparable('delayed: stored late p99 ms', percentile(stored, 99)),
    comparable('delayed: received late p50 ms', percentile(received, 50)),
    comparable('delayed: received late p99 ms', percentile(received, 99)),
    plain('delayed: earliest ms', percentile(stored, 0)),
    plain('delayed: refused', timed - sent),
    plain('delayed: not delivered', sent - received.length),
    ...loopFigures(delays, 'delayed: '),
  ];
}
