import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Requests,
  ResponseCode,
  decodeQueueTable,
  encodeJson,
  handlerTable,
  isObject,
  objectOf,
  parseJson,
  queueTable,
} from '@nest-rocketmq/remoting/internal';
import type { Connection } from '@nest-rocketmq/remoting/internal';
import { TestBroker } from '../../test-kit/broker.js';

let running: TestBroker;
afterEach(() => running.stop());

const json = (body: Buffer): Record<string, unknown> => objectOf(parseJson(body));

const queue = (topic: string, queueId: number) => ({ brokerName: 'broker-a', queueId, topic });

async function connected(options = {}): Promise<Connection> {
  running = await TestBroker.start(options);
  return (await running.client()).connection;
}

describe('T175: a look into a queue', () => {
  it('shows its entries, from an index on, and who reads it', async () => {
    const connection = await connected();
    const client = await running.client();
    for (const tags of ['a', 'b', 'c']) await client.send('t', { tags });
    await client.subscribe('me', 'g', { t: 'a' });
    const messages = await client.messages('t');
    const asked = { topic: 't', queueId: 0, index: 1, count: 5 };
    const { body } = await connection.request(Requests.QUERY_CONSUME_QUEUE, asked);
    expect(json(body)).toEqual({
      maxQueueIndex: 3,
      minQueueIndex: 0,
      queueData: messages.slice(1).map(({ physicalOffset, storeSize }, at) => ({
        eval: false,
        physicOffset: physicalOffset,
        physicSize: storeSize,
        tagsCode: 'bc'.charCodeAt(at),
      })),
    });
    const ofGroup = await connection.request(Requests.QUERY_CONSUME_QUEUE, { ...asked, count: 1, consumerGroup: 'g' });
    expect(json(ofGroup.body)).toMatchObject({ queueData: [{}], subscriptionData: { subString: 'a' } });
    const offline = await connection.request(Requests.QUERY_CONSUME_QUEUE, { ...asked, consumerGroup: 'nobody' });
    expect(json(offline.body)).toMatchObject({ filterData: 'nobody@t is not online!' });
  });

  it.each([
    ['is not there', { queueId: 9 }, ResponseCode.SYSTEM_ERROR, '9@t is not exist!'],
    ['has no such index', { index: 7 }, ResponseCode.SUCCESS, 'Index 7 of 0@t is not exist!'],
  ])('says so when it %s', async (_what, more, code, remark) => {
    const connection = await connected();
    await (await running.client()).send('t');
    const asked = { topic: 't', queueId: 0, index: 0, count: 2 ** 31 - 1, ...more };
    expect(await connection.request(Requests.QUERY_CONSUME_QUEUE, asked)).toMatchObject({ code, remark });
  });

  it('shows the times of its messages, of what a group has consumed, and how late that is', async () => {
    const connection = await connected();
    const client = await running.client();
    const began = running.clock.now();
    for (let sent = 0; sent < 3; sent++) {
      await client.send('t');
      await running.clock.advance(1_000);
    }
    await client.subscribe('me', 'g', { t: '*' });
    const commit = { consumerGroup: 'g', topic: 't', queueId: 0, commitOffset: 2 };
    await connection.request(Requests.UPDATE_CONSUMER_OFFSET, commit);
    const { body } = await connection.request(Requests.QUERY_CONSUME_TIME_SPAN, { topic: 't', group: 'g' });
    const [first, second] = json(body)['consumeTimeSpanSet'] as object[];
    expect(first).toEqual({
      messageQueue: queue('t', 0),
      minTimeStamp: began,
      maxTimeStamp: began + 2_000,
      consumeTimeStamp: began + 1_000,
      delayTime: 1_000,
    });
    expect(second).toMatchObject({ messageQueue: queue('t', 1), minTimeStamp: -1, maxTimeStamp: -1, delayTime: 0 });
    const unknown = await connection.request(Requests.QUERY_CONSUME_TIME_SPAN, { topic: 'nowhere', group: 'g' });
    expect(unknown.code).toBe(ResponseCode.TOPIC_NOT_EXIST);
  });
});

