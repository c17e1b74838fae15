// Tests the results of our client's requests and replies.
import { randomBytes } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { NotRunningError, ReplyTimeoutError, RequesterGoneError, isRequest } from '@nest-rocketmq/client';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import { OurReader } from '../harness/our-reader.js';
import { type Peer, QUEUES } from './peer.js';

const ASKING = { timeout: 60_000 };
/** The broker's clock may be read just before the client's. */
const CLOCK_SLACK_MS = 1_000;

/** A consumer that answers each request so. */
async function answering(
  peer: Peer,
  topic: string,
  answer: (message: MessageExt) => Promise<unknown>,
): Promise<OurReader> {
  await peer.client.admin.createTopic({ topic, queues: QUEUES });
  const options = { group: `${topic}_answering`, subscriptions: [{ topic }] };
  return OurReader.start(peer.client, options, async (message) => {
    await answer(message);
    return 'CONSUME_SUCCESS' as const;
  });
}

/** The record of a reply in the reply topic. @param since ms since the epoch */
async function storedReply(peer: Peer, reply: MessageExt, since: number): Promise<MessageExt> {
  const consumer = peer.client.createLitePullConsumer({ group: 'ours_ask_stored_reader' });
  const queue = { topic: reply.topic, brokerName: 'broker-a', queueId: 0 };
  await consumer.assign([queue]);
  await consumer.start();
  try {
    await consumer.seekToTimestamp(queue, since - CLOCK_SLACK_MS);
    for await (const message of consumer) if (message.msgId === reply.msgId) return message;
    throw new Error('the consumer ended');
  } finally {
    await consumer.shutdown();
  }
}

export function declareAskingTests(peer: Peer): void {
  test('T039 a request resolves with the reply of its own', async () => {
    const topic = 'ours_ask';
    const reader = await answering(peer, topic, (message) =>
      peer.producer.replyTo(message, `re: ${message.body.toString()}`, { properties: { colour: 'blue' } }),
    );
    const questions = Array.from({ length: 20 }, (_, i) => `question-${i}`);
    const replies = await Promise.all(questions.map((body) => peer.producer.request({ topic, body }, ASKING)));
    expect(replies.map(({ body }) => body.toString())).toEqual(questions.map((body) => `re: ${body}`));
    expect(Object.fromEntries(replies[0]!.properties)).toMatchObject({ colour: 'blue', MSG_TYPE: 'reply' });
    expect(reader.received.every(isRequest)).toBe(true);
    await reader.stop();
  });

  test('requests and replies may be as large as messages', async () => {
    const topic = 'ours_ask_large';
    const reader = await answering(peer, topic, (message) => peer.producer.replyTo(message, message.body));
    const body = randomBytes(3 * 1024 * 1024);
    const reply = await peer.producer.request({ topic, body }, ASKING);
    expect(reply.body.equals(body)).toBe(true);
    await reader.stop();
  });

  test('T043 the reply is pushed with its addresses, and stored in the reply topic as it was sent', async () => {
    const topic = 'ours_ask_stored';
    const reader = await answering(peer, topic, (message) => peer.producer.replyTo(message, 'stored', { flag: 9 }));
    const asked = Date.now();
    const reply = await peer.producer.request({ topic, body: 'x' }, ASKING);
    await reader.stop();
    const stored = await storedReply(peer, reply, asked);
    expect(reply).toMatchObject({ flag: 9, queueId: 0, bornTimestamp: stored.bornTimestamp, msgId: stored.msgId });
    expect(reply.bornHost).toEqual(stored.bornHost);
    expect(reply.storeHost).toEqual(stored.storeHost);
    const { PUSH_REPLY_TIME, ARRIVE_TIME, ...asSent } = Object.fromEntries(reply.properties);
    expect(Number(PUSH_REPLY_TIME)).toBeLessThanOrEqual(Number(ARRIVE_TIME));
    const places = ['MIN_OFFSET', 'MAX_OFFSET', '__CRC32#'];
    const kept = [...stored.properties].filter(([name]) => !places.includes(name));
    expect(Object.fromEntries(kept)).toEqual(asSent);
    expect(stored.body.toString()).toBe('stored');
  });

  test('T040 a request that nobody answers is rejected in time', async () => {
    const topic = 'ours_ask_nobody';
    await peer.client.admin.createTopic({ topic, queues: QUEUES });
    // The broker has to store it in that time.
    const error = await peer.producer.request({ topic, body: 'x' }, { timeout: 5_000 }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ReplyTimeoutError);
    expect(error).toMatchObject({ stored: true });
  });

  test('a second reply is dropped and counted, and its replier hears of nothing', async () => {
    const topic = 'ours_ask_twice';
    const before = peer.client.requestCounts;
    let replied = (): void => undefined;
    const both = new Promise<void>((resolve) => (replied = resolve));
    const reader = await answering(peer, topic, async (message) => {
      await peer.producer.replyTo(message, 'first');
      await peer.producer.replyTo(message, 'second');
      replied();
    });
    expect((await peer.producer.request({ topic, body: 'x' }, ASKING)).body.toString()).toBe('first');
    await both;
    expect(peer.client.requestCounts).toEqual({
      ...before,
      answered: before.answered + 1,
      duplicate: before.duplicate + 1,
    });
    await reader.stop();
  });

  test('a replier whose requester has gone is told so', async () => {
    const topic = 'ours_ask_gone';
    const requester = peer.newClient();
    const producer = requester.createProducer({ group: 'ours_ask_gone_requester' });
    await producer.start();
    let tell: (error: unknown) => void = () => undefined;
    const told = new Promise<unknown>((resolve) => (tell = resolve));
    const reader = await answering(peer, topic, async (message) => {
      await producer.shutdown({ deadline: 0 });
      await requester.shutdown();
      await peer.producer.replyTo(message, 'too late').then(tell, tell);
    });
    await expect(producer.request({ topic, body: 'x' }, ASKING)).rejects.toThrow(NotRunningError);
    expect(await told).toBeInstanceOf(RequesterGoneError);
    await reader.stop();
  });
}
