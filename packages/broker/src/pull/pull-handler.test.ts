import { afterEach, describe, expect, it } from '@jest/globals';
import { Requests, ResponseCode, decodeRecords } from '@nest-rocketmq/remoting/internal';
import { TestBroker } from '../../test-kit/broker.js';
import type { Pulled, TestClient } from '../../test-kit/broker.js';

let running: TestBroker;
afterEach(() => running.stop());

async function withMessages(bodies: string[], options = {}): Promise<TestClient> {
  running = await TestBroker.start(options);
  const client = await running.client();
  await client.send('t', { body: 'warm', queueId: 3 });
  for (const body of bodies) await client.send('t', { body, tags: body });
  return client;
}

describe('a pull', () => {
  it.each<[string, Pulled, number, number | undefined]>([
    ['at the end of the queue finds nothing', { offset: 2 }, ResponseCode.PULL_NOT_FOUND, 2],
    ['beyond the end is moved to it', { offset: 5 }, ResponseCode.PULL_OFFSET_MOVED, 2],
    ['of an empty queue finds nothing', { queueId: 1 }, ResponseCode.PULL_NOT_FOUND, 0],
    [
      'of an empty queue, beyond its beginning, is moved to it',
      { queueId: 1, offset: 4 },
      ResponseCode.PULL_OFFSET_MOVED,
      0,
    ],
    [
      'of tags that no message has goes on behind them',
      { expression: 'nothing' },
      ResponseCode.PULL_RETRY_IMMEDIATELY,
      2,
    ],
    ['of a queue that the topic has not is refused', { queueId: 4 }, ResponseCode.INVALID_PARAMETER, undefined],
    [
      'of a group whose name cannot be is refused',
      { group: 'a/b' },
      ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
      undefined,
    ],
    [
      'by a broken SQL92 expression is refused',
      { expression: 'a >', header: { expressionType: 'SQL92' } },
      ResponseCode.SUBSCRIPTION_PARSE_FAILED,
      undefined,
    ],
    [
      'of a group that is not connected is refused',
      { expression: undefined },
      ResponseCode.SUBSCRIPTION_NOT_EXIST,
      undefined,
    ],
  ])('T139: %s', async (_what, pulled, code, nextBeginOffset) => {
    const client = await withMessages(['a', 'b']);
    const reply = await client.pull('t', pulled);
    expect({ code: reply.code, next: reply.header.nextBeginOffset }).toEqual({ code, next: nextBeginOffset });
  });

  it('takes the offset that it brings along before one that comes behind it', async () => {
    const client = await withMessages(['a', 'b']);
    const place = { consumerGroup: 'g', topic: 't', queueId: 0 };
    const pull = client.pull('t', { group: 'g', offset: 1, header: { sysFlag: 5, commitOffset: 1 } });
    const update = client.connection.request(Requests.UPDATE_CONSUMER_OFFSET, { ...place, commitOffset: 2 });
    expect([(await pull).code, (await update).code]).toEqual([ResponseCode.SUCCESS, ResponseCode.SUCCESS]);
    const { header } = await client.connection.request(Requests.QUERY_CONSUMER_OFFSET, place);
    expect(header.offset).toBe(2);
  });

  it('T139: of an unknown topic is refused by name', async () => {
    const client = await withMessages([]);
    const { code, remark } = await client.pull('nowhere');
    expect({ code, remark }).toEqual({
      code: ResponseCode.TOPIC_NOT_EXIST,
      remark: 'topic[nowhere] not exist, apply first please!',
    });
  });

  it("T139: takes the subscription of the last heartbeat, and refuses one that is older than the consumer's", async () => {
    const client = await withMessages(['a', 'b', 'c']);
    await client.subscribe('me', 'g', { t: 'a || c' }, 7);
    const messages = await client.messages('t', { group: 'g', expression: undefined, header: { subVersion: 7 } });
    expect(messages.map((message) => message.body.toString())).toEqual(['a', 'c']);
    const { code } = await client.pull('t', { group: 'g', expression: undefined, header: { subVersion: 8 } });
    expect(code).toBe(ResponseCode.SUBSCRIPTION_NOT_LATEST);
  });

  it('gets as many messages as it asks for, as the broker allows, and as fit', async () => {
    const client = await withMessages(['a', 'b', 'c', 'd'], { maxTransferCountOnMessageInMemory: 3 });
    expect(await client.messages('t', { header: { maxMsgNums: 2 } })).toHaveLength(2);
    const { body, header } = await client.pull('t');
    expect(decodeRecords(body)).toHaveLength(3);
    expect(header).toMatchObject({ nextBeginOffset: 3, minOffset: 0, maxOffset: 4 });
    expect(await client.messages('t', { header: { maxMsgBytes: 1 } })).toHaveLength(1);
  });

  it("gets one message when it asks for none, as the pull consumer of Apache's Go client does", async () => {
    const client = await withMessages(['a', 'b']);
    expect(await client.messages('t', { header: { maxMsgNums: 0 } })).toHaveLength(1);
  });

  it('T139 of a consumer that polls is served alike, and refused with litePullMessageEnable=false', async () => {
    const litePull = async (client: TestClient) => {
      const header = { consumerGroup: 'g', topic: 't', queueId: 0, queueOffset: 0, maxMsgNums: 10, sysFlag: 22 };
      const more = {
        commitOffset: 0,
        suspendTimeoutMillis: 0,
        subVersion: 0,
        subscription: 'a',
        expressionType: 'TAG',
      };
      return client.connection.request(Requests.LITE_PULL_MESSAGE, { ...header, ...more });
    };
    const served = await litePull(await withMessages(['a', 'b']));
    expect(decodeRecords(served.body).map(({ body }) => body.toString())).toEqual(['a']);
    await running.stop();
    const refused = await litePull(await withMessages(['a'], { litePullMessageEnable: false }));
    expect(refused).toMatchObject({ code: ResponseCode.NO_PERMISSION, remark: expect.stringContaining('lite pull') });
  });

  it('T139: commits the offset that it brings along', async () => {
    const client = await withMessages(['a', 'b']);
    await client.pull('t', { offset: 2, header: { sysFlag: 1 | 4, commitOffset: 2 } });
    const place = { consumerGroup: 'consumers', topic: 't', queueId: 0 };
    expect((await client.connection.request(Requests.QUERY_CONSUMER_OFFSET, place)).header.offset).toBe(2);
  });
});

