// Kills the first of two masters under load: sends go on to the second, its replica serves what is left, and it comes back.
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import type { Producer } from '@nest-rocketmq/client';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import { newClient, SEND_TIMEOUT_MS } from './client/peer.js';
import { startBrokerSet } from './harness/broker-set.js';
import type { BrokerSet } from './harness/broker-set.js';
import { cleanUp } from './harness/clean-up.js';
import { bodiesOf, OurReader, untilHolds } from './harness/our-reader.js';

jest.setTimeout(240_000);

let brokers: BrokerSet;
const TOPIC = 'set';
const QUEUES = 4;
const WAIT_MS = 60_000;
/** Enough to keep the orderly consumers busy over the kill. */
const PER_PHASE = 200;

beforeAll(async () => {
  brokers = await startBrokerSet();
});
afterAll(cleanUp);

/** Asks again every 100 ms; rejects after a minute. */
async function eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
  const limit = Date.now() + WAIT_MS;
  while (!(await holds().catch(() => false))) {
    if (Date.now() > limit) throw new Error(`waited ${WAIT_MS} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function sendMany(producer: Producer, from: number): Promise<Map<string, string>> {
  const acknowledged = new Map<string, string>();
  for (let i = from; i < from + PER_PHASE; i++) {
    const { messageQueue } = await producer.send({ topic: TOPIC, body: `set-${i}` }, { timeout: SEND_TIMEOUT_MS });
    acknowledged.set(`set-${i}`, messageQueue.brokerName);
  }
  return acknowledged;
}

const missing = (acknowledged: Iterable<string>, readers: OurReader[]): string[] => {
  const received = new Set(readers.flatMap(({ received: got }) => bodiesOf(got)));
  return [...acknowledged].filter((body) => !received.has(body));
};

test('a killed master: sends go to the second, its replica serves what it had, and it comes back', async () => {
  const client = newClient(brokers.second);
  await client.start();
  await client.admin.createTopic({ topic: TOPIC, queues: QUEUES });
  const producer = client.createProducer({ group: 'set_producer' });
  await producer.start();
  await eventually('both masters in the route', async () => {
    return (await client.admin.topicRoute(TOPIC))?.queueDatas.length === 2;
  });

  const busy = new Map<string, number>();
  let overlaps = 0;
  const holding = async (message: MessageExt): Promise<'CONSUME_SUCCESS'> => {
    const queue = `${message.brokerName}@${message.queueId}`;
    const holders = (busy.get(queue) ?? 0) + 1;
    if (holders > 1) overlaps++;
    busy.set(queue, holders);
    await new Promise((resolve) => setImmediate(resolve));
    busy.set(queue, busy.get(queue)! - 1);
    return 'CONSUME_SUCCESS';
  };
  const others = [newClient(brokers.second), newClient(brokers.second)];
  const orderly = await Promise.all(
    others.map((other) =>
      OurReader.start(
        other,
        { group: 'set_orderly', subscriptions: [{ topic: TOPIC }], consumeMode: 'ORDERLY' },
        holding,
      ),
    ),
  );

  const before = await sendMany(producer, 0);
  expect(new Set(before.values())).toEqual(new Set(['broker-a', 'broker-b']));
  await untilHolds(orderly, () => missing(before.keys(), orderly).length === 0, 'all that was sent before');

  const during = sendMany(producer, PER_PHASE);
  // The replica has what the master had, before it is killed: it is replicated asynchronously.
  await brokers.first.kill();
  const acknowledged = new Map([...before, ...(await during)]);
  expect([...acknowledged.values()].at(-1)).toBe('broker-b');

  // A group that is new reads what the killed master had from its replica.
  const late = await OurReader.start(client, { group: 'set_late', subscriptions: [{ topic: TOPIC }] });
  await late.until(() => missing(before.keys(), [late]).length === 0, 'all that was sent before, from the replica');

  await brokers.restartFirst();
  const after = await sendMany(producer, 2 * PER_PHASE);
  await eventually('a send to the first master', async () => {
    const { messageQueue } = await producer.send({ topic: TOPIC, body: 'back' });
    return messageQueue.brokerName === 'broker-a';
  });
  const all = [...acknowledged.keys(), ...after.keys()];
  await late.until(() => missing(all, [late]).length === 0, 'all that was acknowledged');
  await untilHolds(orderly, () => missing(all, orderly).length === 0, 'all, in the orderly group');
  expect(overlaps).toBe(0);
  await Promise.all([client, ...others].map((each) => each.shutdown()));
});
