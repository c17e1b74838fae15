import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Requests,
  ResponseCode,
  encodeBatchAck,
  encodeJson,
  subscriptionGroupConfig,
} from '@nest-rocketmq/remoting/internal';
import type { BatchAck } from '@nest-rocketmq/remoting/internal';
import type { BrokerOptions } from '../config/broker-options.js';
import { INVISIBLE, PopClient, SECOND, bodiesOf } from '../../test-kit/pop-client.js';

let client: PopClient;
afterEach(() => client.stop());

const withMessages = async (bodies: string[], options: BrokerOptions = {}): Promise<PopClient> =>
  (client = await PopClient.start(bodies, options));

describe('a pop is refused', () => {
  it.each<[string, Parameters<PopClient['pop']>[0], number]>([
    ['of an unknown topic', { topic: 'nowhere' }, ResponseCode.TOPIC_NOT_EXIST],
    ['of a queue that the topic has not', { queueId: 4 }, ResponseCode.INVALID_PARAMETER],
    ['of more than 32 messages', { maxMsgNums: 33 }, ResponseCode.INVALID_PARAMETER],
    ['of no messages', { maxMsgNums: 0 }, ResponseCode.INVALID_PARAMETER],
    ['for less than no time', { invisibleTime: -1 }, ResponseCode.INVALID_PARAMETER],
    ['for longer than a timer may wait', { invisibleTime: 2 ** 53 }, ResponseCode.INVALID_PARAMETER],
    ['by a group whose name cannot be', { consumerGroup: 'a/b' }, ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST],
    ['by a broken expression', { exp: 'a >', expType: 'SQL92' }, ResponseCode.SUBSCRIPTION_PARSE_FAILED],
    ['that its client has given up', { bornTime: 1, pollTime: 1 }, ResponseCode.POLLING_TIMEOUT],
    ['born before the epoch', { bornTime: -1, pollTime: 1 }, ResponseCode.POLLING_TIMEOUT],
  ])('%s', async (_what, header, code) => {
    await withMessages(['a']);
    expect((await client.pop(header)).reply.code).toBe(code);
    expect(bodiesOf(await client.pop())).toEqual(['a']);
  });

  it('where there are no timers', async () => {
    await withMessages(['a'], { timerWheelEnable: false });
    expect((await client.pop()).reply.code).toBe(ResponseCode.SYSTEM_ERROR);
  });

  it('where its pop retry topic would be one too many', async () => {
    await withMessages(['a'], { maxSubscriptionGroups: 1 });
    for (const queueId of [0, 1]) await client.client.subscribe('me', 'g', { t: '*' }, queueId);
    await client.client.send('%RETRY%g', { body: 'x' });
    const { code } = await client.client.send('%DLQ%g', { body: 'x', header: { c: 'TBW102' } });
    expect(code).toBe(0);
    expect((await client.pop()).reply.remark).toContain('maxSubscriptionGroups');
  });
});

