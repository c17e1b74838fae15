import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Requests,
  ResponseCode,
  decodeRouteData,
  encodeRegisterBroker,
  topicConfig,
} from '@nest-rocketmq/remoting/internal';
import type { BrokerData, Connection } from '@nest-rocketmq/remoting/internal';
import { TestBroker } from '../../test-kit/broker.js';

const CLUSTER = 'DefaultCluster';
const NAME = 'replicated';
const MEMBERS = `rmq_sys_SYNC_BROKER_MEMBER_${NAME}`;
const addressOf = (brokerId: number): string => `192.0.2.${brokerId + 1}:10911`;

let running: TestBroker;
let nameServer: Connection;
afterEach(() => running.stop());

async function start(supportActingMaster: boolean): Promise<void> {
  running = await TestBroker.start({ supportActingMaster });
  nameServer = await running.nameServer();
}

interface Registered {
  /** Undefined: a broker before 5.0. */
  enableActingMaster?: boolean | undefined;
  counter?: number;
  heartbeatTimeoutMillis?: number;
}

/** @returns the broker's own connection, by whose end it is gone */
async function register(brokerId: number, registered: Registered = { enableActingMaster: true }): Promise<Connection> {
  const { enableActingMaster, counter = 1, heartbeatTimeoutMillis } = registered;
  const connection = await running.nameServer();
  const topics = ['orders', 'stock', MEMBERS].map((topic) => [topic, topicConfig(topic, {})] as const);
  const body = encodeRegisterBroker({
    dataVersion: { counter, stateVersion: 0, timestamp: 1 },
    topicConfigTable: new Map(topics),
  });
  const header = {
    brokerName: NAME,
    brokerAddr: addressOf(brokerId),
    clusterName: CLUSTER,
    brokerId,
    haServerAddr: '',
    ...(enableActingMaster !== undefined && { enableActingMaster }),
    ...(heartbeatTimeoutMillis !== undefined && { heartbeatTimeoutMillis }),
  };
  const { code } = await connection.request(Requests.REGISTER_BROKER, header, { body });
  expect(code).toBe(ResponseCode.SUCCESS);
  return connection;
}

async function leave(connection: Connection): Promise<void> {
  connection.close();
  await running.clock.advance(0);
}

async function route(topic = 'orders'): Promise<{ broker: BrokerData; perm: number } | undefined> {
  const { code, body } = await nameServer.request(Requests.GET_ROUTEINFO_BY_TOPIC, { topic });
  if (code !== ResponseCode.SUCCESS) return undefined;
  const { brokerDatas, queueDatas } = decodeRouteData(body);
  return { broker: brokerDatas[0]!, perm: queueDatas[0]!.perm };
}

/** By id. */
const idsOf = async (topic?: string): Promise<[number, string][]> =>
  [...(await route(topic))!.broker.brokerAddrs].toSorted(([a], [b]) => a - b);

describe('a name server that supports acting masters', () => {
  it('names the slave with the smallest id as the master that is away, for reading alone', async () => {
    await start(true);
    const master = await register(0);
    await register(2);
    await register(1);
    expect(await idsOf()).toEqual([0, 1, 2].map((id) => [id, addressOf(id)]));
    expect((await route())!.broker.enableActingMaster).toBe(true);
    await leave(master);
    expect(await idsOf()).toEqual([
      [0, addressOf(1)],
      [2, addressOf(2)],
    ]);
    expect((await route())!.perm).toBe(4);
    // Brokers of one name see who is there.
    expect(await idsOf(MEMBERS)).toEqual([1, 2].map((id) => [id, addressOf(id)]));
  });

  it('gives the place back to the master that returns, and the permission to write', async () => {
    await start(true);
    const master = await register(0);
    await register(1);
    await leave(master);
    await register(0);
    expect(await idsOf()).toEqual([0, 1].map((id) => [id, addressOf(id)]));
    expect((await route())!.perm).toBe(6);
  });

  it('has the topics of a slave that was there before its master', async () => {
    await start(true);
    await register(1);
    expect(await idsOf()).toEqual([[0, addressOf(1)]]);
    expect((await route())!.perm).toBe(4);
    await register(0);
    expect((await route())!.perm).toBe(6);
    // Beside its master, a slave says nothing of topics.
    await register(1, { enableActingMaster: true, counter: 2 });
    expect((await route())!.perm).toBe(6);
  });

  it('lets no slave act whose brokers do not allow it', async () => {
    await start(true);
    const master = await register(0, { enableActingMaster: false });
    await register(1, { enableActingMaster: false });
    await leave(master);
    expect(await idsOf()).toEqual([[1, addressOf(1)]]);
    expect((await route())!.perm).toBe(6);
  });
});

describe('a name server that does not', () => {
  it('keeps the id of a slave, and takes the permission to write where the slave may act', async () => {
    await start(false);
    const master = await register(0);
    await register(1);
    await leave(master);
    expect(await idsOf()).toEqual([[1, addressOf(1)]]);
    expect((await route())!.perm).toBe(4);
  });

  it.each([
    ['5.x', false, true],
    ['4.x', undefined, false],
  ])('has topics of a slave of %s without a master: %s', async (_version, enableActingMaster, known) => {
    await start(false);
    await register(1, { enableActingMaster });
    expect((await route()) !== undefined).toBe(known);
  });
});

it('brokers of one name ask who is there, and say that they are', async () => {
  await start(true);
  await register(0);
  const slave = await register(1, { enableActingMaster: true, heartbeatTimeoutMillis: 10_000 });
  const members = async (brokerName: string, clusterName = CLUSTER): Promise<string> => {
    const { body } = await slave.request(Requests.GET_BROKER_MEMBER_GROUP, { clusterName, brokerName });
    return body.toString();
  };
  expect(await members(NAME)).toBe(
    `{"brokerMemberGroup":{"brokerAddrs":{0:"${addressOf(0)}",1:"${addressOf(1)}"},"brokerName":"${NAME}","cluster":"${CLUSTER}"}}`,
  );
  for (const nobody of [await members('nobody'), await members(NAME, 'Other')])
    expect(nobody).toContain('"brokerAddrs":{}');
  for (let i = 0; i < 4; i++) {
    await running.clock.advance(8_000);
    const identity = { clusterName: CLUSTER, brokerAddr: addressOf(1), brokerName: NAME, brokerId: 1 };
    await slave.request(Requests.BROKER_HEARTBEAT, identity);
  }
  expect((await idsOf()).map(([id]) => id)).toContain(1);
  await running.clock.advance(20_000);
  expect((await idsOf()).map(([id]) => id)).toEqual([0]);
});
