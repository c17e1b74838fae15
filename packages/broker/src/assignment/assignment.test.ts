import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Requests,
  ResponseCode,
  allocateAveragely,
  encodeJson,
  encodeRegisterBroker,
  topicConfig,
} from '@nest-rocketmq/remoting/internal';
import type { MessageQueue } from '@nest-rocketmq/remoting/internal';
import { TestBroker } from '../../test-kit/broker.js';
import type { TestClient } from '../../test-kit/broker.js';
import { assignForPop, readableQueues } from './assign-queues.js';

let running: TestBroker | undefined;
afterEach(() => running?.stop());

async function members(count: number, options = {}): Promise<TestClient[]> {
  running = await TestBroker.start(options);
  const clients: TestClient[] = [];
  for (let i = 0; i < count; i++) {
    const client = await running.client();
    if (i === 0) await client.send('t');
    await client.subscribe(`client-${i}`, 'g', { t: '*' });
    clients.push(client);
  }
  return clients;
}

interface Assigned {
  messageQueue: MessageQueue;
  mode: string;
}

async function assigned(client: TestClient, more: object = {}): Promise<Assigned[] | undefined> {
  const query = {
    topic: 't',
    consumerGroup: 'g',
    clientId: 'client-0',
    strategyName: 'AVG',
    messageModel: 'CLUSTERING',
  };
  const body = encodeJson({ ...query, ...more });
  const reply = await client.connection.request(Requests.QUERY_ASSIGNMENT, {}, { body });
  return (JSON.parse(reply.body.toString()) as { messageQueueAssignments?: Assigned[] }).messageQueueAssignments;
}

const idsOf = (queues: Assigned[] | undefined): number[] | undefined =>
  queues?.map(({ messageQueue }) => messageQueue.queueId);

const setMode = (client: TestClient, more: object = {}): Promise<{ code: number }> => {
  const body = encodeJson({ topic: 't', consumerGroup: 'g', mode: 'POP', popShareQueueNum: 0, ...more });
  return client.connection.request(Requests.SET_MESSAGE_REQUEST_MODE, {}, { body });
};

describe('T156 the queues that the broker assigns', () => {
  it.each([
    ['AVG', [0, 1], [2, 3]],
    ['AVG_BY_CIRCLE', [0, 2], [1, 3]],
  ])('by %s', async (strategyName, first, second) => {
    const [client] = await members(2);
    expect(idsOf(await assigned(client!, { strategyName }))).toEqual(first);
    expect(idsOf(await assigned(client!, { strategyName, clientId: 'client-1' }))).toEqual(second);
    expect((await assigned(client!))![0]).toMatchObject({
      mode: 'PULL',
      messageQueue: { topic: 't', brokerName: 'broker-a' },
    });
  });

  it('by CONSISTENT_HASH are those of one and the others of the other', async () => {
    const [client] = await members(2);
    const all = await Promise.all(
      ['client-0', 'client-1'].map((clientId) => assigned(client!, { strategyName: 'CONSISTENT_HASH', clientId })),
    );
    expect(all.flatMap((queues) => idsOf(queues)!).toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3]);
  });

  it.each([
    ['an unknown strategy', { strategyName: 'NONE' }],
    ['an unknown topic', { topic: 'nowhere' }],
    ['a group that is not online', { consumerGroup: 'absent' }],
  ])('are not told for %s: the client keeps what it has', async (_what, more) => {
    const [client] = await members(1);
    expect(await assigned(client!, more)).toBeUndefined();
  });

  it('are all of them for broadcasting, and with serverLoadBalancerEnable=false', async () => {
    const [client] = await members(2);
    expect(idsOf(await assigned(client!, { messageModel: 'BROADCASTING' }))).toEqual([0, 1, 2, 3]);
    await running!.stop();
    const [other] = await members(2, { serverLoadBalancerEnable: false });
    expect(idsOf(await assigned(other!))).toEqual([0, 1, 2, 3]);
  });

  it('are the whole broker for a group that pops, also after a restart', async () => {
    const [client] = await members(2);
    expect((await setMode(client!)).code).toBe(ResponseCode.SUCCESS);
    expect(await assigned(client!)).toMatchObject([{ mode: 'POP', messageQueue: { queueId: -1 } }]);
    await running!.killAndRestart();
    const again = await running!.client();
    await again.subscribe('client-0', 'g', { t: '*' });
    expect(await assigned(again)).toMatchObject([{ mode: 'POP', messageQueue: { queueId: -1 } }]);
    expect(await assigned(again, { topic: '%RETRY%g' })).toMatchObject([{ mode: 'PULL' }]);
  });

  it('are popped by default with defaultMessageRequestMode=POP, but for retry topics', async () => {
    const [client] = await members(1, { defaultMessageRequestMode: 'POP' });
    expect(await assigned(client!)).toMatchObject([{ mode: 'POP' }]);
    expect(await assigned(client!, { topic: '%RETRY%g' })).toMatchObject([{ mode: 'PULL' }]);
  });
});

