import { afterEach, describe, expect, it } from '@jest/globals';
import {
  MessageProperty,
  Requests,
  ResponseCode,
  encodeBatch,
  encodeProperties,
} from '@nest-rocketmq/remoting/internal';
import { TestBroker, closed } from '../../test-kit/broker.js';
import type { Sent } from '../../test-kit/broker.js';

let running: TestBroker;
afterEach(() => running.stop());

async function refusal(
  topic: string,
  sent: Sent = {},
  options = {},
): Promise<{ code: number; remark: string | undefined }> {
  running = await TestBroker.start(options);
  const client = await running.client();
  await client.send('known');
  const { code, remark } = await client.send(topic, sent);
  return { code, remark };
}

describe('a send', () => {
  it('to an unknown topic is refused by name when topics are not made by sending', async () => {
    const { code, remark } = await refusal('nowhere', {}, { autoCreateTopicEnable: false });
    expect({ code, remark }).toEqual({
      code: ResponseCode.TOPIC_NOT_EXIST,
      remark: 'topic[nowhere] not exist, apply first please!',
    });
  });

  it.each(['bad topic!', '../../etc', 'a/b', 'a\r\nb', 'x'.repeat(128), '.'])(
    'to the topic "%s" is refused',
    async (topic) => {
      const { code, remark } = await refusal(topic);
      expect(code).toBe(ResponseCode.INVALID_PARAMETER);
      expect(remark).not.toMatch(/[\r\n]/);
    },
  );

  it.each(['SCHEDULE_TOPIC_XXXX', 'RMQ_SYS_TRANS_HALF_TOPIC', 'RMQ_SYS_TRANS_OP_HALF_TOPIC', 'SELF_TEST_TOPIC'])(
    'to %s is forbidden',
    async (topic) => expect((await refusal(topic)).code).toBe(ResponseCode.NO_PERMISSION),
  );

  it('to a queue that the topic has not is refused', async () => {
    expect((await refusal('known', { queueId: 99 })).code).toBe(ResponseCode.INVALID_PARAMETER);
  });

  it('to a queue that its new topic has not is refused, of one message and of a batch', async () => {
    running = await TestBroker.start();
    const client = await running.client();
    const body = encodeBatch([{ flag: 0, body: Buffer.from('a'), properties: Buffer.alloc(0) }]);
    const fields = { a: 'p', b: 'batches', c: 'TBW102', d: 4, e: 99, f: 0, g: 0, h: 0, i: '', m: true };
    const batch = await client.connection.request(Requests.SEND_BATCH_MESSAGE, fields, { body });
    const one = await client.send('ones', { queueId: 99 });
    expect([one.code, batch.code]).toEqual([ResponseCode.INVALID_PARAMETER, ResponseCode.INVALID_PARAMETER]);
    expect(batch.remark).toMatch(/^request queueId\[99\] is illegal, topic batches has readQueueNums=4/);
  });

  it('to no queue in particular goes to one of the topic', async () => {
    running = await TestBroker.start();
    const client = await running.client();
    const { code, header } = await client.send('t', { queueId: -1 });
    expect(code).toBe(ResponseCode.SUCCESS);
    expect([0, 1, 2, 3]).toContain(header.queueId);
  });

  it('of a body over the limit is refused, and nothing is stored', async () => {
    expect((await refusal('known', { body: 'x'.repeat(1025) }, { maxMessageSize: 1024 })).code).toBe(
      ResponseCode.MESSAGE_ILLEGAL,
    );
    expect(await (await running.client()).messages('known')).toHaveLength(1);
  });

  it('of too long properties is refused, and nothing is stored', async () => {
    expect((await refusal('known', { properties: { p: 'x'.repeat(32_767) } })).code).toBe(ResponseCode.MESSAGE_ILLEGAL);
    expect(await (await running.client()).messages('known')).toHaveLength(1);
  });

  it('of a half message is refused where those are rejected', async () => {
    const sent = { properties: { TRAN_MSG: 'true', PGROUP: 'p' } };
    expect((await refusal('known', sent, { rejectTransactionMessage: true })).code).toBe(ResponseCode.NO_PERMISSION);
  });

  it('without a field that it must have is answered with the name of the field', async () => {
    running = await TestBroker.start();
    const client = await running.client();
    const broken = { ...Requests.SEND_MESSAGE_V2, header: { ...Requests.SEND_MESSAGE_V2.header, encode: () => {} } };
    const { code, remark } = await client.connection.request(broken, {} as never);
    expect({ code, remark }).toEqual({
      code: ResponseCode.SYSTEM_ERROR,
      remark: 'the custom field <producerGroup> is null',
    });
  });

  it('gets an id when its producer gave none', async () => {
    running = await TestBroker.start();
    const client = await running.client();
    await client.send('t', { header: { i: 'TAGS\u0001a\u0002' } });
    const message = (await client.messages('t'))[0]!;
    expect(message.properties.get(MessageProperty.UNIQ_KEY)).toMatch(/^[0-9A-F]{32}$/);
    expect(message.properties.get(MessageProperty.TAGS)).toBe('a');
  });

  it('says itself what cluster and region it is of, not its producer', async () => {
    running = await TestBroker.start();
    const client = await running.client();
    await client.send('t', { properties: { CLUSTER: 'elsewhere', POP_CK: 'x', k: 'v' } });
    const { properties } = (await client.messages('t'))[0]!;
    expect(Object.fromEntries(properties)).toMatchObject({ CLUSTER: 'DefaultCluster', k: 'v' });
    expect(properties.has('POP_CK')).toBe(false);
  });

  it('whose properties end without a separator keeps them all', async () => {
    running = await TestBroker.start();
    const client = await running.client();
    await client.send('t', { header: { i: 'UNIQ_KEY\u0001AB\u0002k\u0001v' } });
    const { properties } = (await client.messages('t'))[0]!;
    expect(Object.fromEntries(properties)).toMatchObject({ k: 'v', MSG_REGION: 'DefaultRegion' });
  });

  it('one way is stored and not answered', async () => {
    running = await TestBroker.start();
    const client = await running.client();
    const fields = { a: 'p', b: 'TBW102', c: 'TBW102', d: 4, e: 0, f: 0, g: 0, h: 0, i: '' };
    client.connection.oneway(Requests.SEND_MESSAGE_V2, fields, { body: Buffer.from('x') });
    expect(await client.messages('TBW102', { suspend: 1000 })).toHaveLength(1);
  });

  it('in the long names of version 1 is the same send', async () => {
    running = await TestBroker.start();
    const client = await running.client();
    const { code, header } = await client.connection.request(
      Requests.SEND_MESSAGE,
      {
        producerGroup: 'p',
        topic: 't',
        defaultTopic: 'TBW102',
        defaultTopicQueueNums: 2,
        queueId: 1,
        sysFlag: 0,
        bornTimestamp: 5,
        flag: 9,
        properties: 'UNIQ_KEY\u0001AB\u0002',
      },
      { body: Buffer.from('v1') },
    );
    expect({ code, queueId: header.queueId }).toEqual({ code: ResponseCode.SUCCESS, queueId: 1 });
    const [message] = await client.messages('t', { queueId: 1 });
    expect(message).toMatchObject({ flag: 9, bornTimestamp: 5 });
  });
});

