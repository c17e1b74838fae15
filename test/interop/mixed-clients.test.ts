// Tests our client and the unmodified Java clients together on one broker: they read each other's messages, and share the
// queues of one group.
import { describe, expect, jest, test } from '@jest/globals';
import type { OutgoingMessage } from '@nest-rocketmq/client';
import { declareCompressionTests } from './client/compressing.js';
import { describeOnBothBrokers, QUEUES } from './client/peer.js';
import { ROCKETMQ_4, ROCKETMQ_5 } from './harness/jars.js';
import { JavaPeer, type PeerEvent } from './harness/java-peer.js';
import { numbered, sorted } from './harness/lists.js';
import { bodiesOf, OurReader, type Received, untilHolds } from './harness/our-reader.js';

jest.setTimeout(180_000);

const LINE_TIMEOUT_MS = 60_000;
const LARGE = 50_000;

/** What MixedScenarios.java sends, too. */
const singles: Omit<OutgoingMessage, 'topic'>[] = [
  {
    body: 'full ü 漢 😀',
    tags: 'TagA',
    keys: ['key1', 'key2'],
    flag: 7,
    properties: { colour: 'blue = "ü"' },
  },
  { body: 'bare' },
  { body: 'large'.repeat(LARGE / 5) },
];
const batch = [0, 1].map((i) => ({
  body: `batch-${i}`,
  tags: 'TagB',
  keys: `batch-key${i}`,
  properties: { index: String(i) },
}));
const EXCHANGED = singles.length + batch.length;

const USER_PROPERTIES = ['TAGS', 'KEYS', 'colour', 'index', 'WAIT'];
const LARGE_AS_JAVA_SHOWS_IT = /^50000 bytes, crc /;

function comparable(body: string, flag: unknown, properties: Record<string, string>): string {
  const large = body.length === LARGE || LARGE_AS_JAVA_SHOWS_IT.test(body);
  const kept = USER_PROPERTIES.map((name) => properties[name]);
  return JSON.stringify([large ? 'large' : body, flag, kept]);
}

const ofOurs = (message: Received): string =>
  comparable(message.body.toString(), message.flag, Object.fromEntries(message.properties));
const ofJavas = (message: PeerEvent): string =>
  comparable(String(message.body), message.flag, message.properties as Record<string, string>);

describeOnBothBrokers('mixed_producer', (peer) => {
  declareCompressionTests(peer);

  describe.each([ROCKETMQ_4, ROCKETMQ_5] as const)('with the Java client %s', (version) => {
    const run = `mixed${version.replaceAll('.', '')}`;

    test('each reads what the other sent, to the last property', async () => {
      const [toJava, fromJava] = [`${run}_exchange_toJava`, `${run}_exchange_fromJava`];
      for (const topic of [toJava, fromJava]) await peer.client.admin.createTopic({ topic, queues: QUEUES });
      for (const message of singles) await peer.producer.send({ topic: toJava, ...message });
      await peer.producer.sendBatch(batch.map((message) => ({ topic: toJava, ...message })));
      const java = await JavaPeer.start(version, peer.cluster.nameServer, run, ['exchange']);
      const reader = await OurReader.start(peer.client, { group: `${run}_ours`, subscriptions: [{ topic: fromJava }] });
      const readByUs = sorted((await reader.take(EXCHANGED)).map(ofOurs));
      const readByJava = sorted((await java.scenario('exchange')).of('received').map(ofJavas));
      expect(readByUs).toEqual(readByJava);
      expect(readByUs).toContain(
        JSON.stringify(['full ü 漢 😀', 7, ['TagA', 'key1 key2', 'blue = "ü"', null, 'true']]),
      );
      await reader.stop();
    });

    test('both are members of one group, and share its queues', async () => {
      const topic = `${run}_group_topic`;
      await peer.client.admin.createTopic({ topic, queues: QUEUES });
      const ours = await OurReader.start(peer.client, { group: `${run}_group_group`, subscriptions: [{ topic }] });
      const java = await JavaPeer.start(version, peer.cluster.nameServer, run, ['group']);
      const line = await java.line(/"event":"shared"/, LINE_TIMEOUT_MS);
      const { queues: javas } = JSON.parse(line) as { queues: number[] };
      const sendToAllQueues = async (body: string): Promise<void> => {
        for (let queueId = 0; queueId < QUEUES; queueId++) {
          const messageQueue = { topic, brokerName: 'broker-a', queueId };
          await peer.producer.send({ topic, body }, { messageQueue });
        }
      };
      for (const body of numbered('shared', 10)) await sendToAllQueues(body);
      await sendToAllQueues('stop');
      const { all } = await java.scenario('group');
      await sendToAllQueues('alone');
      const alone = (): Received[] => ours.received.filter((message) => message.body.toString() === 'alone');
      await untilHolds([ours], () => alone().length === QUEUES, 'a message of each queue at the one left');

      const shared = (queueIds: unknown[]): unknown[] => sorted([...new Set(queueIds)]);
      const javaQueues = all.filter(({ body }) => String(body).startsWith('shared')).map(({ queueId }) => queueId);
      const ourQueues = ours.received
        .filter(({ body }) => body.toString().startsWith('shared'))
        .map(({ queueId }) => queueId);
      expect(shared(javaQueues)).toEqual(javas);
      expect(shared([...javas, ...ourQueues])).toEqual([0, 1, 2, 3]);
      expect(javaQueues.length + ourQueues.length).toBe(10 * QUEUES);
      expect(bodiesOf(alone())).toHaveLength(QUEUES);
      await ours.stop();
    });
  });
});