describe('a pull that may wait', () => {
  it('is answered by the message that comes', async () => {
    const client = await withMessages([]);
    const waiting = client.messages('t', { suspend: 15_000 });
    await running.clock.advance(3000);
    await client.send('t', { body: 'now' });
    expect((await waiting).map((message) => message.body.toString())).toEqual(['now']);
  });

  it('is not woken by a message with other tags', async () => {
    const client = await withMessages([]);
    const waiting = client.pull('t', { suspend: 15_000, expression: 'wanted' });
    await client.send('t', { tags: 'other' });
    await client.send('t', { tags: 'wanted' });
    const { body, header } = await waiting;
    expect(decodeRecords(body)).toHaveLength(1);
    expect(header.nextBeginOffset).toBe(2);
  });

  it('is told that nothing came when its time is over', async () => {
    const client = await withMessages([]);
    const waiting = client.pull('t', { suspend: 15_000 });
    await running.clock.advance(15_000);
    expect((await waiting).code).toBe(ResponseCode.PULL_NOT_FOUND);
  });

  it('takes all that has come by then, in one answer', async () => {
    const client = await withMessages([]);
    const waiting = client.messages('t', { suspend: 15_000 });
    await Promise.all(['a', 'b', 'c'].map((body) => client.send('t', { body })));
    expect(await waiting).toHaveLength(3);
  });
});
