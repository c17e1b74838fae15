// Measures the accuracy of delays: messages of the first three levels, or with times of their own, sent at an even pace,
// and how late they come.
import { setTimeout as delay } from 'node:timers/promises';
import { encodeProperties, MessageProperty, Requests, ResponseCode } from '@nest-rocketmq/remoting/internal';
import { comparable, type Figure, plain } from '../figures.js';
import { openConnection } from '../load/connection.js';
import { loopFigures } from '../loop-delays.js';
import type { MeasuredCluster } from '../servers.js';
import { percentile } from '../table.js';
import type { TopicsOptions } from './options.js';
import { TIMED, TIMED_BY_TIME, TIMED_QUEUES } from './prepared-store.js';
import { dueBody, TimedConsumer } from './timed-consumer.js';

/** Of levels 1, 2 and 3 by default, ms. */
const LEVELS = [1000, 5000, 10_000];
const TICK_MS = 10;
const SEND_PATIENCE_MS = 30_000;
/** For the last messages after they are due, ms. */
const LATEST_MS = 60_000;

export const delayProperty = (level: number): string => encodeProperties([[MessageProperty.DELAY, String(level)]]);
export const timerProperty = (seconds: number): string =>
  encodeProperties([[MessageProperty.TIMER_DELAY_SEC, String(seconds)]]);

/** How the messages that are timed say when they are due. */
export interface Timing {
  /** Before the names of the figures. */
  name: string;
  topic: string;
  /** Of the message number `i`, ms. */
  delay(i: number): number;
  /** @param due ms since the epoch */
  properties(i: number, due: number): string;
}

export const byLevel: Timing = {
  name: 'delayed',
  topic: TIMED,
  delay: (i) => LEVELS[i % LEVELS.length]!,
  properties: (i) => delayProperty((i % LEVELS.length) + 1),
};

export const byTime: Timing = {
  name: 'timers',
  topic: TIMED_BY_TIME,
  // From 1 s to 10 s, out of order.
  delay: (i) => 1_000 + ((i * 7_919) % 9_001),
  properties: (_, due) => encodeProperties([[MessageProperty.TIMER_DELIVER_MS, String(due)]]),
};

/** Sends all messages over the given time. Resolves with how many were acknowledged: a busy broker refuses some. */
async function sendTimed(timing: Timing, address: string, count: number, seconds: number): Promise<number> {
  const connection = await openConnection(address);
  const sends: Promise<boolean>[] = [];
  const one = async (i: number): Promise<boolean> => {
    const now = Date.now();
    const due = now + timing.delay(i);
    const header = { a: 'timed', b: timing.topic, c: 'TBW102', d: 4, e: i % TIMED_QUEUES, f: 0, g: now, h: 0, j: 0 };
    const reply = await connection.request(
      Requests.SEND_MESSAGE_V2,
      { ...header, i: timing.properties(i, due) },
      { body: dueBody(due), timeout: SEND_PATIENCE_MS },
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

export async function accuracy(cluster: MeasuredCluster, options: TopicsOptions, timing: Timing): Promise<Figure[]> {
  const { brokerAddress: address } = cluster;
  const { timed, timedSeconds } = options;
  const { name } = timing;
  const consumer = new TimedConsumer({ address, topic: timing.topic, queues: TIMED_QUEUES });
  await cluster.loopDelays();
  const sent = await sendTimed(timing, address, timed, timedSeconds);
  const deadline = Date.now() + Math.max(...LEVELS) + LATEST_MS;
  while (consumer.received < sent && Date.now() < deadline) await delay(TICK_MS);
  const delays = await cluster.loopDelays();
  const { stored, received } = await consumer.stop();
  return [
    comparable(`${name}: stored late p50 ms`, percentile(stored, 50)),
    comparable(`${name}: stored late p99 ms`, percentile(stored, 99)),
    comparable(`${name}: received late p50 ms`, percentile(received, 50)),
    comparable(`${name}: received late p99 ms`, percentile(received, 99)),
    plain(`${name}: earliest ms`, percentile(stored, 0)),
    plain(`${name}: refused`, timed - sent),
    plain(`${name}: not delivered`, sent - received.length),
    ...loopFigures(delays, `${name}: `),
  ];
}