describe('a handle', () => {
  const good = '0 1767225600001 10000 3 0 broker-a 0 0';

  it.each([
    ['is empty', ''],
    ['is garbage', 'garbage'],
    ['has too few fields', '0 1 2 3'],
    ['has no number', good.replace('10000', 'x')],
    ['has a negative number', good.replace('10000', '-1')],
    ['has too large a number', good.replace('10000', '9'.repeat(17))],
    ['names a queue that the revive topic has not', good.replace(' 3 ', ' 8 ')],
    ['is too long', `${good}${' 0'.repeat(300)}`],
  ])('that %s is refused with the code of Apache', async (_what, handle) => {
    await withMessages(['a']);
    const place = { topic: 't', queueId: 0, offset: 0 };
    for (const { code } of [await client.ack(handle, place), await client.changeTime(handle, 1, place)])
      expect(code).toBe(ResponseCode.SYSTEM_ERROR);
  });

  it.each([
    ['an unknown topic', { topic: 'nowhere' }, ResponseCode.TOPIC_NOT_EXIST, ResponseCode.TOPIC_NOT_EXIST],
    ['a queue that the topic has not', { queueId: 4 }, ResponseCode.MESSAGE_ILLEGAL, ResponseCode.MESSAGE_ILLEGAL],
    ['an offset beyond the end', { offset: 2 }, ResponseCode.NO_MESSAGE, ResponseCode.NO_MESSAGE],
    ['the offset at the end', { offset: 1 }, ResponseCode.SUCCESS, ResponseCode.NO_MESSAGE],
  ])('for %s is answered as by Apache', async (_what, place, acknowledged, changed) => {
    await withMessages(['a']);
    const { handles } = await client.pop();
    expect((await client.ack(handles[0]!, place)).code).toBe(acknowledged);
    expect((await client.changeTime(handles[0]!, 1, place)).code).toBe(changed);
  });

  it('of another broker, of what was never popped, or of a time that is over changes nothing', async () => {
    await withMessages(['a']);
    const [handle] = (await client.pop()).handles;
    await client.ack(handle!.replace('broker-a', 'another'));
    await client.ack(good);
    await client.advance(INVISIBLE);
    expect((await client.ack(handle!)).code).toBe(ResponseCode.SUCCESS);
    expect(bodiesOf(await client.pop())).toEqual(['a']);
  });
});

describe('an orderly acknowledgement', () => {
  const committed = (consumerGroup: string, topic: string): Promise<{ code: number }> => {
    const header = { consumerGroup, topic, queueId: 0, setZeroIfNotFound: false };
    return client.client.connection.request(Requests.QUERY_CONSUMER_OFFSET, header);
  };

  it.each([
    ['single', 'a/b', 't', ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST],
    ['in a batch', 'a/b', 't', ResponseCode.SUCCESS],
    ['in a batch', 'g', 'nowhere', ResponseCode.SUCCESS],
  ])('that is %s, of group %s and topic %s, leaves no offset', async (how, consumerGroup, topic, code) => {
    await withMessages(['a']);
    const place = { consumerGroup, topic, queueId: 0 };
    const bits = Buffer.from([1]);
    const entry = { ...place, retry: '0', startOffset: 0, reviveQueueId: 999, popTime: 1, invisibleTime: 1, bits };
    const body = encodeBatchAck({ brokerName: 'broker-a', acks: [entry] });
    const answer =
      how === 'single'
        ? client.ack('0 1 1 999 0 broker-a 0 0', place)
        : client.client.connection.request(Requests.BATCH_ACK_MESSAGE, {}, { body });
    expect((await answer).code).toBe(code);
    expect((await committed(consumerGroup, topic)).code).toBe(ResponseCode.QUERY_NOT_FOUND);
  });
});

describe('a batch of acknowledgements', () => {
  const entry: BatchAck = {
    consumerGroup: 'g',
    topic: 't',
    retry: '0',
    startOffset: 0,
    queueId: 0,
    reviveQueueId: 0,
    popTime: 1,
    invisibleTime: 1,
    bits: Buffer.from([1]),
  };
  const send = (acks: BatchAck[]): Promise<{ code: number }> => {
    const body = encodeBatchAck({ brokerName: 'broker-a', acks });
    return client.client.connection.request(Requests.BATCH_ACK_MESSAGE, {}, { body });
  };

  it.each<[string, Partial<BatchAck>[], number]>([
    ['is empty', [], ResponseCode.NO_MESSAGE],
    ['has no such kind of retry topic', [{ retry: '3' }], ResponseCode.SYSTEM_ERROR],
    ['has no such revive queue', [{ reviveQueueId: 8 }], ResponseCode.SYSTEM_ERROR],
    ['has more messages than maxBatchAcks', [{ bits: Buffer.alloc(3, 255) }], ResponseCode.INVALID_PARAMETER],
    [
      'has more messages than maxBatchAcks in all',
      [{ bits: Buffer.alloc(2, 255) }, {}],
      ResponseCode.INVALID_PARAMETER,
    ],
    ['is of a topic that there is not', [{ topic: 'nowhere' }], ResponseCode.SUCCESS],
  ])('that %s is answered as by Apache, or refused', async (_what, acks, code) => {
    await withMessages(['a'], { maxBatchAcks: 16 });
    expect((await send(acks.map((ack) => ({ ...entry, ...ack })))).code).toBe(code);
  });

  it('without a body has no messages', async () => {
    await withMessages(['a']);
    expect((await client.client.connection.request(Requests.BATCH_ACK_MESSAGE, {})).code).toBe(ResponseCode.NO_MESSAGE);
  });
});

