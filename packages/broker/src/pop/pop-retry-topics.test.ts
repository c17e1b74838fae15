import { afterEach, describe, expect, it } from '@jest/globals';
import { Requests, ResponseCode, popRetryTopic } from '@nest-rocketmq/remoting/internal';
import type { BrokerOptions } from '../config/broker-options.js';
import { INVISIBLE, PopClient, SECOND, bodiesOf } from '../../test-kit/pop-client.js';

let client: PopClient;
afterEach(() => client.stop());

const withMessages = async (bodies: string[], options: BrokerOptions = {}): Promise<PopClient> =>
  (client = await PopClient.start(bodies, options));

async function topics(): Promise<string[]> {
  const { body } = await client.client.connection.request(Requests.GET_ALL_TOPIC_CONFIG, {});
  const names = Object.keys((JSON.parse(body.toString()) as { topicConfigTable: object }).topicConfigTable);
  return names.filter((name) => name.startsWith('%RETRY%g'));
}

describe('what is not acknowledged', () => {
  it.each([
    [false, '%RETRY%g_t', '1'],
    [true, '%RETRY%g+t', '2'],
  ])('goes with enableRetryTopicV2=%p to %s', async (enableRetryTopicV2, name, flag) => {
    await withMessages(['a'], {
      enableRetryTopicV2,
      popFromRetryProbability: 100,
      retrieveMessageFromPopRetryTopicV1: false,
    });
    await client.pop();
    await client.advance(INVISIBLE);
    expect(await topics()).toEqual([name]);
    const { handles, messages, reply } = await client.pop();
    expect(handles[0]).toMatch(new RegExp(` ${flag} broker-a 0 0$`));
    expect(reply.header).toMatchObject({ startOffsetInfo: `${flag} 0 0`, msgOffsetInfo: `${flag} 0 0` });
    expect(messages[0]!.topic).toBe('t');
    await client.ack(handles[0]!);
    await client.advance(10 * INVISIBLE);
    expect(bodiesOf(await client.pop())).toEqual([]);
  });

  it('is found in the topic of the first version after a change to the second', async () => {
    await withMessages(['a', 'b']);
    await client.pop();
    await client.advance(INVISIBLE);
    await client.broker.restart({ enableRetryTopicV2: true });
    await client.reconnect();
    const found: string[] = [];
    // By lot each pop looks into one of the two.
    for (let tries = 0; tries < 100 && found.length < 2; tries++)
      found.push(...bodiesOf(await client.pop({ maxMsgNums: 1 })));
    expect(found.toSorted()).toEqual(['a', 'b']);
    // A message stays in the topic that it came to first.
    await client.advance(INVISIBLE);
    expect(await topics()).toEqual(['%RETRY%g_t']);
  });

  it.each([
    [100, ['again', 'new']],
    [0, ['new', 'again']],
  ])(
    'comes with popFromRetryProbability=%d in this order with new messages: %p',
    async (popFromRetryProbability, order) => {
      await withMessages(['again'], { popFromRetryProbability });
      await client.pop();
      await client.advance(INVISIBLE);
      await client.send('new');
      expect(bodiesOf(await client.pop())).toEqual(order);
    },
  );

  it('comes to one group only', async () => {
    await withMessages(['a']);
    await client.pop();
    await client.pop({ consumerGroup: 'other' });
    await client.advance(INVISIBLE);
    const [handle] = (await client.pop()).handles;
    await client.ack(handle!);
    expect((await client.pop({ consumerGroup: 'other' })).messages).toHaveLength(1);
  });

  it('goes when its topic goes', async () => {
    await withMessages(['a']);
    await client.pop();
    await client.advance(INVISIBLE);
    expect(await topics()).toEqual([popRetryTopic('t', 'g', false)]);
    await client.client.connection.request(Requests.DELETE_TOPIC_IN_BROKER, { topic: 't' });
    expect(await topics()).toEqual([]);
  });

  it('of a topic that was deleted comes no more', async () => {
    await withMessages(['a']);
    await client.pop();
    await client.client.connection.request(Requests.DELETE_TOPIC_IN_BROKER, { topic: 't' });
    await client.advance(2 * INVISIBLE);
    expect(await topics()).toEqual([]);
  });

  it('goes when its group goes with its offsets', async () => {
    await withMessages(['a']);
    await client.pop();
    await client.advance(INVISIBLE);
    await client.client.connection.request(Requests.DELETE_SUBSCRIPTIONGROUP, { groupName: 'g', cleanOffset: true });
    expect(await topics()).toEqual([]);
  });

  it('counts in the progress of a group that is online', async () => {
    await withMessages(['a', 'b']);
    await client.client.subscribe('me', 'g', { t: '*' });
    await client.pop();
    await client.advance(INVISIBLE);
    await client.client.subscribe('me', 'g', { t: '*' });
    const { body } = await client.client.connection.request(Requests.GET_CONSUME_STATS, { consumerGroup: 'g' });
    expect(body.toString()).toContain('%RETRY%g_t');
  });
});

