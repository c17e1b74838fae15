import { afterEach, describe, expect, it } from '@jest/globals';
import {
  COMPRESSION_FLAGS,
  DecodeError,
  NotRunningError,
  Requests,
  ResponseCode,
  ResponseError,
  compressBody,
  decodeProperties,
  encodeProperties,
  silentLogger,
} from '@nest-rocketmq/remoting/internal';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import { FakeCluster, NAME_SERVER } from '../../../test-kit/fake-cluster.js';
import { RocketMQClient } from '../../client.js';
import { InvalidMessageError } from '../../errors.js';
import type { ClientOptions } from '../../config/options.js';
import { ReplyTimeoutError, TooManyRequestsError } from '../../replies/errors.js';
import type { Producer } from '../producer.js';

let cluster: FakeCluster;
let client: RocketMQClient;

async function asking(options: Partial<ClientOptions> = {}): Promise<Producer> {
  cluster = new FakeCluster({ topics: { t: 2 } });
  client = new RocketMQClient({ nameServer: NAME_SERVER, dial: cluster.dial, clock: cluster.clock, ...options });
  const producer = client.createProducer({ group: 'asking', topics: ['t'] });
  await producer.start();
  return producer;
}

/** The properties of a request that the broker has stored. */
async function stored(count = 1): Promise<ReadonlyMap<string, string>> {
  await cluster.until('the request is stored', () => cluster.broker.stored.length >= count);
  return cluster.broker.stored[count - 1]!.properties;
}

/** The broker pushes a reply, as Apache's does. */
function push(properties: Record<string, string>, body: Buffer | string = 'answer', more: { sysFlag?: number } = {}) {
  return cluster.broker.connection.request(
    Requests.PUSH_REPLY_MESSAGE_TO_CLIENT,
    {
      producerGroup: 'answering',
      topic: 'DefaultCluster_REPLY_TOPIC',
      defaultTopic: 'TBW102',
      defaultTopicQueueNums: 4,
      queueId: 0,
      sysFlag: 0,
      bornTimestamp: 1,
      flag: 7,
      properties: encodeProperties(Object.entries(properties)),
      bornHost: '10.0.0.1:5',
      storeHost: '/10.0.0.2:6',
      storeTimestamp: 2,
      ...more,
    },
    { body: Buffer.from(body) },
  );
}

const replyTo = (request: ReadonlyMap<string, string>): Record<string, string> => ({
  CORRELATION_ID: request.get('CORRELATION_ID')!,
  UNIQ_KEY: 'ABC',
  colour: 'blue',
});

/** Settles within this test, so that nothing rejects unhandled. */
const outcome = (asked: Promise<MessageExt>): Promise<unknown> =>
  asked.then(
    (message) => message,
    (error: unknown) => error,
  );

afterEach(async () => {
  await client.shutdown();
  await cluster.close();
  expect(client.requestCounts.pending).toBe(0);
  expect(cluster.clock.pending).toBe(0);
});

