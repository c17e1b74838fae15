import { afterEach, describe, expect, it } from '@jest/globals';
import {
  ManualClock,
  Requests,
  ResponseCode,
  decodeConsumerList,
  decodeLockOk,
  encodeHeartbeat,
  encodeLockBatch,
  handlerTable,
  silentLogger,
} from '@nest-rocketmq/remoting/internal';
import type { Connection } from '@nest-rocketmq/remoting/internal';
import { Clients } from './clients.js';
import { TestBroker, closed } from '../../test-kit/broker.js';
import type { TestClient } from '../../test-kit/broker.js';

let running: TestBroker;
afterEach(() => running.stop());

/** A client, and the groups whose changes it has been told of. */
async function listener(): Promise<{ client: TestClient; told: string[] }> {
  const told: string[] = [];
  const client = await running.client(
    handlerTable({
      NOTIFY_CONSUMER_IDS_CHANGED: ({ header }) => {
        told.push(header.consumerGroup);
        return undefined;
      },
    }),
  );
  return { client, told };
}

async function members(client: TestClient, group: string): Promise<string[]> {
  const { code, body } = await client.connection.request(Requests.GET_CONSUMER_LIST_BY_GROUP, { consumerGroup: group });
  return code === ResponseCode.SUCCESS ? decodeConsumerList(body) : [];
}

describe('T151: a group', () => {
  it('T153: has the members whose heartbeats have come', async () => {
    running = await TestBroker.start();
    const [one, two] = [await listener(), await listener()];
    expect(await members(one.client, 'g')).toEqual([]);
    await one.client.subscribe('one', 'g', { t: '*' });
    await two.client.subscribe('two', 'g', { t: '*' });
    expect(await members(one.client, 'g')).toEqual(['one', 'two']);
  });

  it('tells its members when one comes, leaves, or subscribes to something else, and not otherwise', async () => {
    running = await TestBroker.start();
    const [one, two] = [await listener(), await listener()];
    await one.client.subscribe('one', 'g', { t: '*' });
    await two.client.subscribe('two', 'g', { t: '*' });
    await running.clock.advance(0);
    expect(one.told).toHaveLength(2);
    await two.client.subscribe('two', 'g', { t: '*' });
    await running.clock.advance(0);
    expect(one.told).toHaveLength(2);
    await two.client.subscribe('two', 'g', { t: 'a' }, 2);
    await running.clock.advance(0);
    expect(one.told).toHaveLength(3);
    await two.client.connection.request(Requests.UNREGISTER_CLIENT, { clientID: 'two', consumerGroup: 'g' });
    await running.clock.advance(0);
    expect(one.told).toHaveLength(4);
    expect(await members(one.client, 'g')).toEqual(['one']);
  });

  it('tells its members when the connection of one breaks', async () => {
    running = await TestBroker.start();
    const [one, two] = [await listener(), await listener()];
    await one.client.subscribe('one', 'g', { t: '*' });
    await two.client.subscribe('two', 'g', { t: '*' });
    two.client.connection.close();
    await running.clock.advance(0);
    expect(one.told).toHaveLength(3);
    expect(await members(one.client, 'g')).toEqual(['one']);
  });

  it('tells nobody when its configuration says so', async () => {
    running = await TestBroker.start({ notifyConsumerIdsChangedEnable: false });
    const { client, told } = await listener();
    await client.subscribe('one', 'g', { t: '*' });
    await running.clock.advance(0);
    expect(told).toEqual([]);
  });

  it.each(['CLUSTERING', 'BROADCASTING'])('has a retry topic from its first heartbeat on: %s', async (model) => {
    running = await TestBroker.start();
    const { client } = await listener();
    await client.subscribe('one', 'g', { t: '*' }, 1, model);
    expect((await client.pull('%RETRY%g', { group: 'g' })).code).toBe(ResponseCode.PULL_NOT_FOUND);
  });

  it('is not made by a heartbeat where groups are not made so', async () => {
    running = await TestBroker.start({ autoCreateSubscriptionGroup: false });
    const { client } = await listener();
    await client.subscribe('one', 'g', { t: '*' });
    expect((await client.pull('t', { group: 'g' })).code).toBe(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST);
  });
});

