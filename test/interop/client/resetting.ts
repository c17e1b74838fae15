// Resets offsets of a group as Apache's tools do, and tells what comes again.
import { Requests } from '@nest-rocketmq/remoting/internal';
import { expect, test } from '@jest/globals';
import type { RocketMQClient } from '@nest-rocketmq/client';
import { ask } from '../harness/ask.js';
import type { Cluster } from '../harness/cluster.js';
import { bodiesOf, OurReader } from '../harness/our-reader.js';
import { newClient, QUEUES, SEND_TIMEOUT_MS } from './peer.js';

const EACH = 5;

interface Reset {
  topic: string;
  group: string;
  /** ms since the epoch; -1 where queue and offset count. */
  timestamp: number;
  queueId?: number;
  offset?: number;
}

async function reset({ brokerAddress }: Cluster, what: Reset): Promise<void> {
  await ask(brokerAddress, Requests.INVOKE_BROKER_TO_RESET_OFFSET, { ...what, isForce: true });
}

/** Sends five messages to each queue. @returns the bodies, 'queue-number' */
async function fill(client: RocketMQClient, topic: string): Promise<string[]> {
  await client.admin.createTopic({ topic, queues: QUEUES });
  const producer = client.createProducer({ group: `${topic}_producer`, sendMsgTimeout: SEND_TIMEOUT_MS });
  await producer.start();
  const bodies: string[] = [];
  for (const messageQueue of await producer.fetchPublishMessageQueues(topic)) {
    for (let number = 0; number < EACH; number++) {
      const body = `${messageQueue.queueId}-${number}`;
      await producer.send({ topic, body }, { messageQueue });
      bodies.push(body);
    }
  }
  return bodies.toSorted();
}

export function declareResetTests(clusterOf: () => Cluster): void {
  /** A group that has consumed all of a topic, and whose offsets are stored. */
  const consumed = async (topic: string) => {
    const began = Date.now() - 1;
    const client = newClient(clusterOf());
    await client.start();
    const bodies = await fill(client, topic);
    const group = `${topic}_group`;
    // Apache tells it with the next pull only.
    const brokerSuspendMaxTimeMillis = 1_000;
    const reader = await OurReader.start(client, { group, subscriptions: [{ topic }], brokerSuspendMaxTimeMillis });
    await reader.take(bodies.length);
    return { client, group, began, bodies, reader };
  };

  test('T118: a queue that is reset to its beginning comes again, and no other', async () => {
    const { client, group, bodies, reader } = await consumed('T118');
    await reset(clusterOf(), { topic: 'T118', group, timestamp: -1, queueId: 3, offset: 0 });
    const all = await reader.take(bodies.length + EACH);
    const again = bodiesOf(all.slice(bodies.length)).toSorted();
    expect(again).toEqual(bodies.filter((body) => body.startsWith('3-')));
    await client.shutdown();
  });

  test('T119: a topic that is reset to a time comes again from there, at its listeners and at who pulls', async () => {
    const { client, group, began, bodies, reader } = await consumed('T119');
    await reset(clusterOf(), { topic: 'T119', group, timestamp: began });
    const all = await reader.take(2 * bodies.length);
    expect(bodiesOf(all.slice(bodies.length)).toSorted()).toEqual(bodies);
    await client.shutdown();
    await reset(clusterOf(), { topic: 'T119', group, timestamp: began });
    const later = newClient(clusterOf());
    const puller = later.createLitePullConsumer({ group, subscriptions: [{ topic: 'T119' }] });
    await puller.start();
    const pulled: string[] = [];
    for (const by = Date.now() + 60_000; pulled.length < bodies.length && Date.now() < by;) {
      pulled.push(...bodiesOf(await puller.poll({ timeout: 1_000 })));
    }
    expect(pulled.toSorted()).toEqual(bodies);
    await later.shutdown();
  });
}
