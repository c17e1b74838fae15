import { describe, expect, it } from '@jest/globals';
import { ManualClock, ResponseCode, encodeJson, subscriptionJson } from '@nest-rocketmq/remoting/internal';
import type { Answer, ConsumerData, SubscriptionData } from '@nest-rocketmq/remoting/internal';
import { consuming, on } from '../../../test-kit/consuming.js';
import { FakeCluster } from '../../../test-kit/fake-cluster.js';
import { GroupCheck } from './group-check.js';
import { subscriptionData } from './subscription.js';

const ADDRESS = '127.0.0.1:10911';
const SECOND = 1000;

const subscribed = (topics: Record<string, string>): SubscriptionData[] =>
  Object.entries(topics).map(([topic, expression]) => subscriptionData({ topic, expression }, 1));

interface Told {
  topics: Record<string, string>;
  messageModel?: string;
}

/** A check of a group whose broker tells what `told` says, and what was logged. */
function checking(own: Record<string, string>, told: Told | Error | number) {
  const clock = new ManualClock(0);
  const state = { told, asked: 0, warnings: [] as string[], debug: [] as string[] };
  const answer = async (): Promise<Answer> => {
    state.asked++;
    if (state.told instanceof Error) throw state.told;
    if (typeof state.told === 'number') return { code: state.told, body: Buffer.alloc(0) };
    const { topics, messageModel = 'CLUSTERING' } = state.told;
    const table = Object.fromEntries(subscribed(topics).map((one) => [one.topic, subscriptionJson(one)]));
    const body = { connectionSet: [], consumeType: 'CONSUME_PASSIVELY', messageModel, subscriptionTable: table };
    return { code: ResponseCode.SUCCESS, body: encodeJson(body) };
  };
  const logger = {
    log() {},
    error() {},
    warn: (line: string) => state.warnings.push(line),
    debug: (line: string) => state.debug.push(line),
  };
  const data: ConsumerData = {
    groupName: 'g',
    consumeType: 'CONSUME_PASSIVELY',
    messageModel: 'CLUSTERING',
    consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
    subscriptionDataSet: subscribed({ ...own, '%RETRY%g': '*' }),
    unitMode: false,
  };
  const context = { clientId: 'me@1', clock, logger, brokers: { request: answer }, options: { mqClientApiTimeout: 1 } };
  const check = new GroupCheck({ context: context as never, own: () => data });
  return { check, clock, state };
}

describe('a consumer whose group has other members', () => {
  it.each<[string, Told]>([
    ['topics', { topics: { payments: '*' } }],
    ['one topic more', { topics: { orders: 'a || b', payments: '*' } }],
    ['tags', { topics: { orders: 'a' } }],
    ['a message model', { topics: { orders: 'a || b' }, messageModel: 'BROADCASTING' }],
  ])('warns when the broker knows %s of another member', async (_what, told) => {
    const { check, state } = checking({ orders: 'a || b' }, told);
    await check.look(ADDRESS, ['me@1', 'you@2']);
    expect(state.warnings).toHaveLength(1);
  });

  it('names the group, both clients and what both subscribe to', async () => {
    const { check, state } = checking({ orders: '*' }, { topics: { payments: 'b || a', '%RETRY%g': '*' } });
    await check.look(ADDRESS, ['me@1', 'you@2']);
    expect(state.warnings[0]).toContain(
      'the members of consumer group g subscribe differently: this client, me@1, asks for orders * ' +
        '(CLUSTERING, CONSUME_PASSIVELY), client you@2 asks for payments a || b (CLUSTERING, CONSUME_PASSIVELY)',
    );
    expect(state.warnings[0]).toContain('While a new version is rolled out this is normal for a short time');
  });

  it('names some of the others where it can be any of them', async () => {
    const { check, state } = checking({ orders: '*' }, { topics: { payments: '*' } });
    await check.look(ADDRESS, ['me@1', 'a', 'b', 'c', 'd']);
    expect(state.warnings[0]).toContain('another member (there are a, b, c, …) asks for payments *');
  });

  it('says nothing when they subscribe to the same, or the broker does not tell', async () => {
    const { check, clock, state } = checking({ orders: 'a || b' }, { topics: { orders: 'b||a', '%RETRY%g': '*' } });
    for (const told of [state.told, ResponseCode.SYSTEM_ERROR, new Error('away')]) {
      state.told = told;
      await check.look(ADDRESS, ['me@1', 'you@2']);
      await clock.advance(10 * SECOND);
    }
    expect([state.asked, state.warnings]).toEqual([3, []]);
    expect(state.debug).toEqual([`cannot ask ${ADDRESS} what the other members subscribe to: away`]);
  });

  it('asks every 10 s at most, and warns once of each difference', async () => {
    const { check, clock, state } = checking({ orders: '*' }, { topics: { payments: '*' } });
    for (let round = 0; round < 3; round++) await check.look(ADDRESS, ['me@1', 'you@2']);
    expect(state.asked).toBe(1);
    await clock.advance(10 * SECOND);
    await check.look(ADDRESS, ['me@1', 'you@2']);
    expect([state.asked, state.warnings.length]).toEqual([2, 1]);
    state.told = { topics: { stock: '*' } };
    await clock.advance(10 * SECOND);
    await check.look(ADDRESS, ['me@1', 'you@2']);
    expect(state.warnings).toHaveLength(2);
  });

  it('warns once when it is listed twice for longer than a lost connection is', async () => {
    const { check, clock, state } = checking({ orders: '*' }, { topics: { orders: '*' } });
    const look = async (clientIds: string[], seconds: number): Promise<number> => {
      await check.look(ADDRESS, clientIds);
      await clock.advance(seconds * SECOND);
      await check.look(ADDRESS, clientIds);
      return state.warnings.length;
    };
    expect(await look(['me@1', 'me@1', 'you@2'], 120)).toBe(0);
    expect(await look(['me@1', 'you@2'], 20)).toBe(0);
    expect(await look(['me@1', 'me@1', 'you@2'], 130)).toBe(1);
    expect(await look(['me@1', 'me@1', 'you@2'], 130)).toBe(1);
    expect(state.warnings[0]).toMatch(/another member of consumer group g has our client id, me@1: .*instanceName/);
  });

  it('asks nobody while it is alone', async () => {
    const { check, state } = checking({ orders: '*' }, { topics: { payments: '*' } });
    await check.look(ADDRESS, ['me@1']);
    expect(state.asked).toBe(0);
  });

  it('looks when its queues are divided', async () => {
    const fake = new FakeCluster({ topics: { t: 2 } });
    fake.broker.otherConsumers.push('zz@other');
    await consuming(fake);
    await on.cluster.until('asked', () => fake.broker.requests('GET_CONSUMER_CONNECTION_LIST').length > 0);
    expect(fake.broker.requests('GET_CONSUMER_CONNECTION_LIST')[0]!.header).toMatchObject({ consumerGroup: 'stock' });
  });
});
