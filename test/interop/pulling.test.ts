// Tests our consumers that pull and Java's DefaultLitePullConsumer as members of one group, on Apache's broker and on ours: they
// agree on who has which queue, and neither gets what the other has consumed.
import { expect, jest, test } from '@jest/globals';
import type { LitePullConsumer } from '@nest-rocketmq/client';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import { describeOnBothBrokers, QUEUES } from './client/peer.js';
import { pollUntil } from './client/pulling.js';
import { ROCKETMQ_4, ROCKETMQ_5 } from './harness/jars.js';
import { JavaPeer } from './harness/java-peer.js';
import { numbered, sorted } from './harness/lists.js';
import { bodiesOf } from './harness/our-reader.js';

jest.setTimeout(300_000);

const LINE_TIMEOUT_MS = 60_000;
const EACH = 10;

describeOnBothBrokers('pulling_producer', (peer) => {
  test.each([ROCKETMQ_4, ROCKETMQ_5] as const)(
    'T131 a group of ours and of Java %s shares its queues, and no message is delivered twice',
    async (version) => {
      const run = `pulling${version.replaceAll('.', '')}`;
      const topic = `${run}_lite_topic`;
      await peer.client.admin.createTopic({ topic, queues: QUEUES });
      const sendToAllQueues = async (body: string): Promise<void> => {
        for (let queueId = 0; queueId < QUEUES; queueId++) {
          const messageQueue = { topic, brokerName: 'broker-a', queueId };
          await peer.producer.send({ topic, body }, { messageQueue });
        }
      };
      const ours = peer.client.createLitePullConsumer({
        group: `${run}_lite_group`,
        subscriptions: [{ topic }],
        consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
        autoCommitIntervalMillis: 1_000,
      });
      await ours.start();
      for (const body of numbered('before', EACH)) await sendToAllQueues(body);
      const before = await pollUntil(ours, EACH * QUEUES);
      await ours.commit();

      const java = await JavaPeer.start(version, peer.cluster.nameServer, run, ['lite-group']);
      const line = await java.line(/"event":"shared"/, LINE_TIMEOUT_MS);
      const { queues: javas } = JSON.parse(line) as { queues: number[] };
      await untilAssigned(ours, QUEUES / 2);
      for (const body of numbered('shared', EACH)) await sendToAllQueues(body);
      const shared = await pollUntil(ours, (EACH * QUEUES) / 2);
      await sendToAllQueues('stop');
      const stops = await pollUntil(ours, QUEUES / 2);
      const { all } = await java.scenario('lite-group');
      await untilAssigned(ours, QUEUES);
      await sendToAllQueues('alone');
      const alone = await pollUntil(ours, QUEUES);

      const received = all.filter(({ event }) => event === 'received');
      expect(before).toHaveLength(EACH * QUEUES);
      expect(new Set(bodiesOf(stops))).toEqual(new Set(['stop']));
      expect(received.map(({ body }) => body).filter((body) => body !== 'stop')).toHaveLength((EACH * QUEUES) / 2);
      expect(new Set(received.map(({ queueId }) => queueId))).toEqual(new Set(javas));
      const queueIdsOf = (messages: readonly MessageExt[]): number[] =>
        sorted([...new Set(messages.map(({ queueId }) => String(queueId)))]).map(Number);
      expect(sorted([...queueIdsOf(shared), ...javas].map(String))).toEqual(['0', '1', '2', '3']);
      expect(bodiesOf(alone)).toEqual(['alone', 'alone', 'alone', 'alone']);
      await ours.shutdown();
    },
  );
});

/** Polls, which brings nothing, until the consumer has so many queues. */
async function untilAssigned(consumer: LitePullConsumer, count: number): Promise<void> {
  const deadline = Date.now() + LINE_TIMEOUT_MS;
  while (consumer.assignment().length !== count) {
    if (Date.now() > deadline) throw new Error(`the consumer did not get ${count} queues`);
    expect(await consumer.poll({ timeout: 100 })).toEqual([]);
  }
}