describe('T153: a heartbeat', () => {
  it('says that version 2 is not supported, and keeps the subscriptions when one comes that leaves them out', async () => {
    running = await TestBroker.start();
    const { client } = await listener();
    await client.subscribe('one', 'g', { t: 'a' });
    const consumer = {
      groupName: 'g',
      consumeType: 'CONSUME_PASSIVELY',
      messageModel: 'CLUSTERING',
      consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
      subscriptionDataSet: [],
      unitMode: false,
    } as const;
    const data = { clientID: 'one', producerGroups: [], heartbeatFingerprint: 4711, withoutSub: true };
    const body = encodeHeartbeat({ ...data, consumers: [consumer] });
    const { code, extFields } = await client.connection.request(Requests.HEART_BEAT, {}, { body });
    expect([code, extFields['IS_SUPPORT_HEART_BEAT_V2'], extFields['IS_SUB_CHANGE']]).toEqual([0, 'false', 'false']);
    const asked = await client.connection.request(Requests.GET_CONSUMER_CONNECTION_LIST, { consumerGroup: 'g' });
    expect(asked.body.toString()).toContain('"subString":"a"');
  });
});

describe('T152: the producers of a group', () => {
  const producersOf = async (client: TestClient): Promise<string[]> => {
    const { code, body } = await client.connection.request(Requests.GET_PRODUCER_CONNECTION_LIST, {
      producerGroup: 'p',
    });
    if (code !== ResponseCode.SUCCESS) return [];
    const { connectionSet } = JSON.parse(body.toString()) as { connectionSet: { clientId: string }[] };
    return connectionSet.map(({ clientId }) => clientId);
  };

  it('are those whose heartbeats have come, until they unregister or their connection breaks', async () => {
    running = await TestBroker.start();
    const [one, two, asking] = [await running.client(), await running.client(), await running.client()];
    await one.produce('one', 'p');
    await two.produce('two', 'p');
    await two.produce('two', 'p');
    expect(await producersOf(asking)).toEqual(['one', 'two']);
    await one.connection.request(Requests.UNREGISTER_CLIENT, { clientID: 'one', producerGroup: 'p' });
    expect(await producersOf(asking)).toEqual(['two']);
    two.connection.close();
    await running.clock.advance(0);
    expect(await producersOf(asking)).toEqual([]);
  });

  it('are gone after 120 s without a heartbeat, also the old connection of a client that has a new one', async () => {
    running = await TestBroker.start();
    const [old, again, asking] = [await running.client(), await running.client(), await running.client()];
    await old.produce('me', 'p');
    await running.clock.advance(100_000);
    await again.produce('me', 'p');
    expect(await producersOf(asking)).toEqual(['me', 'me']);
    await running.clock.advance(40_000);
    await closed(old.connection);
    expect(await producersOf(asking)).toEqual(['me']);
    expect(again.connection.closed).toBe(false);
  });

  it('that is silent is named in the log without what would forge lines', async () => {
    const warnings: string[] = [];
    const logger = { ...silentLogger, warn: (text: string) => void warnings.push(text) };
    running = await TestBroker.start({ logger, channelExpiredTimeout: 30_000 });
    const client = await running.client();
    await client.produce('me\r\nroot', 'p');
    await running.clock.advance(60_000);
    await closed(client.connection);
    expect(warnings).toEqual([expect.stringContaining('client me??root at ')]);
  });

  it('are asked in turn, and none whose connection has closed', () => {
    const clients = new Clients({
      clock: new ManualClock(),
      logger: silentLogger,
      channelExpiredTimeout: 120_000,
      maxGroupsPerClient: 9,
      maxSubscriptionGroups: 9,
      notifiesChanges: () => false,
    });
    const dead = new Set<string>();
    for (const clientId of ['a', 'b', 'c']) {
      const connection = {
        get closed() {
          return dead.has(clientId);
        },
      } as Connection;
      const info = { clientId, language: 'JAVA', version: 1, connection, lastHeartbeat: 0, lastUpdateTimestamp: 0 };
      clients.registerProducer('p', info);
    }
    const asked = (times: number): (string | undefined)[] =>
      Array.from({ length: times }, () => clients.nextProducer('p')?.clientId);
    expect(asked(6)).toEqual(['a', 'b', 'c', 'a', 'b', 'c']);
    dead.add('b');
    expect(new Set(asked(6))).toEqual(new Set(['a', 'c']));
    dead.add('a').add('c');
    expect(asked(2)).toEqual([undefined, undefined]);
    expect(clients.nextProducer('nobody')).toBeUndefined();
    clients.stop();
  });
});