describe('a batch', () => {
  const fields = { a: 'p', b: 't', c: 'TBW102', d: 4, e: 1, f: 0, g: 1, h: 0, i: 'UNIQ_KEY\u0001AB\u0002', m: true };
  const item = (body: string, properties: Record<string, string> = {}) => ({
    flag: 0,
    body: Buffer.from(body),
    properties: Buffer.from(encodeProperties(Object.entries(properties))),
  });

  it('is stored as messages of their own, in a row, and answered with all their ids', async () => {
    running = await TestBroker.start();
    const client = await running.client();
    const body = encodeBatch([item('a', { TAGS: 'x' }), item('b'), item('c')]);
    const { header } = await client.connection.request(Requests.SEND_BATCH_MESSAGE, fields, { body });
    const messages = await client.messages('t', { queueId: 1 });
    expect(messages.map((message) => message.body.toString())).toEqual(['a', 'b', 'c']);
    expect(messages.map((message) => message.queueOffset)).toEqual([0, 1, 2]);
    expect(header.msgId?.split(',')).toEqual(messages.map((message) => message.offsetMsgId));
    expect(Object.fromEntries(messages[0]!.properties)).toEqual({ TAGS: 'x' });
  });

  it.each<Record<string, string>>([{ DELAY: '3' }, { TRAN_MSG: 'true' }])(
    'with a message of %p is refused as a whole',
    async (properties) => {
      running = await TestBroker.start();
      const client = await running.client();
      const body = encodeBatch([item('a'), item('b', properties)]);
      const { code } = await client.connection.request(Requests.SEND_BATCH_MESSAGE, fields, { body });
      expect(code).toBe(ResponseCode.MESSAGE_ILLEGAL);
      expect(await client.messages('t', { queueId: 1 })).toEqual([]);
    },
  );

  it('keeps its place before a send that comes right behind it', async () => {
    running = await TestBroker.start();
    const client = await running.client();
    await client.send('t', { queueId: 1, body: 'first' });
    const body = encodeBatch([item('a'), item('b')]);
    const batch = client.connection.request(Requests.SEND_BATCH_MESSAGE, fields, { body });
    await Promise.all([batch, client.send('t', { queueId: 1, body: 'last' })]);
    const messages = await client.messages('t', { queueId: 1 });
    expect(messages.map((message) => message.body.toString())).toEqual(['first', 'a', 'b', 'last']);
  });

  it('that is cut off is refused', async () => {
    running = await TestBroker.start();
    const client = await running.client();
    const body = encodeBatch([item('a'), item('b')]).subarray(0, -1);
    const { code } = await client.connection.request(Requests.SEND_BATCH_MESSAGE, fields, { body });
    expect(code).toBe(ResponseCode.SYSTEM_ERROR);
  });
});

describe('garbage on a connection', () => {
  it.each(['GET / HTTP/1.1\r\n\r\n', '\u00ff'.repeat(64)])('ends that one and no other (%j)', async (garbage) => {
    running = await TestBroker.start();
    const [good, bad] = [await running.client(), await running.client()];
    bad.connection.write(Buffer.from(garbage, 'latin1'));
    await closed(bad.connection);
    expect((await good.send('t')).code).toBe(ResponseCode.SUCCESS);
  });
});
