import { afterEach, describe, expect, it } from '@jest/globals';
import { SysFlag, silentLogger } from '@nest-rocketmq/remoting/internal';
import { FakeCluster, NAME_SERVER } from '../../test-kit/fake-cluster.js';
import { DeadLettersNotReadableError, InvalidNameError, InvalidOptionError, RocketMQClient } from '../index.js';
import type { DeadLetter, DeadLetters } from '../index.js';

let fake: FakeCluster;
let client: RocketMQClient;

afterEach(async () => {
  await client.shutdown();
  await fake.close();
  expect(fake.clock.pending).toBe(0);
});

/** Dead letters d0, d1 … of group stock. */
async function dead(count: number, nameServers = [NAME_SERVER]): Promise<DeadLetters> {
  fake = new FakeCluster({ topics: { '%DLQ%stock': 1, '%RETRY%stock': 1, orders: 1 }, nameServers });
  for (let i = 0; i < count; i++) {
    const properties = { RETRY_TOPIC: 'orders', KEYS: `k${i} all`, TAGS: 'paid', DLQ_REASON: 'bad card', DELAY: '0' };
    fake.broker.put('%DLQ%stock', 0, `d${i}`, { properties, reconsumeTimes: 17 });
  }
  client = new RocketMQClient({
    nameServer: nameServers.join(';'),
    dial: fake.dial,
    clock: fake.clock,
    logger: silentLogger,
  });
  await client.start();
  return client.admin.deadLetters('stock');
}

async function listed(letters: AsyncIterable<DeadLetter>): Promise<DeadLetter[]> {
  const all: DeadLetter[] = [];
  for await (const letter of letters) all.push(letter);
  return all;
}

const pulls = (): unknown[][] =>
  fake.broker.requests('PULL_MESSAGE').map(({ header }) => [header['queueOffset'], header['maxMsgNums']]);

describe('the dead letters of a group', () => {
  it('are read page by page, as many as are asked for, by the group of the tools', async () => {
    const letters = await dead(5);
    expect((await listed(letters.list({ pageSize: 2 }))).map(({ message }) => message.body.toString())).toEqual([
      'd0',
      'd1',
      'd2',
      'd3',
      'd4',
    ]);
    expect(pulls()).toEqual([
      [0, 2],
      [2, 2],
      [4, 1],
    ]);
    const [request] = fake.broker.requests('PULL_MESSAGE');
    expect(request!.header).toMatchObject({ consumerGroup: 'TOOLS_CONSUMER', sysFlag: 4, suspendTimeoutMillis: 0 });
  });

  it('are listed also where one of them cannot be read: that may be why it is here', async () => {
    const letters = await dead(1);
    const { broker } = fake;
    broker.put('%DLQ%stock', 0, 'no zlib', { sysFlag: SysFlag.COMPRESSED });
    broker.put('%DLQ%stock', 0, 'd2');
    const bodies = (await listed(letters)).map(({ message }) => message.body.toString());
    expect(bodies).toEqual(['d0', 'no zlib', 'd2']);
  });

  it('are not read further than somebody looks', async () => {
    for await (const letter of (await dead(5)).list({ pageSize: 2 })) {
      expect(letter).toMatchObject({ topic: 'orders', keys: ['k0', 'all'], reason: 'bad card', deliveries: 17 });
      break;
    }
    expect(pulls()).toHaveLength(1);
  });

  it('that a broker before 4.9.2 lets nobody read are an error that says how to change that', async () => {
    const letters = await dead(1);
    const routeOf = fake.routeOf.bind(fake);
    fake.routeOf = (topic) => {
      const route = routeOf(topic);
      return route && { ...route, queueDatas: route.queueDatas.map((each) => ({ ...each, perm: 2 })) };
    };
    await expect(listed(letters.list())).rejects.toThrow(DeadLettersNotReadableError);
    await expect(listed(letters.list())).rejects.toThrow('updateTopicPerm -c CLUSTER -t %DLQ%stock -p 6');
  });

  it('of a time after all of them are none, also where a broker before 5.1 names the last one', async () => {
    const letters = await dead(2);
    fake.broker.next('SEARCH_OFFSET_BY_TIMESTAMP', () => ({ header: { offset: 1 } }));
    expect(await listed(letters.list({ since: fake.clock.now() + 60_000 }))).toEqual([]);
  });

  it('are none where there is no such topic, and the group needs a name', async () => {
    await dead(1);
    expect(await listed(client.admin.deadLetters('nobody'))).toEqual([]);
    expect(() => client.admin.deadLetters('not a name')).toThrow(InvalidNameError);
    const wrong = listed(client.admin.deadLetters('stock').list({ since: NaN }));
    await expect(wrong).rejects.toThrow(InvalidOptionError);
  });
});

describe('a replay', () => {
  it('goes to the retry topic, marked, and as for the first time', async () => {
    const letters = await dead(2);
    const { id, count } = await letters.replay(({ keys }) => keys.includes('k1'));
    expect(count).toBe(1);
    const [copy] = fake.broker.stored;
    expect(copy).toMatchObject({ topic: '%RETRY%stock', reconsumeTimes: 0 });
    expect(copy!.body.toString()).toBe('d1');
    const { DLQ_REPLAY_OF: of, ...properties } = Object.fromEntries(copy!.properties);
    expect(properties).toMatchObject({ RETRY_TOPIC: 'orders', KEYS: 'k1 all', TAGS: 'paid', DLQ_REPLAY_ID: id });
    expect(Object.keys(properties)).not.toEqual(expect.arrayContaining(['DLQ_REASON']));
    expect(properties['DELAY']).toBeUndefined();
    expect((await listed(letters)).map((letter) => letter.id)[1]).toBe(of);
  });

  it('may go to the topic, for all its groups', async () => {
    const letters = await dead(1);
    await letters.replay(await listed(letters), { to: 'topic' });
    expect(fake.broker.stored[0]).toMatchObject({ topic: 'orders' });
    expect(fake.broker.stored[0]!.properties.has('RETRY_TOPIC')).toBe(false);
  });

  it('that is undone is noted at every name server, and skipped', async () => {
    const [first, second] = [NAME_SERVER, '127.0.0.2:9876'];
    const letters = await dead(2, [first, second]);
    const seen: string[] = [];
    const consumer = client.createPushConsumer({
      group: 'stock',
      subscriptions: [{ topic: 'orders' }],
      consumeMessageBatchMaxSize: 8,
      listener: (messages) => void seen.push(...messages.map(({ body }) => body.toString())),
    });
    await consumer.start();
    consumer.pause();
    const undone = await letters.replay(({ keys }) => keys.includes('k0'));
    await letters.replay(({ keys }) => keys.includes('k1'));
    await letters.skip(undone.id);
    expect(fake.kv.map((kv) => [...kv.keys()])).toEqual([
      [`DLQ_REPLAYS_SKIPPED/${undone.id}`],
      [`DLQ_REPLAYS_SKIPPED/${undone.id}`],
    ]);
    consumer.resume();
    await fake.clock.advance(10_000);
    expect(seen).toEqual(['d1']);
    expect(fake.broker.offsets.get('stock@%RETRY%stock@0')).toBe(2);
    expect(fake.broker.requests('CONSUMER_SEND_MSG_BACK')).toEqual([]);
  });
});
