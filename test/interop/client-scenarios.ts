// Owns what our client must do on a broker, Apache's or ours; which one is chosen by the *.test.ts files.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { type LocalTransactionState, type OutgoingMessage, type Producer, RocketMQClient, type SendResult } from '@nest-rocketmq/client';
import { type MessageExt, MessageProperty } from '@nest-rocketmq/remoting';
import { type Cluster, DELAY_LEVELS_MS } from './harness/cluster.js';
import { bodiesOf, OurReader, type Received, untilHolds } from './harness/our-reader.js';

/** A cold JVM takes its time for the first sends. */
const SEND_TIMEOUT_MS = 20_000;
const CLOCK_SLACK_MS = 50;
const QUEUES = 4;

const numbered = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${prefix}-${i}`);
const sorted = <T>(values: readonly T[]): T[] => [...values].sort();

function newClient(cluster: Cluster): RocketMQClient {
  return new RocketMQClient({
    nameServer: cluster.nameServer,
    pollNameServerInterval: 1000,
    heartbeatBrokerInterval: 1000,
    persistConsumerOffsetInterval: 1000,
  });
}

interface Peer {
  cluster: Cluster;
  client: RocketMQClient;
  producer: Producer;
}

export function describeOurClient(clusterOf: () => Cluster): void {
  describe('our client', () => {
    const peer = {} as Peer;
    beforeAll(async () => {
      peer.cluster = clusterOf();
      peer.client = newClient(peer.cluster);
      await peer.client.start();
      peer.producer = peer.client.createProducer({ group: 'our_producer', sendMsgTimeout: SEND_TIMEOUT_MS });
      await peer.producer.start();
    });
    afterAll(async () => {
      await peer.client?.shutdown();
    });
    declareSendTests(peer);
    declareConsumeTests(peer);
    declareShareTest(peer);
    declareTransactionTests(peer);
  });
}

const read = (peer: Peer, topic: string, expression = '*'): Promise<OurReader> =>
  OurReader.start(peer.client, { group: `${topic}_reader`, subscriptions: [{ topic, expression }] });

function expectReceivedAsSent(received: readonly Received[], sent: readonly SendResult[]): void {
  const places = received.map(({ msgId, offsetMsgId, queueId, queueOffset }) => ({ msgId, offsetMsgId, queueId, queueOffset }));
  const expected = sent.map(({ msgId, offsetMsgId, messageQueue, queueOffset }) => ({
    msgId, offsetMsgId, queueId: messageQueue.queueId, queueOffset,
  }));
  const byId = (a: { msgId: string }, b: { msgId: string }): number => a.msgId.localeCompare(b.msgId);
  expect(places.sort(byId)).toEqual(expected.sort(byId));
}

function declareSendTests(peer: Peer): void {
  test('sends are answered with the place where they are found again', async () => {
    const topic = 'ours_sync';
    const sent: SendResult[] = [];
    for (const body of numbered('one-by-one', 10)) sent.push(await peer.producer.send({ topic, body }));
    sent.push(...(await Promise.all(numbered('at-once', 10).map((body) => peer.producer.send({ topic, body })))));
    expect(new Set(sent.map((result) => result.sendStatus))).toEqual(new Set(['SEND_OK']));
    const received = await (await read(peer, topic)).take(20);
    expect(sorted(bodiesOf(received))).toEqual(sorted([...numbered('one-by-one', 10), ...numbered('at-once', 10)]));
    expectReceivedAsSent(received, sent);
  });

  test('one-way sends arrive', async () => {
    const topic = 'ours_oneway';
    for (const body of numbered('oneway', 10)) await peer.producer.sendOneway({ topic, body });
    expect(sorted(bodiesOf(await (await read(peer, topic)).take(10)))).toEqual(numbered('oneway', 10));
  });

  test('a batch arrives as single messages in one queue, with their own tags, keys and properties', async () => {
    const topic = 'ours_batch';
    const messages = numbered('batch', 10).map((body, i): OutgoingMessage => ({
      topic, body, tags: `tag${i}`, keys: `key${i}`, properties: { index: String(i) },
    }));
    const sent = await peer.producer.sendBatch(messages);
    const received = [...(await (await read(peer, topic)).take(10))].sort((a, b) => a.queueOffset - b.queueOffset);
    expect(bodiesOf(received)).toEqual(numbered('batch', 10));
    expect(received.map((message) => message.msgId)).toEqual(sent.msgId.split(','));
    expect(received.map((message) => message.offsetMsgId)).toEqual(sent.offsetMsgId.split(','));
    const own = received.map(({ properties }) => [properties.get('TAGS'), properties.get('KEYS'), properties.get('index')]);
    expect(own).toEqual(numbered('', 10).map((_, i) => [`tag${i}`, `key${i}`, String(i)]));
    expect(new Set(received.map((message) => message.queueId))).toEqual(new Set([sent.messageQueue.queueId]));
  });

  test('keys, tags, flag and user properties arrive', async () => {
    const topic = 'ours_properties';
    const properties = { colour: 'blue = "ü"', quoted: '{"a": 1}' };
    await peer.producer.send({ topic, body: 'ü 漢 😀', tags: 'TagA', keys: ['key1', 'key2'], flag: 7, properties });
    const [received] = await (await read(peer, topic)).take(1);
    expect(received.body.toString()).toBe('ü 漢 😀');
    expect(received.flag).toBe(7);
    expect(Object.fromEntries(received.properties)).toMatchObject({ ...properties, TAGS: 'TagA', KEYS: 'key1 key2' });
  });

  test('large bodies arrive, compressible or not', async () => {
    const topic = 'ours_large';
    const bodies = [Buffer.alloc(100_000, 'all work and no play '), randomBytes(500_000)];
    for (const body of bodies) await peer.producer.send({ topic, body });
    const received = [...(await (await read(peer, topic)).take(2))].sort((a, b) => a.body.length - b.body.length);
    expect(received.map((message) => message.body.equals(bodies[received.indexOf(message)]))).toEqual([true, true]);
  });

  test('delayed messages arrive when their level says, not sooner, and in their own topic', async () => {
    const topic = 'ours_delay';
    await peer.producer.send({ topic, body: 'delay-0' });
    const reader = await read(peer, topic);
    await reader.take(1);
    for (const delayLevel of [1, 2, 3]) await peer.producer.send({ topic, body: `delay-${delayLevel}`, delayLevel });
    const received = await reader.take(4);
    expect(bodiesOf(received)).toEqual(numbered('delay', 4));
    for (const [i, message] of received.slice(1).entries()) {
      expect(message.topic).toBe(topic);
      expect(message.receivedAt - message.bornTimestamp).toBeGreaterThanOrEqual(DELAY_LEVELS_MS[i] - CLOCK_SLACK_MS);
    }
  });
}

function declareConsumeTests(peer: Peer): void {
  test('a subscription to two tags gets these and nothing else', async () => {
    const topic = 'ours_tags';
    for (const tags of ['TagA', 'TagC', undefined, 'TagB', 'TagA']) await peer.producer.send({ topic, body: `of ${tags}`, tags });
    for (let queueId = 0; queueId < QUEUES; queueId++) {
      const messageQueue = { topic, brokerName: 'broker-a', queueId };
      await peer.producer.send({ topic, body: 'last', tags: 'TagB' }, { messageQueue });
    }
    const received = await (await read(peer, topic, 'TagA || TagB')).take(3 + QUEUES);
    expect(sorted(bodiesOf(received))).toEqual(['last', 'last', 'last', 'last', 'of TagA', 'of TagA', 'of TagB']);
  });

  test('a failed message comes again, and after the last try lies in the dead letter queue', async () => {
    const topic = 'ours_retry';
    const group = 'ours_retry_group';
    const sent = await peer.producer.send({ topic, body: 'poison', keys: 'key', tags: 'TagR', properties: { trace: 'x' } });
    await peer.producer.send({ topic, body: 'fails-once' });
    const failing = await OurReader.start(peer.client, { group, subscriptions: [{ topic }], maxReconsumeTimes: 2 }, (message) =>
      message.body.toString() === 'poison' || message.reconsumeTimes === 0 ? 'RECONSUME_LATER' : 'CONSUME_SUCCESS');
    const tries = (body: string): number[] =>
      failing.received.filter((message) => message.body.toString() === body).map((message) => message.reconsumeTimes);
    await failing.until(() => tries('poison').length >= 3 && tries('fails-once').length >= 2, 'all tries');
    expect({ poison: tries('poison'), failsOnce: tries('fails-once') }).toEqual({ poison: [0, 1, 2], failsOnce: [0, 1] });
    expect(new Set(failing.received.map((message) => message.topic))).toEqual(new Set([topic]));

    const dead = (await (await OurReader.start(peer.client, {
      group: `${group}_dead_reader`, subscriptions: [{ topic: `%DLQ%${group}` }],
    })).take(1))[0];
    expect(dead.msgId).toBe(sent.msgId);
    expect(Object.fromEntries(dead.properties)).toMatchObject({
      KEYS: 'key', TAGS: 'TagR', trace: 'x', RETRY_TOPIC: topic, ORIGIN_MESSAGE_ID: sent.offsetMsgId,
    });
  });

  test('a group that comes back gets what was sent meanwhile and nothing twice', async () => {
    const topic = 'ours_offsets';
    for (const body of numbered('before', 8)) await peer.producer.send({ topic, body });
    const first = await read(peer, topic);
    expect(sorted(bodiesOf(await first.take(8)))).toEqual(numbered('before', 8));
    await first.stop();
    for (const body of numbered('meanwhile', 8)) await peer.producer.send({ topic, body });
    expect(sorted(bodiesOf(await (await read(peer, topic)).take(8)))).toEqual(numbered('meanwhile', 8));
  });
}

function declareShareTest(peer: Peer): void {
  test('two consumers share the queues, and the one that stays takes over the rest', async () => {
    const topic = 'ours_share';
    const options = { group: 'ours_share_group', subscriptions: [{ topic }] };
    await peer.producer.send({ topic, body: 'first' });
    const left = await OurReader.start(peer.client, options);
    const otherClient = newClient(peer.cluster);
    await otherClient.start();
    const right = await OurReader.start(otherClient, options);
    const seen = (): string[] => bodiesOf([...left.received, ...right.received]);
    const sendToEachQueue = async (body: string): Promise<void> => {
      for (let queueId = 0; queueId < QUEUES; queueId++) {
        await peer.producer.send({ topic, body: `${body}-${queueId}` }, { messageQueue: { topic, brokerName: 'broker-a', queueId } });
      }
    };
    const queuesOf = (reader: OurReader, prefix: string): number[] =>
      sorted([...new Set(reader.received.filter((message) => message.body.toString().startsWith(prefix)).map((message) => message.queueId))]);

    const sendAndAwait = async (prefix: string): Promise<void> => {
      await sendToEachQueue(prefix);
      const all = (): boolean => new Set(seen().filter((body) => body.startsWith(`${prefix}-`))).size === QUEUES;
      await untilHolds([left, right], all, `all of ${prefix}`);
    };

    // Only messages show who has which queue, so they are sent until the two share them.
    for (let round = 0; queuesOf(right, `round-${round - 1}-`).length !== QUEUES / 2; round++) await sendAndAwait(`round-${round}`);
    await sendAndAwait('both');
    expect([...queuesOf(left, 'both'), ...queuesOf(right, 'both')].sort()).toEqual([0, 1, 2, 3]);
    expect(queuesOf(right, 'both')).toHaveLength(QUEUES / 2);

    await right.stop();
    await otherClient.shutdown();
    await sendToEachQueue('alone');
    await left.until(() => queuesOf(left, 'alone').length === QUEUES, 'all queues at the one left');
  });
}

function declareTransactionTests(peer: Peer): void {
  test('only committed transactions are delivered, and the unknown are asked about', async () => {
    const topic = 'ours_transaction';
    const checked: MessageExt[] = [];
    const states: Record<string, LocalTransactionState> = { commit: 'COMMIT_MESSAGE', rollback: 'ROLLBACK_MESSAGE' };
    const producer = peer.client.createProducer({
      group: 'ours_transactions',
      sendMsgTimeout: SEND_TIMEOUT_MS,
      transactionListener: {
        executeLocalTransaction: (message) => {
          const body = message.body.toString();
          if (body.startsWith('throw')) throw new Error('the local transaction failed half way');
          return states[body] ?? 'UNKNOW';
        },
        checkLocalTransaction: (message) => {
          checked.push(message);
          return message.body.toString().endsWith('commit') ? 'COMMIT_MESSAGE' : 'ROLLBACK_MESSAGE';
        },
      },
    });
    await producer.start();
    const results = new Map<string, string>();
    for (const body of ['commit', 'rollback', 'unknown-commit', 'unknown-rollback', 'throw-commit']) {
      const result = await producer.sendMessageInTransaction({ topic, body, keys: `key-${body}` });
      results.set(body, result.localTransactionState);
    }
    expect(Object.fromEntries(results)).toEqual({
      commit: 'COMMIT_MESSAGE', rollback: 'ROLLBACK_MESSAGE', 'unknown-commit': 'UNKNOW', 'unknown-rollback': 'UNKNOW', 'throw-commit': 'UNKNOW',
    });
    const reader = await read(peer, topic);
    const received = [...(await reader.take(3))];
    expect(sorted(bodiesOf(received))).toEqual(['commit', 'throw-commit', 'unknown-commit']);
    expect(new Set(received.map((message) => message.topic))).toEqual(new Set([topic]));
    // Behind these, a rolled back message that is delivered all the same would have been seen.
    for (let queueId = 0; queueId < QUEUES; queueId++) {
      await producer.send({ topic, body: 'fence' }, { messageQueue: { topic, brokerName: 'broker-a', queueId } });
    }
    expect(bodiesOf((await reader.take(3 + QUEUES)).slice(3))).toEqual(['fence', 'fence', 'fence', 'fence']);
    expect(sorted([...new Set(bodiesOf(checked))])).toEqual(['throw-commit', 'unknown-commit', 'unknown-rollback']);
    const check = checked.find((message) => message.body.toString() === 'unknown-commit')!;
    expect(check.topic).toBe(topic);
    expect(check.properties.get(MessageProperty.KEYS)).toBe('key-unknown-commit');
  });
}
