// Tests our client and the unmodified Java clients together on one broker: they read each other's messages, and share the
// queues of one group.
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, jest, test } from '@jest/globals';
import { declareCompressionTests } from './client/compressing.js';
import { exchangeWith } from './client/exchanging.js';
import { describeOnBothBrokers, QUEUES } from './client/peer.js';
import { ROCKETMQ_4, ROCKETMQ_5 } from './harness/jars.js';
import { JavaPeer } from './harness/java-peer.js';
import { numbered, sorted } from './harness/lists.js';
import { OurReader, untilHolds } from './harness/our-reader.js';

jest.setTimeout(300_000);

const LINE_TIMEOUT_MS = 120_000;
const POLL_MS = 20;

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
      const queuesOf = (all: readonly { body: unknown; queueId: unknown }[], prefix: string): unknown[] =>
        sorted(all.filter(({ body }) => String(body).startsWith(prefix)).map(({ queueId }) => queueId));
      const atJava = (prefix: string): unknown[] => {
        const received = java.soFar('group').of('received');
        return queuesOf(
          received.map(({ body, queueId }) => ({ body, queueId })),
          prefix,
        );
      };
      const atOurs = (prefix: string): unknown[] => queuesOf(ours.received, prefix);
      const untilConsumed = async (prefix: string, count: number): Promise<void> => {
        // The two tell of their messages apart from each other: look again.
        while (atJava(prefix).length + atOurs(prefix).length < count) await wait(POLL_MS);
      };

      // Ours hears later than Java's that it has to give queues away, and gets messages of these until then: two rounds are to
      // be shared before what is to come once is sent.
      const isShared = (round: number): boolean => atOurs(`round-${round}-`).length === QUEUES - javas.length;
      for (let round = 0; !isShared(round - 2) || !isShared(round - 1); round++) {
        await sendToAllQueues(`round-${round}-`);
        await untilConsumed(`round-${round}-`, QUEUES);
      }
      for (const body of numbered('shared', 10)) await sendToAllQueues(body);
      await untilConsumed('shared', 10 * QUEUES);
      const tenOf = (queues: unknown[]): unknown[] => queues.flatMap((queueId) => Array<unknown>(10).fill(queueId));
      expect(atJava('shared')).toEqual(tenOf(javas));
      expect(atOurs('shared')).toEqual(tenOf([0, 1, 2, 3].filter((queueId) => !javas.includes(queueId))));

      await sendToAllQueues('stop');
      await java.scenario('group');
      await sendToAllQueues('alone');
      const areAlone = (): boolean => new Set(atOurs('alone')).size === QUEUES;
      await untilHolds([ours], areAlone, 'a message of each queue at the one left');
      expect(atOurs('alone')).toEqual([0, 1, 2, 3]);
      await ours.stop();
    });
  });
});
