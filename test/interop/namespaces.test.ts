// Tests that our client and the Java client meet in a namespace, on Apache's broker and on ours.
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { RocketMQClient } from '@nest-rocketmq/client';
import { newClient, QUEUES, SEND_TIMEOUT_MS } from './client/peer.js';
import { startApache } from './harness/apache.js';
import { cleanUp } from './harness/clean-up.js';
import type { Cluster, ClusterOptions } from './harness/cluster.js';
import { ROCKETMQ_5 } from './harness/jars.js';
import { JavaPeer } from './harness/java-peer.js';
import { startOurBroker } from './harness/our-broker.js';
import { OurReader } from './harness/our-reader.js';

jest.setTimeout(300_000);
afterAll(cleanUp);

const NAMESPACE = 'peerns';
const RUN = 'spaced';
const TO_JAVA = `${RUN}_namespace_toJava`;
const TO_OURS = `${RUN}_namespace_toOurs`;

describe.each<[string, (options: ClusterOptions) => Promise<Cluster>]>([
  ["Apache's", startApache],
  ['our', startOurBroker],
])('on %s broker', (_whose, start) => {
  let cluster: Cluster;
  let client: RocketMQClient;
  beforeAll(async () => {
    // Retries come after 1 s.
    cluster = await start({ settings: { messageDelayLevel: '1s 1s 1s 1s 1s' } });
    client = new RocketMQClient({ nameServer: cluster.nameServer, namespace: NAMESPACE });
    await client.start();
  });
  afterAll(async () => {
    await client?.shutdown();
    await cleanUp();
  });

  test('T178 each gets what the other sends, by its own names, retries too', async () => {
    for (const topic of [TO_JAVA, TO_OURS]) await client.admin.createTopic({ topic, queues: QUEUES });
    const options = { group: `${RUN}_ours`, subscriptions: [{ topic: TO_OURS }] };
    const reader = await OurReader.start(client, options);
    const java = await JavaPeer.start(ROCKETMQ_5, cluster.nameServer, RUN, ['namespace']);
    const producer = client.createProducer({ group: `${RUN}_producer`, sendMsgTimeout: SEND_TIMEOUT_MS });
    await producer.start();
    const sent = [];
    for (const body of ['x', 'fails once']) sent.push(await producer.send({ topic: TO_JAVA, body }));
    const events = await java.scenario('namespace');
    const received = events.of('received');
    expect(received).toHaveLength(3);
    expect(new Set(received.map(({ topic }) => topic))).toEqual(new Set([TO_JAVA]));
    const tries = received.map(({ body, reconsumeTimes }) => `${String(body)} ${String(reconsumeTimes)}`);
    expect(tries.toSorted()).toEqual(['fails once 0', 'fails once 1', 'x 0']);
    expect(received[0]!.properties).toMatchObject({ INSTANCE_ID: NAMESPACE });
    expect(new Set(sent.map(({ messageQueue }) => messageQueue.topic))).toEqual(new Set([TO_JAVA]));
    await reader.take(3);
    await reader.stop();
    expect(new Set(reader.received.map(({ topic }) => topic))).toEqual(new Set([TO_OURS]));
    expect(reader.received.map(({ body }) => body.toString()).toSorted()).toEqual(['java 0', 'java 1', 'java 2']);
    expect(reader.received[0]!.properties.get('INSTANCE_ID')).toBe(NAMESPACE);
  });

  test('T178 brokers have the names of the namespace, and the retry topic of the group', async () => {
    const outside = newClient(cluster);
    await outside.start();
    try {
      for (const topic of [`${NAMESPACE}%${TO_JAVA}`, `%RETRY%${NAMESPACE}%${RUN}_namespace_group`]) {
        expect(await outside.admin.topicRoute(topic)).toBeDefined();
      }
      expect(await outside.admin.topicRoute(TO_JAVA)).toBeUndefined();
    } finally {
      await outside.shutdown();
    }
  });

  test('T178 with namespaceV2 names stay as they are', async () => {
    const topic = `${RUN}_v2`;
    const other = new RocketMQClient({ nameServer: cluster.nameServer, namespaceV2: NAMESPACE });
    await other.start();
    await other.admin.createTopic({ topic, queues: 1 });
    const reader = await OurReader.start(other, { group: `${RUN}_v2`, subscriptions: [{ topic }] });
    const producer = other.createProducer({ group: `${RUN}_v2_producer`, sendMsgTimeout: SEND_TIMEOUT_MS });
    await producer.start();
    await producer.send({ topic, body: 'x' });
    await reader.take(1);
    await reader.stop();
    await other.shutdown();
    expect(reader.received.map(({ topic: of }) => of)).toEqual([topic]);
  });
});