describe('a request', () => {
  it('T039 carries where the reply is to go, and resolves with the reply of its correlation id', async () => {
    const producer = await asking();
    const asked = producer.request({ topic: 't', body: 'question', tags: 'a' }, { timeout: 500 });
    const request = await stored();
    expect(Object.fromEntries(request)).toMatchObject({
      CORRELATION_ID: expect.stringMatching(/^[\da-f-]{36}$/),
      REPLY_TO_CLIENT: client.clientId,
      TTL: '500',
      TAGS: 'a',
    });
    expect((await push({ ...replyTo(request), CORRELATION_ID: 'of another' })).code).toBe(ResponseCode.SUCCESS);
    expect((await push(replyTo(request))).code).toBe(ResponseCode.SUCCESS);
    const reply = await asked;
    expect(reply).toMatchObject({
      topic: 'DefaultCluster_REPLY_TOPIC',
      flag: 7,
      bornTimestamp: 1,
      storeTimestamp: 2,
      bornHost: { address: Buffer.from([10, 0, 0, 1]), port: 5 },
      storeHost: { address: Buffer.from([10, 0, 0, 2]), port: 6 },
      msgId: 'ABC',
      queueOffset: -1,
    });
    expect(reply.body.toString()).toBe('answer');
    expect(reply.properties.get('colour')).toBe('blue');
    expect(reply.properties.get('ARRIVE_TIME')).toBe(String(cluster.clock.now()));
    expect(client.requestCounts).toMatchObject({ answered: 1, unknown: 1, timedOut: 0 });
  });

  it('T040 without a reply is rejected when its time is over, and says whether it was stored', async () => {
    const producer = await asking();
    const asked = outcome(producer.request({ topic: 't', body: 'question' }, { timeout: 500 }));
    await stored();
    await cluster.clock.advance(499);
    expect(client.requestCounts.pending).toBe(1);
    await cluster.clock.advance(1);
    const error = await asked;
    expect(error).toBeInstanceOf(ReplyTimeoutError);
    expect(error).toMatchObject({ code: 'REPLY_TIMEOUT', topic: 't', timeout: 500, stored: true });
    expect(String(error)).toMatch(/replyTo/);
  });

  it('drops a late reply and a second one, and counts them', async () => {
    const producer = await asking();
    const late = outcome(producer.request({ topic: 't', body: 'late' }, { timeout: 500 }));
    const first = await stored();
    await cluster.clock.advance(500);
    await late;
    await push(replyTo(first));
    const twice = producer.request({ topic: 't', body: 'twice' });
    const second = await stored(2);
    await push(replyTo(second));
    await push(replyTo(second));
    await twice;
    expect(client.requestCounts).toEqual({
      pending: 0,
      answered: 1,
      timedOut: 1,
      failed: 0,
      late: 1,
      duplicate: 1,
      unknown: 0,
    });
  });

  it('T041 whose send fails is rejected with that failure, once', async () => {
    const producer = await asking();
    cluster.broker.next('SEND_MESSAGE_V2', () => ({ code: ResponseCode.MESSAGE_ILLEGAL, remark: 'no' }));
    const error = await outcome(producer.request({ topic: 't', body: 'question' }));
    expect(error).toBeInstanceOf(ResponseError);
    expect(client.requestCounts).toMatchObject({ pending: 0, failed: 1 });
  });

  it('may have its reply before the broker has answered the send', async () => {
    const producer = await asking();
    let confirm = (): void => undefined;
    cluster.broker.next('SEND_MESSAGE_V2', () => new Promise((resolve) => (confirm = () => resolve({}))));
    const asked = producer.request({ topic: 't', body: 'question' });
    await cluster.until('it is sent', () => cluster.broker.requests('SEND_MESSAGE_V2').length === 1);
    const fields = String(cluster.broker.requests('SEND_MESSAGE_V2')[0]!.header['i']);
    await push(replyTo(decodeProperties(fields)));
    expect((await asked).body.toString()).toBe('answer');
    confirm();
  });

  it('gets a compressed reply inflated, and fails by one that cannot be read', async () => {
    const producer = await asking();
    const body = Buffer.alloc(5_000, 'all work and no play ');
    const asked = producer.request({ topic: 't', body: 'question' });
    await push(replyTo(await stored()), await compressBody(Buffer.from(body), 'ZLIB', 5), {
      sysFlag: COMPRESSION_FLAGS.ZLIB,
    });
    expect((await asked).body.equals(body)).toBe(true);
    expect((await asked).sysFlag).toBe(0);
    const damaged = outcome(producer.request({ topic: 't', body: 'question' }));
    const answer = await push(replyTo(await stored(2)), 'no zlib', { sysFlag: COMPRESSION_FLAGS.ZLIB });
    expect(answer.code).toBe(ResponseCode.SYSTEM_ERROR);
    expect(await damaged).toBeInstanceOf(DecodeError);
  });

  it('has the time that is left when its turn to be sent comes, and is not sent when none is', async () => {
    const producer = await asking({ backPressureForAsyncSendNum: 1 });
    let confirm = (): void => undefined;
    cluster.broker.next('SEND_MESSAGE_V2', () => new Promise((resolve) => (confirm = () => resolve({}))));
    const first = outcome(producer.request({ topic: 't', body: 'first' }, { timeout: 2_000 }));
    const asked = [100, 500].map((timeout) => outcome(producer.request({ topic: 't', body: 'question' }, { timeout })));
    await cluster.clock.advance(200);
    confirm();
    expect((await stored()).get('TTL')).toBe('300');
    await cluster.clock.advance(300);
    for (const error of await Promise.all(asked)) expect(error).toBeInstanceOf(ReplyTimeoutError);
    await cluster.clock.advance(2_000);
    await first;
    expect(cluster.broker.requests('SEND_MESSAGE_V2')).toHaveLength(2);
  });

  it('has its reply, whatever the function throws that is told of its storage', async () => {
    const warnings: string[] = [];
    const logger = { ...silentLogger, warn: (line: string) => void warnings.push(line) };
    const producer = await asking({ logger });
    const reply = producer.request(
      { topic: 't', body: 'x' },
      {
        onStored: () => {
          throw new Error('broken');
        },
      },
    );
    await push({ CORRELATION_ID: (await stored()).get('CORRELATION_ID')! });
    expect((await reply).body.toString()).toBe('answer');
    await cluster.clock.advance(0);
    expect(warnings).toEqual([expect.stringContaining('broken')]);
  });

  it('without a message is refused', async () => {
    const producer = await asking();
    await expect(producer.request(null as never)).rejects.toThrow(InvalidMessageError);
  });

  it('is refused while maxPendingRequests wait', async () => {
    const producer = await asking({ maxPendingRequests: 1 });
    const first = producer.request({ topic: 't', body: 'question' });
    const error = await outcome(producer.request({ topic: 't', body: 'another' }));
    expect(error).toBeInstanceOf(TooManyRequestsError);
    expect(String(error)).toMatch(/maxPendingRequests/);
    await push(replyTo(await stored()));
    await first;
  });

  it('is waited for by a shutdown, and given up at its deadline', async () => {
    const producer = await asking();
    const answered = producer.request({ topic: 't', body: 'question' }, { timeout: 60_000 });
    const given = outcome(producer.request({ topic: 't', body: 'no answer' }, { timeout: 60_000 }));
    const request = await stored();
    await stored(2);
    const ended = producer.shutdown({ deadline: 1_000 });
    await push(replyTo(request));
    await expect(answered).resolves.toBeDefined();
    await cluster.clock.advance(1_000);
    await ended;
    expect(await given).toBeInstanceOf(NotRunningError);
  });

  it('is still answered when its broker goes away and comes back: the requester makes itself known again', async () => {
    const producer = await asking();
    const asked = producer.request({ topic: 't', body: 'question' }, { timeout: 30_000 });
    const request = await stored();
    const before = cluster.broker.heartbeats.length;
    cluster.takeDown(cluster.broker.address);
    await cluster.clock.advance(1_000);
    cluster.bringUp(cluster.broker.address);
    await cluster.clock.advance(2_000);
    expect(cluster.broker.heartbeats.length).toBeGreaterThan(before);
    expect(cluster.broker.heartbeats.at(-1)).toMatchObject({ clientID: client.clientId, producerGroups: ['asking'] });
    await push(replyTo(request));
    expect((await asked).body.toString()).toBe('answer');
  });

  it('may go to a chosen queue', async () => {
    const producer = await asking();
    const messageQueue = { topic: 't', brokerName: 'broker-a', queueId: 1 };
    const asked = producer.request({ topic: 't', body: 'question' }, { messageQueue });
    await push(replyTo(await stored()));
    await asked;
    expect(cluster.broker.stored[0]!.queueId).toBe(1);
  });

  it('is given up by its signal, at any time; a reply that comes then is late', async () => {
    const dropped: unknown[] = [];
    const producer = await asking({ onReplyDropped: (reply) => void dropped.push(reply) });
    const giving = new AbortController();
    let isStored = false;
    const options = { signal: giving.signal, onStored: () => void (isStored = true) };
    const asked = outcome(producer.request({ topic: 't', body: 'question' }, options));
    const request = await stored();
    await cluster.until('it is told', () => isStored);
    giving.abort(new Error('gone'));
    expect(await asked).toMatchObject({ message: 'gone' });
    expect(client.requestCounts).toMatchObject({ pending: 0, failed: 1 });
    await push(replyTo(request));
    expect(dropped).toEqual([{ kind: 'late', correlationId: request.get('CORRELATION_ID') }]);
    await expect(producer.request({ topic: 't', body: 'question' }, options)).rejects.toThrow('gone');
    expect(cluster.broker.stored).toHaveLength(1);
  });

  it('T041 resolves once: further replies are dropped, counted and told, whatever onReplyDropped does', async () => {
    const kinds: string[] = [];
    const producer = await asking({
      onReplyDropped: ({ kind }) => {
        kinds.push(kind);
        throw new Error('of the application');
      },
    });
    const asked = producer.request({ topic: 't', body: 'question' });
    const request = await stored();
    for (let i = 0; i < 3; i++) expect((await push(replyTo(request), `answer ${i}`)).code).toBe(ResponseCode.SUCCESS);
    expect((await asked).body.toString()).toBe('answer 0');
    expect(kinds).toEqual(['duplicate', 'duplicate']);
    expect(client.requestCounts).toMatchObject({ answered: 1, duplicate: 2 });
  });
});