describe('who wants to be told of messages', () => {
  const notify = async (pollTime: number, more: object = {}): Promise<unknown> => {
    const place = { consumerGroup: 'g', topic: 't', queueId: -1 };
    const header = { ...place, pollTime, bornTime: client.broker.clock.now(), ...more };
    return (await client.client.connection.request(Requests.NOTIFICATION, header, { timeout: 100 * SECOND })).header
      .hasMsg;
  };

  it('T090 is told at once, when one comes, or that none came', async () => {
    await withMessages(['a']);
    expect(await notify(0)).toBe(true);
    await client.pop();
    expect(await notify(0)).toBe(false);
    const waiting = notify(5 * SECOND);
    await client.advance(SECOND);
    await client.send('b');
    expect(await waiting).toBe(true);
    await client.pop();
    const over = notify(5 * SECOND);
    await client.advance(5 * SECOND);
    expect(await over).toBe(false);
  });

  it('is told of messages with the tags that it asks for, and of a backlog that nobody looks through', async () => {
    await withMessages(['b', 'c']);
    const wanted = { exp: 'a || x', expType: 'TAG' };
    expect([await notify(0, wanted), await notify(0, { exp: 'c', expType: 'TAG' })]).toEqual([false, true]);
    const waiting = notify(5 * SECOND, wanted);
    await client.send('b');
    const over = notify(2 * SECOND, { exp: 'y', expType: 'TAG' });
    await client.send('x');
    expect(await waiting).toBe(true);
    await client.advance(2 * SECOND);
    expect(await over).toBe(false);
    for (let count = 4; count < 64; count++) await client.send('b');
    expect(await notify(0, { exp: 'y', expType: 'TAG' })).toBe(true);
  });

  it('is told of the messages of many queues, which nobody looks through together', async () => {
    await withMessages([]);
    const header = { topic: 't', defaultTopic: 'TBW102', perm: 6, topicFilterType: 'SINGLE_TAG', order: false };
    const config = { ...header, readQueueNums: 20, writeQueueNums: 20, topicSysFlag: 0 };
    await client.client.connection.request(Requests.UPDATE_AND_CREATE_TOPIC, config);
    const notWanted = { exp: 'y', expType: 'TAG' };
    for (let sent = 0; sent < 16 * 63; sent++) await client.send('b', sent % 16);
    expect(await notify(0, notWanted)).toBe(false);
    for (let sent = 0; sent < 17; sent++) await client.send('b', 16);
    expect(await notify(0, { ...notWanted, queueId: 16 })).toBe(false);
    expect(await notify(0, notWanted)).toBe(true);
  });

  it('is refused where the expression is wrong, and told of any message where it is SQL92', async () => {
    await withMessages(['b']);
    expect(await notify(0, { exp: "TAGS = 'a'", expType: 'SQL92' })).toBe(true);
    const header = { consumerGroup: 'g', topic: 't', queueId: -1, pollTime: 0, bornTime: 0 };
    const wrong = { ...header, exp: 'a >', expType: 'SQL92' };
    const { code } = await client.client.connection.request(Requests.NOTIFICATION, wrong);
    expect(code).toBe(ResponseCode.SUBSCRIPTION_PARSE_FAILED);
  });

  it('T090 is told of what becomes visible again', async () => {
    await withMessages(['a']);
    await client.pop();
    const waiting = notify(2 * INVISIBLE);
    await client.advance(INVISIBLE);
    expect(await waiting).toBe(true);
  });

  it('may look at messages without taking them, and at how many pops wait', async () => {
    await withMessages(['a', 'b']);
    const place = { consumerGroup: 'g', topic: 't', queueId: -1 };
    const peek = (): Promise<{ code: number }> =>
      client.client.connection.request(Requests.PEEK_MESSAGE, { ...place, maxMsgNums: 32 });
    expect(await peek()).toMatchObject({ code: 0, header: { restNum: 2 } });
    expect(bodiesOf(await client.pop())).toEqual(['a', 'b']);
    expect(await peek()).toMatchObject({ code: 19, header: { restNum: 0 } });
    const waiting = client.pop({ pollTime: SECOND });
    await client.advance(1);
    const info = await client.client.connection.request(Requests.POLLING_INFO, place);
    expect(info.header.pollingNum).toBe(1);
    await client.advance(SECOND);
    await waiting;
  });
});