describe('T175: the offsets of a group', () => {
  it('are given to another one, of one topic or of all', async () => {
    const connection = await connected();
    const client = await running.client();
    for (const topic of ['t', 'u']) {
      await client.send(topic);
      await client.subscribe('me', 'g', { [topic]: '*' });
      const place = { consumerGroup: 'g', topic, queueId: 0, commitOffset: 1 };
      await connection.request(Requests.UPDATE_CONSUMER_OFFSET, place);
    }
    const offset = async (consumerGroup: string, topic: string): Promise<number | undefined> => {
      const header = { consumerGroup, topic, queueId: 0, setZeroIfNotFound: false };
      return (await connection.request(Requests.QUERY_CONSUMER_OFFSET, header)).header.offset;
    };
    // The members of `g` now subscribe to `u` alone: what it has left of `t` is cloned only while nobody is asked.
    const clone = (destGroup: string, more: object): Promise<unknown> =>
      connection.request(Requests.CLONE_GROUP_OFFSET, { srcGroup: 'g', destGroup, ...more });
    await clone('one', { topic: 'u', offline: false });
    await clone('live', { offline: false });
    await clone('all', { offline: true });
    expect([await offset('one', 't'), await offset('one', 'u')]).toEqual([undefined, 1]);
    expect([await offset('live', 't'), await offset('live', 'u')]).toEqual([undefined, 1]);
    expect([await offset('all', 't'), await offset('all', 'u')]).toEqual([1, 1]);
    const nameless = await connection.request(Requests.CLONE_GROUP_OFFSET, { srcGroup: 'g', destGroup: 'a b' });
    expect(nameless.code).toBe(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST);
  });

  it('T154: are asked of its members, or of the one that is named', async () => {
    const asking = await connected();
    const ofGroup = { topic: 't', group: 'g' };
    const nobody = await asking.request(Requests.INVOKE_BROKER_TO_GET_CONSUMER_STATUS, ofGroup);
    expect(nobody).toMatchObject({
      code: ResponseCode.SYSTEM_ERROR,
      remark: 'No Any Consumer online in the consumer group: [g]',
    });
    for (const [id, offset] of [
      ['one', 1],
      ['two', 2],
    ] as const) {
      const member = await running.client(
        handlerTable({
          GET_CONSUMER_STATUS_FROM_CLIENT: ({ header }) => ({
            body: encodeJson({ messageQueueTable: queueTable([[queue(header.topic, 0), offset]]) }),
          }),
        }),
      );
      await member.subscribe(id, 'g', { t: '*' });
    }
    const status = async (clientAddr: string): Promise<unknown> => {
      const asked = { ...ofGroup, clientAddr };
      const { body } = await asking.request(Requests.INVOKE_BROKER_TO_GET_CONSUMER_STATUS, asked);
      const table = json(body)['consumerTable'];
      if (!isObject(table)) throw new Error('no table');
      return Object.entries(table).map(([id, offsets]) => [id, decodeQueueTable(offsets)]);
    };
    expect(await status('')).toEqual([
      ['one', [[queue('t', 0), 1]]],
      ['two', [[queue('t', 0), 2]]],
    ]);
    expect(await status('two')).toEqual([['two', [[queue('t', 0), 2]]]]);
    expect(await status('three')).toEqual([]);
  });

  it('T154: are those of the members that answer, where others are silent or garble', async () => {
    const asking = await connected();
    const body = encodeJson({ messageQueueTable: queueTable([[queue('t', 0), 1]]) });
    const answers = { silent: () => undefined, garbles: () => ({ body: Buffer.from('{') }), good: () => ({ body }) };
    for (const [id, answer] of Object.entries(answers)) {
      const member = await running.client(handlerTable({ GET_CONSUMER_STATUS_FROM_CLIENT: answer }));
      await member.subscribe(id, 'g', { t: '*' });
    }
    const asked = asking.request(
      Requests.INVOKE_BROKER_TO_GET_CONSUMER_STATUS,
      { topic: 't', group: 'g' },
      { timeout: 60_000 },
    );
    await running.clock.advance(10_000);
    const { code, body: answered } = await asked;
    expect({ code, ids: Object.keys(objectOf(json(answered)['consumerTable'])) }).toEqual({ code: 0, ids: ['good'] });
  });
});

describe('T154: a consumer that is asked on an administrator’s behalf and is silent', () => {
  it('is answered for with code 207', async () => {
    const asking = await connected();
    const member = await running.client(handlerTable({ GET_CONSUMER_RUNNING_INFO: () => undefined }));
    await member.subscribe('silent', 'g', { t: '*' });
    const header = { consumerGroup: 'g', clientId: 'silent' };
    const asked = asking.request(Requests.GET_CONSUMER_RUNNING_INFO, header, { timeout: 60_000 });
    await running.clock.advance(10_000);
    const { code, remark } = await asked;
    expect(code).toBe(ResponseCode.CONSUME_MSG_TIMEOUT);
    expect(remark).toMatch(/^consumer <g> <silent> Timeout: /);
  });
});

describe('T174: a group that may not read a topic', () => {
  const forbid = async (connection: Connection, readable?: boolean): Promise<unknown> => {
    const header = { group: 'g', topic: 't', ...(readable !== undefined && { readable }) };
    return json((await connection.request(Requests.UPDATE_AND_GET_GROUP_FORBIDDEN, header)).body);
  };

  it('is refused, also after a restart, until it may again; other groups and topics are not', async () => {
    const connection = await connected();
    const client = await running.client();
    await client.send('t');
    await client.send('u');
    expect(await forbid(connection)).toEqual({ group: 'g', topic: 't', readable: true });
    expect(await forbid(connection, false)).toEqual({ group: 'g', topic: 't', readable: false });
    await running.restart();
    const after = await running.client();
    for (const group of ['g', 'h']) await after.subscribe('me', group, { t: '*', u: '*' });
    const pull = (topic: string, group: string) => after.pull(topic, { group, expression: undefined });
    expect(await forbid(after.connection)).toMatchObject({ readable: false });
    expect(await pull('t', 'g')).toMatchObject({
      code: ResponseCode.NO_PERMISSION,
      remark: 'the consumer group[g] is forbidden for topic[t]',
    });
    expect((await pull('u', 'g')).code).toBe(ResponseCode.SUCCESS);
    expect((await pull('t', 'h')).code).toBe(ResponseCode.SUCCESS);
    expect(await forbid(after.connection, true)).toMatchObject({ readable: true });
    expect((await pull('t', 'g')).code).toBe(ResponseCode.SUCCESS);
  });

  it.each(['group', 'topic'])('is not kept with a %s of more than 255 characters', async (name) => {
    const header = { group: 'g', topic: 't', readable: false, [name]: 'x'.repeat(256) };
    const answer = await (await connected()).request(Requests.UPDATE_AND_GET_GROUP_FORBIDDEN, header);
    expect(answer.code).toBe(ResponseCode.INVALID_PARAMETER);
  });
});
