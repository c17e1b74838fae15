// Sends and consumes a little of every kind, so that the statistics of two brokers can be compared.
import type { Producer, PushConsumerOptions, RocketMQClient } from '@nest-rocketmq/client';
import {
  Connections,
  Requests,
  ResponseCode,
  handlerTable,
  silentLogger,
  systemClock,
} from '@nest-rocketmq/remoting/internal';
import type { Cluster } from '../harness/cluster.js';
import { OurReader } from '../harness/our-reader.js';
import { SEND_TIMEOUT_MS, newClient } from './peer.js';

const body = Buffer.from('x'.repeat(100));
const POLL_MS = 250;
const PATIENCE_MS = 60_000;

/** What is sent to each topic at once; `shop` gets a batch of 5 beside it. A consumer takes 20 at a time. */
export const SENT = { shop: 23, old: 4, blocked: 20 };

/**
 * Sends and consumes, and resolves while the listener of group `stuck` holds what it was given.
 * @returns what ends it
 */
export async function runTraffic(cluster: Cluster): Promise<() => Promise<void>> {
  const [producing, consuming] = [newClient(cluster), newClient(cluster)];
  let release = (): void => undefined;
  const end = async (): Promise<void> => {
    release();
    await Promise.all([producing.shutdown(), consuming.shutdown()]);
  };
  try {
    const producer = producing.createProducer({
      group: 'producers',
      sendMsgTimeout: SEND_TIMEOUT_MS,
      transactionListener: {
        executeLocalTransaction: () => Promise.resolve('COMMIT_MESSAGE'),
        checkLocalTransaction: () => Promise.resolve('COMMIT_MESSAGE'),
      },
    });
    await producer.start();
    await sendAndLeave(cluster, producer);
    await OurReader.start(consuming, { group: 'billing', ...reading(['shop']) });
    await delayAndFail(consuming, producer);
    await producer.sendMessageInTransaction({ topic: 'tx', body });
    release = await holdMessages(consuming, { group: 'stuck', ...reading(['blocked']) }, SENT.blocked);
    await producer.send({ topic: 'old', body });
    // Apache looks every 10 s at what has been counted: what was sent before the last one has been seen with it.
    await untilCounted(cluster, 'SNDBCK2DLQ_TIMES', 'null@fails@failing@SEND_BACK_TO_DLQ');
    await untilCounted(cluster, 'TOPIC_PUT_NUMS', 'tx');
    await untilCounted(cluster, 'TOPIC_PUT_NUMS', 'old', SENT.old + 1);
    return end;
  } catch (error) {
    await end();
    throw error;
  }
}

/** A group consumes two topics and goes away; what comes to `old` later is no backlog of it when it is back. */
async function sendAndLeave(cluster: Cluster, producer: Producer): Promise<void> {
  for (const [topic, count] of Object.entries(SENT)) {
    for (let sent = 0; sent < count; sent++) await producer.send({ topic, body });
  }
  await producer.sendBatch(Array.from({ length: 5 }, () => ({ topic: 'shop', body })));
  const client = newClient(cluster);
  try {
    const both = await OurReader.start(client, { group: 'billing', ...reading(['old', 'shop']) });
    await both.take(SENT.old + SENT.shop + 5);
    await both.stop();
  } finally {
    await client.shutdown();
  }
}

/** Three messages come after a second, and one comes back once before it is a dead letter. */
async function delayAndFail(client: RocketMQClient, producer: Producer): Promise<void> {
  for (let sent = 0; sent < 3; sent++) await producer.send({ topic: 'later', body, delayLevel: 1 });
  const later = await OurReader.start(client, { group: 'late', ...reading(['later']) });
  const fails = { group: 'failing', maxReconsumeTimes: 1, ...reading(['fails']) };
  const failing = await OurReader.start(client, fails, () => 'RECONSUME_LATER');
  await producer.send({ topic: 'fails', body });
  await Promise.all([later.take(3), failing.take(2)]);
}

const reading = (topics: string[]): Pick<PushConsumerOptions, 'subscriptions'> => ({
  subscriptions: topics.map((topic) => ({ topic, expression: '*' })),
});

/** Starts a consumer whose listener never ends; resolves when it has received so many messages. */
async function holdMessages(
  client: RocketMQClient,
  options: Omit<PushConsumerOptions, 'listener'>,
  count: number,
): Promise<() => void> {
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  let given = 0;
  await new Promise<void>((resolve, reject) => {
    const consumer = client.createPushConsumer({
      ...options,
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      listener: async () => {
        if (++given === count) resolve();
        await released;
        return 'RECONSUME_LATER' as const;
      },
    });
    consumer.start().catch(reject);
  });
  return release;
}

/** Resolves when the broker says that so much was counted under the key in the last minute; rejects after 60 s. */
export async function untilCounted(cluster: Cluster, statsName: string, statsKey: string, count = 1): Promise<void> {
  const connections = new Connections({ clock: systemClock, logger: silentLogger, handlers: handlerTable() });
  try {
    const connection = await connections.get(cluster.brokerAddress);
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const reply = await connection.request(Requests.VIEW_BROKER_STATS_DATA, { statsName, statsKey });
      const { statsMinute } =
        reply.code === ResponseCode.SUCCESS
          ? (JSON.parse(reply.body.toString()) as { statsMinute?: { sum: number } })
          : {};
      if (statsMinute && statsMinute.sum >= count) return;
      if (Date.now() > deadline)
        throw new Error(`nothing was counted as ${statsName} of ${statsKey} in ${PATIENCE_MS} ms`);
      // The broker does not announce counts: ask again.
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  } finally {
    connections.closeAll();
  }
}