describe('the limits of POP', () => {
  it('a queue with too many messages in flight is not popped until some are acknowledged', async () => {
    await withMessages(['a', 'b', 'c'], { popInflightMessageThreshold: 2 });
    const { handles } = await client.pop({ maxMsgNums: 2 });
    expect(bodiesOf(await client.pop())).toEqual([]);
    const waiting = client.pop({ pollTime: 5 * SECOND });
    await client.advance(SECOND);
    await client.ack(handles[0]!);
    await client.ack(handles[0]!);
    expect(bodiesOf(await waiting)).toEqual(['c']);
    await client.send('d');
    expect(bodiesOf(await client.pop())).toEqual([]);
    await client.advance(INVISIBLE);
    expect(bodiesOf(await client.pop()).toSorted()).toEqual(['b', 'c', 'd']);
  });

  it('a queue with too many messages in flight is popped again when one has become a dead letter', async () => {
    await withMessages(['a', 'b'], { popInflightMessageThreshold: 1 });
    const body = encodeJson(subscriptionGroupConfig('g', { retryMaxTimes: 0 }));
    await client.client.connection.request(Requests.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, {}, { body });
    await client.pop({ maxMsgNums: 1 });
    const waiting = client.pop({ pollTime: 2 * INVISIBLE });
    await client.advance(INVISIBLE);
    expect(bodiesOf(await waiting)).toEqual(['b']);
  });

  it('what is not remembered in memory is acknowledged by the log', async () => {
    await withMessages(['a', 'b'], { popCkMaxBufferSize: 0 });
    const { handles } = await client.pop();
    await client.ack(handles[0]!);
    await client.advance(INVISIBLE);
    expect(bodiesOf(await client.pop())).toEqual(['b']);
  });

  it.each([{ popPollingSize: 1 }, { maxPopPollingSize: 1 }])('with %p one pop waits at a time', async (limit) => {
    await withMessages(['a'], limit);
    await client.pop();
    const waiting = client.pop({ pollTime: SECOND });
    await client.advance(1);
    expect((await client.pop({ pollTime: SECOND })).reply.code).toBe(ResponseCode.POLLING_FULL);
    await client.advance(SECOND);
    expect((await waiting).reply.code).toBe(ResponseCode.POLLING_TIMEOUT);
  });

  it('a pop that cannot be recorded takes nothing', async () => {
    await withMessages(['a', 'b'], { maxPendingTimers: 1 });
    const { handles } = await client.pop({ maxMsgNums: 1 });
    expect((await client.pop()).reply.code).toBe(ResponseCode.SYSTEM_ERROR);
    // An acknowledgement is not taken either, and its client is told.
    expect((await client.ack(handles[0]!)).code).toBe(ResponseCode.SYSTEM_ERROR);
    await client.advance(INVISIBLE);
    expect(bodiesOf(await client.pop({ maxMsgNums: 1 }))).toHaveLength(1);
  });

  it('a pop whose connection closes waits no more', async () => {
    await withMessages(['a'], { maxPopPollingSize: 1 });
    await client.pop();
    const waiting = client.pop({ pollTime: 60 * SECOND });
    await client.advance(1);
    client.client.connection.close();
    await expect(waiting).rejects.toThrow();
    await client.reconnect();
    const next = client.pop({ pollTime: SECOND });
    await client.advance(SECOND);
    expect((await next).reply.code).toBe(ResponseCode.POLLING_TIMEOUT);
  });
});
