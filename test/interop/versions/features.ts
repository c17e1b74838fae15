// Asks a broker which features it has, so that what is said of versions is what they do.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  Connections,
  RequestTimeoutError,
  Requests,
  ResponseCode,
  canCompress,
  handlerTable,
  silentLogger,
  systemClock,
} from '@nest-rocketmq/remoting/internal';
import type { Connection, RequestRow } from '@nest-rocketmq/remoting/internal';
import { type Peer, QUEUES, SEND_TIMEOUT_MS } from '../client/peer.js';
import { OurReader, bodiesOf } from '../harness/our-reader.js';
import { waitForRoute } from '../harness/route-probe.js';
import { type Feature, type RocketMQVersion, has } from '../harness/versions.js';

const PATIENCE_MS = 60_000;
/** How long a broker that does not answer unknown requests is waited for. ms */
const SILENCE_MS = 5_000;
const TOPIC = 'features';
const DUE_IN_MS = 600_000;

/** A request that each feature needs. A broker that does not know it says so; what else it answers does not matter. */
const REQUESTS: Readonly<Partial<Record<Feature, readonly RequestRow[]>>> = {
  'request and reply': [Requests.SEND_REPLY_MESSAGE_V2],
  'lite pull requests': [Requests.LITE_PULL_MESSAGE],
  'topic attributes': [Requests.GET_TOPIC_CONFIG],
  POP: [Requests.POP_MESSAGE, Requests.ACK_MESSAGE, Requests.CHANGE_MESSAGE_INVISIBLETIME, Requests.QUERY_ASSIGNMENT],
  'acknowledgements in batches': [Requests.BATCH_ACK_MESSAGE],
  recall: [Requests.RECALL_MESSAGE],
};

/** Declares what the version has, and what it has not. */
export function declareFeatureTests(peer: Peer, version: RocketMQVersion): void {
  beforeAll(() => peer.client.admin.createTopic({ topic: TOPIC, queues: QUEUES }));
  declareRequestTests(peer, version);
  declareDelayTests(peer, version);

  test('dead letters can be read, or the error says how to change that', async () => {
    const [topic, group] = ['feature_dead', 'feature_dead_group'];
    await peer.client.admin.createTopic({ topic, queues: 1 });
    await peer.producer.send({ topic, body: 'dead' });
    const options = { group, subscriptions: [{ topic }], maxReconsumeTimes: 0 };
    const reader = await OurReader.start(peer.client, options, () => 'RECONSUME_LATER');
    await reader.take(1);
    // The name server hears of a topic some time after the broker has made it.
    await waitForRoute(peer.cluster.nameServer, `%DLQ%${group}`);
    await reader.stop();
    const bodies: string[] = [];
    const list = async (): Promise<void> => {
      for await (const { message } of peer.client.admin.deadLetters(group)) bodies.push(message.body.toString());
    };
    if (!has(version, 'dead letters that can be read')) {
      await expect(list()).rejects.toThrow('brokers before 4.9.2');
      return;
    }
    while (bodies.length === 0) await list();
    expect(bodies).toEqual(['dead']);
  });

  test('a topic with a retention of its own is made, or refused', async () => {
    const attributes = { 'reserve.time': '3600000' };
    const creating = peer.client.admin.createTopic({ topic: 'feature_retention', queues: 1, attributes });
    const isRefused = has(version, 'topic attributes') && !has(version, 'topics with a retention of their own');
    if (isRefused) await expect(creating).rejects.toThrow('unsupported key: reserve.time');
    else await creating;
  });

  const types = (['ZLIB', 'LZ4', 'ZSTD'] as const).filter(canCompress);
  test(`bodies that are compressed by ${types.join(', ')} arrive, and again after a retry`, async () => {
    const topic = 'feature_compression';
    const body = 'compressible '.repeat(5_000);
    await peer.client.admin.createTopic({ topic, queues: QUEUES });
    for (const compressType of types) {
      const group = `feature_${compressType}`;
      const producer = peer.client.createProducer({ group, compressType, sendMsgTimeout: SEND_TIMEOUT_MS });
      await producer.start();
      await producer.send({ topic, body, tags: compressType });
    }
    const reader = await OurReader.start(
      peer.client,
      { group: 'feature_compression', subscriptions: [{ topic }] },
      ({ reconsumeTimes }) => (reconsumeTimes === 0 ? 'RECONSUME_LATER' : 'CONSUME_SUCCESS'),
    );
    const received = await reader.take(2 * types.length);
    await reader.stop();
    expect(new Set(bodiesOf(received))).toEqual(new Set([body]));
    expect(received.filter(({ reconsumeTimes }) => reconsumeTimes === 1)).toHaveLength(types.length);
  });

  test('SQL92 filters, with enablePropertyFilter=true', async () => {
    const topic = 'feature_sql';
    await peer.client.admin.createTopic({ topic, queues: 1 });
    for (const price of ['5', '50']) await peer.producer.send({ topic, body: price, properties: { price } });
    const subscription = { topic, expression: 'price > 10', expressionType: 'SQL92' as const };
    const reader = await OurReader.start(peer.client, { group: 'feature_sql', subscriptions: [subscription] });
    expect(bodiesOf(await reader.take(1))).toEqual(['50']);
    await reader.stop();
  });
}

