// Tests our client and the unmodified Java clients together on one broker: they read each other's messages, and share the
// queues of one group.
import { describe, expect, jest, test } from '@jest/globals';
import { declareCompressionTests } from './client/compressing.js';
import { exchangeWith } from './client/exchanging.js';
import { describeOnBothBrokers, QUEUES } from './client/peer.js';
import { ROCKETMQ_4, ROCKETMQ_5 } from './harness/jars.js';
import { JavaPeer } from './harness/java-peer.js';
import { numbered, sorted } from './harness/lists.js';
import { bodiesOf, OurReader, type Received, untilHolds } from './harness/our-reader.js';

jest.setTimeout(180_000);

const LINE_TIMEOUT_MS = 60_000;

describeOnBothBrokers('mixed_producer', (peer) => {
  declareCompressionTests(peer);

  describe.each([ROCKETMQ_4, ROCKETMQ_5] as const)('with the Java client %s', (version) => {
    const run = `mixed${version.replaceAll('.', '')}`;

    test('each reads what the other sent, to the last property', async () => {
      const topics = { toPeer: `${run}_exchange_toJava`, fromPeer: `${run}_exchange_fromJava` };
      const start = (): Promise<JavaPeer> => JavaPeer.start(version, peer.cluster.nameServer, run, ['exchange']);
      const { readByUs, readByPeer } = await exchangeWith(peer, topics, start);
      expect(readByUs).toEqual(readByPeer);
      expect(readByUs).toContain(
        JSON.stringify(['full ü 漢 😀', 7, ['TagA', 'key1 key2', 'blue = "ü"', null, 'true']]),
      );
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