describe('a broker that registers a topic with more queues than a client takes', () => {
  it('does not have them assigned', async () => {
    const [client] = await members(1);
    const nameServer = await running!.nameServer();
    const other = { brokerName: 'broker-b', brokerAddr: '192.0.2.7:10911', clusterName: 'DefaultCluster', brokerId: 0 };
    const topics = ['t', 'u'].map((name) => [name, topicConfig(name, { readQueueNums: 2 ** 31 - 1 })] as const);
    const dataVersion = { counter: 1, stateVersion: 0, timestamp: 1 };
    const body = encodeRegisterBroker({ dataVersion, topicConfigTable: new Map(topics) });
    await nameServer.request(Requests.REGISTER_BROKER, { ...other, haServerAddr: '' }, { body });
    expect(await assigned(client!)).toBeUndefined();
  });
});

describe('T156 a work group of consumers that pop', () => {
  const queues = readableQueues('t', [
    { brokerName: 'a', readQueueNums: 4, writeQueueNums: 4, perm: 6, topicSysFlag: 0 },
    { brokerName: 'b', readQueueNums: 2, writeQueueNums: 2, perm: 2, topicSysFlag: 0 },
  ])!;
  const ids = (count: number): string[] => Array.from({ length: count }, (_, i) => `c${i}`);
  const popped = (clientId: string, consumers: number, share: number): number[] =>
    assignForPop(allocateAveragely, 'g', clientId, queues, ids(consumers), share).map(({ queueId }) => queueId);

  it.each([
    ['c0', 4, 0, [-1]],
    ['c0', 4, -1, [-1]],
    ['c0', 4, 3, [-1]],
    ['c0', 4, 1, [0, 1]],
    ['c3', 4, 1, [3, 0]],
    ['c1', 4, 2, [1, 2, 3]],
    ['c5', 6, 1, [1]],
    ['absent', 6, 1, []],
  ])('%s of %d that share with %d pops the queues %p', (clientId, consumers, share, expected) => {
    expect(popped(clientId, consumers, share)).toEqual(expected);
  });
});

describe('a request mode is refused', () => {
  it.each([
    ['of a retry topic', { topic: '%RETRY%g' }, ResponseCode.NO_PERMISSION],
    ['of an unknown topic', { topic: 'nowhere' }, ResponseCode.TOPIC_NOT_EXIST],
    ['of a group whose name cannot be', { consumerGroup: 'a/b' }, ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST],
    ['that there is not', { mode: 'PUSH' }, ResponseCode.SYSTEM_ERROR],
  ])('%s', async (_what, more, code) => {
    const [client] = await members(1);
    expect((await setMode(client!, more)).code).toBe(code);
  });

  it('beyond maxRequestModes, but one that is there can be changed', async () => {
    const [client] = await members(1, { maxRequestModes: 1 });
    expect((await setMode(client!)).code).toBe(ResponseCode.SUCCESS);
    expect((await setMode(client!, { consumerGroup: 'other' })).code).not.toBe(ResponseCode.SUCCESS);
    expect((await setMode(client!, { mode: 'PULL' })).code).toBe(ResponseCode.SUCCESS);
  });
});