function declareRequestTests(peer: Peer, version: RocketMQVersion): void {
  const connections = new Connections({ clock: systemClock, logger: silentLogger, handlers: handlerTable() });
  const connected = (): Promise<Connection> => connections.get(peer.cluster.brokerAddress);
  afterAll(() => connections.closeAll());

  test.each(Object.entries(REQUESTS))('requests of %s are known from their version on', async (feature, rows) => {
    const answers = has(version, 'answers to unknown requests');
    for (const row of rows) {
      const header = { consumerGroup: TOPIC, topic: TOPIC, queueId: 0 } as never;
      const asking = (await connected()).request(row, header, { timeout: answers ? PATIENCE_MS : SILENCE_MS });
      if (has(version, feature as Feature))
        expect((await asking).code).not.toBe(ResponseCode.REQUEST_CODE_NOT_SUPPORTED);
      else if (answers) expect((await asking).code).toBe(ResponseCode.REQUEST_CODE_NOT_SUPPORTED);
      else await expect(asking).rejects.toThrow(RequestTimeoutError);
    }
  });

  test('binary headers are read', async () => {
    const own = new Connections({ clock: systemClock, logger: silentLogger, handlers: handlerTable() });
    const connection = await own.get(peer.cluster.brokerAddress);
    connection.useBinaryHeaders();
    const reply = await connection.request(Requests.GET_MAX_OFFSET, { topic: TOPIC, queueId: 0 });
    own.closeAll();
    expect(reply.code).toBe(ResponseCode.SUCCESS);
  });
}

function declareDelayTests(peer: Peer, version: RocketMQVersion): void {
  test('a delay of any length is taken, or refused with an error that names 5.0', async () => {
    const sending = peer.producer.send({ topic: TOPIC, body: 'x', delay: DUE_IN_MS + 1 });
    if (has(version, 'delays of any length')) await expect(sending).resolves.toMatchObject({ sendStatus: 'SEND_OK' });
    else await expect(sending).rejects.toThrow('is of a version before 5.0');
  });

  test('a delayed message can be taken back, or the error names the version that does', async () => {
    const deliverAt = Date.now() + DUE_IN_MS;
    const timed = has(version, 'delays of any length') ? { deliverAt } : {};
    const { recallHandle, msgId } = await peer.producer.send({ topic: TOPIC, body: 'recalled', ...timed });
    expect(recallHandle !== undefined).toBe(has(version, 'recall'));
    if (recallHandle !== undefined) {
      await expect(peer.producer.recall(TOPIC, recallHandle)).resolves.toBe(msgId);
      return;
    }
    await expect(peer.producer.recall(TOPIC, recallHandle as never)).rejects.toThrow('of version 5.3.2 or later');
    const made = Buffer.from(`v1 ${TOPIC} broker-a ${deliverAt} ${msgId}`).toString('base64url');
    await expect(peer.producer.recall(TOPIC, made)).rejects.toMatchObject({ reason: 'not enabled' });
  });
}
