// Tests that our client and the unmodified Java clients ask and answer each other, on Apache's broker and on ours.
import { describe, expect, jest, test } from '@jest/globals';
import { isRequest } from '@nest-rocketmq/client';
import { describeOnBothBrokers, QUEUES } from './client/peer.js';
import { ROCKETMQ_4, ROCKETMQ_5 } from './harness/jars.js';
import { JavaPeer, type PeerEvent } from './harness/java-peer.js';
import { OurReader } from './harness/our-reader.js';

jest.setTimeout(300_000);

const LINE_TIMEOUT_MS = 120_000;
const LARGE = 'large'.repeat(10_000);
/** Java's consumer may get its queues only when it divides them again, after 20 s. */
const ASKING = { timeout: 60_000 };

describeOnBothBrokers('asking_producer', (peer) => {
  describe.each([ROCKETMQ_4, ROCKETMQ_5] as const)('with the Java client %s', (version) => {
    const run = `asking${version.replaceAll('.', '')}`;

    test('T039 T041 T042 Java asks, by call and by callback, and our consumer answers', async () => {
      const [toOurs, nobody] = [`${run}_ask_toOthers`, `${run}_ask_nobody`];
      for (const topic of [toOurs, nobody]) await peer.client.admin.createTopic({ topic, queues: QUEUES });
      const asked: string[] = [];
      const reader = await OurReader.start(
        peer.client,
        { group: `${run}_answering`, subscriptions: [{ topic: toOurs }] },
        async (message) => {
          if (!isRequest(message)) throw new Error('no request');
          const body = message.body.toString();
          asked.push(body);
          const reply = body === LARGE ? body : `re: ${body}`;
          await peer.producer.replyTo(message, reply, { tags: 'TagR', flag: 9, properties: { from: 'ours' } });
          return 'CONSUME_SUCCESS' as const;
        },
      );
      const java = await JavaPeer.start(version, peer.cluster.nameServer, run, ['ask']);
      const events = await java.scenario('ask');
      await reader.stop();
      expect(events.of('error')).toEqual([]);
      const replies = new Map(events.of('reply').map((event): [unknown, PeerEvent] => [event.asked, event]));
      expect(new Set(replies.keys())).toEqual(new Set(['callback', 'large', 'sync']));
      expect(replies.get('sync')).toMatchObject({
        body: 're: sync ü 漢',
        flag: 9,
        topic: 'DefaultCluster_REPLY_TOPIC',
      });
      expect(replies.get('sync')!.properties).toMatchObject({
        TAGS: 'TagR',
        from: 'ours',
        MSG_TYPE: 'reply',
        TTL: '30000',
        CORRELATION_ID: expect.any(String),
        PUSH_REPLY_TIME: expect.stringMatching(/^\d+$/),
        ARRIVE_TIME: expect.stringMatching(/^\d+$/),
      });
      expect(replies.get('callback')).toMatchObject({ body: 're: callback' });
      expect(replies.get('large')!.body).toMatch(/^50000 bytes/);
      expect(events.of('timeout')).toMatchObject([{ code: 10_006 }]);
      expect(new Set(asked)).toEqual(new Set(['sync ü 漢', LARGE, 'callback']));
    });

    test('T039 T042 we ask, and the Java consumer answers with MessageUtil.createReplyMessage', async () => {
      const topic = `${run}_answer_toJava`;
      await peer.client.admin.createTopic({ topic, queues: QUEUES });
      const java = await JavaPeer.start(version, peer.cluster.nameServer, run, ['answer']);
      await java.line(/"event":"ready"/, LINE_TIMEOUT_MS);
      const before = peer.client.requestCounts;
      const reply = await peer.producer.request({ topic, body: 'hello ü', tags: 'TagA' }, ASKING);
      expect(reply).toMatchObject({ topic: 'DefaultCluster_REPLY_TOPIC', queueOffset: -1, reconsumeTimes: 0 });
      expect(reply.body.toString()).toBe('re: hello ü');
      expect(Object.fromEntries(reply.properties)).toMatchObject({ from: 'java', MSG_TYPE: 'reply' });
      // What was left of the time when the question was sent.
      const ttl = Number(reply.properties.get('TTL'));
      expect(ttl).toBeLessThanOrEqual(ASKING.timeout);
      expect(ttl).toBeGreaterThan(ASKING.timeout / 2);
      const large = await peer.producer.request({ topic, body: LARGE }, ASKING);
      expect(large.body.toString()).toBe(LARGE);
      await peer.producer.request({ topic, body: 'stop' }, ASKING);
      const events = await java.scenario('answer');
      expect(events.of('error')).toEqual([]);
      expect(new Set(events.field('sent', 'status'))).toEqual(new Set(['SEND_OK']));
      expect(peer.client.requestCounts).toEqual({ ...before, answered: before.answered + 3 });
    });
  });
});