describe('a client', () => {
  it('T151: that sends requests but no heartbeat for 120 s is disconnected', async () => {
    running = await TestBroker.start();
    const { client } = await listener();
    await client.subscribe('one', 'g', { t: '*' });
    await running.clock.advance(100_000);
    await members(client, 'g');
    await running.clock.advance(100_000);
    await closed(client.connection);
    expect(await members((await listener()).client, 'g')).toEqual([]);
  });

  it('that leaves a group out of its heartbeats, as Go does, is no member of it after 120 s, and stays connected', async () => {
    running = await TestBroker.start();
    const { client } = await listener();
    const { client: other } = await listener();
    await client.subscribe('one', 'left', { t: '*' });
    await other.subscribe('two', 'left', { t: '*' });
    await client.produce('one', 'left producers');
    for (let i = 0; i < 5; i++) {
      await client.subscribe('one', 'kept', { t: '*' });
      await other.subscribe('two', 'left', { t: '*' });
      await running.clock.advance(30_000);
    }
    expect(await members(other, 'left')).toEqual(['two']);
    expect(await members(other, 'kept')).toEqual(['one']);
    expect(client.connection.closed).toBe(false);
    const { code } = await other.connection.request(Requests.GET_PRODUCER_CONNECTION_LIST, {
      producerGroup: 'left producers',
    });
    expect(code).not.toBe(ResponseCode.SUCCESS);
  });

  it('that wants to filter by SQL is refused when it asks beforehand, where that is switched off', async () => {
    running = await TestBroker.start({ enablePropertyFilter: false });
    const { client } = await listener();
    const check = (expressionType: string): Buffer =>
      Buffer.from(
        JSON.stringify({
          clientId: 'one',
          group: 'g',
          subscriptionData: { topic: 't', subString: 'a > 3', expressionType },
        }),
      );
    const sql = await client.connection.request(Requests.CHECK_CLIENT_CONFIG, {}, { body: check('SQL92') });
    const tag = await client.connection.request(Requests.CHECK_CLIENT_CONFIG, {}, { body: check('TAG') });
    expect([sql.code, tag.code]).toEqual([ResponseCode.SYSTEM_ERROR, ResponseCode.SUCCESS]);
    expect(sql.remark).toBe('The broker does not support consumer to filter message by SQL92');
  });
});

describe('T066: LOCK_BATCH_MQ and UNLOCK_BATCH_MQ', () => {
  it('answer which of the queues are locked for the client', async () => {
    running = await TestBroker.start();
    const client = await running.client();
    await client.subscribe('one', 'g', { t: '*' });
    await client.send('t');
    const queue = (queueId: number) => ({ topic: 't', brokerName: 'broker-a', queueId });
    const bodyOf = (clientId: string, ...ids: number[]) => ({
      body: encodeLockBatch({ consumerGroup: 'g', clientId, mqSet: ids.map(queue) }),
    });
    const lock = async (clientId: string, ...ids: number[]): Promise<number[]> => {
      const { body } = await client.connection.request(Requests.LOCK_BATCH_MQ, {}, bodyOf(clientId, ...ids));
      return decodeLockOk(body).map(({ queueId }) => queueId);
    };
    expect(await lock('one', 0, 1)).toEqual([0, 1]);
    expect(await lock('two', 1, 2)).toEqual([2]);
    const { code } = await client.connection.request(Requests.UNLOCK_BATCH_MQ, {}, bodyOf('one', 1, 2));
    expect(code).toBe(ResponseCode.SUCCESS);
    expect(await lock('two', 0, 1)).toEqual([1]);
    expect(await lock('one', 2)).toEqual([]);
  });
});
