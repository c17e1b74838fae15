import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Connection,
  Requests,
  ResponseCode,
  bodyCrc,
  decodeClusterInfo,
  decodeRouteData,
  encodeRegisterBroker,
  parseJson,
  topicConfig,
} from '@nest-rocketmq/remoting/internal';
import type { HeaderOf } from '@nest-rocketmq/remoting/internal';
import { TestBroker } from '../../test-kit/broker.js';

let running: TestBroker;
afterEach(() => running.stop());

const OTHER = { brokerName: 'broker-b', brokerAddr: '192.0.2.7:10911', clusterName: 'DefaultCluster', brokerId: 0 };
const NAMES = ['orders', 'TBW102'];

function registration(names: string[], counter = 1): Buffer {
  const topics = names.map(
    (name) => [name, topicConfig(name, { readQueueNums: 2, writeQueueNums: 2, perm: 7 })] as const,
  );
  return encodeRegisterBroker({
    dataVersion: { counter, stateVersion: 0, timestamp: 1 },
    topicConfigTable: new Map(topics),
  });
}

async function register(
  connection: Connection,
  names = NAMES,
  more: { counter?: number; bodyCrc32?: number } = {},
): Promise<number> {
  const body = registration(names, more.counter);
  const header = { ...OTHER, haServerAddr: '192.0.2.7:10912', bodyCrc32: more.bodyCrc32 ?? bodyCrc(body) };
  return (await connection.request(Requests.REGISTER_BROKER, header, { body })).code;
}

/** As another broker than broker-b, or from elsewhere. */
async function registerAs(
  connection: Connection,
  as: Partial<HeaderOf<typeof Requests.REGISTER_BROKER>>,
  names = NAMES,
  counter = 1,
): Promise<number> {
  const header = { ...OTHER, haServerAddr: '192.0.2.7:10912', ...as };
  return (await connection.request(Requests.REGISTER_BROKER, header, { body: registration(names, counter) })).code;
}

const route = (connection: Connection, topic: string) => connection.request(Requests.GET_ROUTEINFO_BY_TOPIC, { topic });

async function brokersOf(connection: Connection, topic: string): Promise<string[]> {
  const { code, body } = await route(connection, topic);
  return code === ResponseCode.SUCCESS ? decodeRouteData(body).brokerDatas.map((broker) => broker.brokerName) : [];
}

describe('a name server', () => {
  it('has routes to a broker as soon as it has registered', async () => {
    running = await TestBroker.start();
    const nameServer = await running.nameServer();
    expect(await register(nameServer)).toBe(ResponseCode.SUCCESS);
    expect(await brokersOf(nameServer, 'orders')).toEqual(['broker-b']);
    expect((await brokersOf(nameServer, 'TBW102')).sort()).toEqual(['broker-a', 'broker-b']);
  });

  it('takes what Apache 5.5 sends to register', async () => {
    running = await TestBroker.start();
    const nameServer = await running.nameServer();
    nameServer.write(readFileSync(new URL('../../../../test/fixtures/frames/00003-103-req-json.bin', import.meta.url)));
    expect(await brokersOf(nameServer, 'SELF_TEST_TOPIC')).toEqual(['broker-a', 'broker-x']);
  });

  it("takes the permission to write out of a broker's routes, and gives it back", async () => {
    running = await TestBroker.start();
    const nameServer = await running.nameServer();
    await register(nameServer);
    const perms = async (): Promise<unknown[]> =>
      decodeRouteData((await route(nameServer, 'orders')).body).queueDatas.map(({ perm }) => perm);
    const wiped = await nameServer.request(Requests.WIPE_WRITE_PERM_OF_BROKER, { brokerName: 'broker-b' });
    expect([wiped.header.wipeTopicCount, ...(await perms())]).toEqual([NAMES.length, 5]);
    await register(nameServer);
    expect(await perms()).toEqual([5]);
    // As in Apache's, no other bit comes back.
    const added = await nameServer.request(Requests.ADD_WRITE_PERM_OF_BROKER, { brokerName: 'broker-b' });
    expect([added.header.addTopicCount, ...(await perms())]).toEqual([NAMES.length, 6]);
    const unknown = await nameServer.request(Requests.WIPE_WRITE_PERM_OF_BROKER, { brokerName: 'nobody' });
    expect(unknown.header.wipeTopicCount).toBe(0);
  });

  it('tells tools the names of clusters and brokers, and its settings', async () => {
    running = await TestBroker.start();
    const nameServer = await running.nameServer();
    const { body } = await nameServer.request(Requests.GET_SYSTEM_TOPIC_LIST_FROM_NS, {});
    expect(parseJson(body)).toEqual({ topicList: ['DefaultCluster', 'broker-a'], brokerAddr: '127.0.0.1:10911' });
    const config = await nameServer.request(Requests.GET_NAMESRV_CONFIG, {});
    expect(config.body.toString()).toBe('scanNotActiveBrokerInterval=5000\nsupportActingMaster=false\n');
  });

  it('says 17 and the name of a topic that it does not know', async () => {
    running = await TestBroker.start();
    const { code, remark } = await route(await running.nameServer(), 'nowhere');
    expect(code).toBe(ResponseCode.TOPIC_NOT_EXIST);
    expect(remark).toContain('nowhere');
  });

  it('writes bare number keys for peers before 4.9.4, and the standard for others', async () => {
    running = await TestBroker.start();
    const nameServer = await running.nameServer();
    const standard = await nameServer.request(Requests.GET_ROUTEINFO_BY_TOPIC, { topic: 'TBW102' });
    expect(standard.body.toString()).toContain('"brokerAddrs":{"0":"127.0.0.1:10911"}');
    const { body } = await nameServer.request(Requests.GET_BROKER_CLUSTER_INFO, {});
    expect(body.toString()).toContain('"brokerAddrs":{0:"127.0.0.1:10911"}');
    expect([...decodeClusterInfo(body).clusterAddrTable]).toEqual([['DefaultCluster', ['broker-a']]]);
  });

  it('forgets a broker whose connection has closed', async () => {
    running = await TestBroker.start();
    const [nameServer, brokerB] = [await running.nameServer(), await running.nameServer()];
    await register(brokerB);
    brokerB.close();
    await running.clock.advance(0);
    expect(await brokersOf(nameServer, 'orders')).toEqual([]);
  });

  it('forgets each name that came over a connection which has closed, whatever addresses they share', async () => {
    running = await TestBroker.start();
    const [nameServer, spoofer] = [await running.nameServer(), await running.nameServer()];
    for (const brokerName of ['x', 'y', 'z']) await registerAs(spoofer, { brokerName });
    expect((await brokersOf(nameServer, 'orders')).sort()).toEqual(['x', 'y', 'z']);
    spoofer.close();
    await running.clock.advance(0);
    expect(await brokersOf(nameServer, 'orders')).toEqual([]);
  });

  it('keeps a broker whose address another one took in vain, and expires both in their time', async () => {
    running = await TestBroker.start();
    const [nameServer, brokerB, spoofer] = [
      await running.nameServer(),
      await running.nameServer(),
      await running.nameServer(),
    ];
    await register(brokerB);
    await registerAs(spoofer, { brokerName: 'spoof' });
    spoofer.close();
    await running.clock.advance(0);
    expect(await brokersOf(nameServer, 'orders')).toEqual(['broker-b']);
    brokerB.close();
    await running.clock.advance(0);
    expect(await brokersOf(nameServer, 'orders')).toEqual([]);
  });

  it('lets nobody take the place of its own broker, or unregister it', async () => {
    running = await TestBroker.start();
    const spoofer = await running.nameServer();
    const own = { brokerName: 'broker-a', brokerAddr: '192.0.2.66:10911' };
    expect(await registerAs(spoofer, own)).toBe(ResponseCode.SYSTEM_ERROR);
    for (const brokerAddr of ['127.0.0.1:10911', '192.0.2.66:10911'])
      await spoofer.request(Requests.UNREGISTER_BROKER, { ...OTHER, brokerName: 'broker-a', brokerAddr });
    const { body } = await route(spoofer, 'TBW102');
    expect(decodeRouteData(body).brokerDatas.map(({ brokerAddrs }) => [...brokerAddrs])).toEqual([
      [[0, '127.0.0.1:10911']],
    ]);
  });

  it('lets a broker move to another address, and then the old connection takes nothing along', async () => {
    running = await TestBroker.start();
    const [nameServer, before, after] = [
      await running.nameServer(),
      await running.nameServer(),
      await running.nameServer(),
    ];
    await register(before);
    expect(await registerAs(after, { brokerAddr: '192.0.2.8:10911' })).toBe(ResponseCode.SUCCESS);
    before.close();
    await running.clock.advance(0);
    const { body } = await route(nameServer, 'orders');
    expect(decodeRouteData(body).brokerDatas.map(({ brokerAddrs }) => [...brokerAddrs])).toEqual([
      [[0, '192.0.2.8:10911']],
    ]);
  });

  it.each([2 ** 62, 0, -1])('expires a broker that says it may be silent for %i ms', async (heartbeatTimeoutMillis) => {
    running = await TestBroker.start();
    const brokerB = await running.nameServer();
    await registerAs(brokerB, { heartbeatTimeoutMillis });
    expect(await brokersOf(await running.nameServer(), 'orders')).toEqual(['broker-b']);
    await running.clock.advance(3_700_000);
    expect(await brokersOf(await running.nameServer(), 'orders')).toEqual([]);
  });

  it('takes no more brokers and topics than its limits allow, and names them', async () => {
    running = await TestBroker.start({ maxRegisteredBrokers: 2, maxRegisteredTopics: 20 });
    const nameServer = await running.nameServer();
    const codes: number[] = [];
    for (const brokerName of ['x', 'y', 'x']) codes.push(await registerAs(nameServer, { brokerName }));
    expect(codes).toEqual([0, ResponseCode.INVALID_PARAMETER, 0]);
    const many = Array.from({ length: 30 }, (_, i) => `t${i}`);
    expect(await registerAs(nameServer, { brokerName: 'x' }, many, 2)).toBe(ResponseCode.INVALID_PARAMETER);
    expect(await registerAs(nameServer, { brokerName: 'x'.repeat(256) })).toBe(ResponseCode.INVALID_PARAMETER);
  });

  it('forgets a broker that has been silent for 120 s, not one that asked for its version meanwhile', async () => {
    running = await TestBroker.start();
    const brokerB = await running.nameServer();
    await register(brokerB);
    await running.clock.advance(100_000);
    await brokerB.request(Requests.QUERY_DATA_VERSION, OTHER);
    await running.clock.advance(100_000);
    expect(await brokersOf(brokerB, 'orders')).toEqual(['broker-b']);
    await running.clock.advance(119_000);
    expect(await brokersOf(await running.nameServer(), 'orders')).toEqual([]);
  });

  it('keeps its own broker however long nothing happens', async () => {
    running = await TestBroker.start();
    await running.clock.advance(30 * 60_000);
    expect(await brokersOf(await running.nameServer(), 'TBW102')).toEqual(['broker-a']);
  });

  it('refuses a registration that was damaged on the way', async () => {
    running = await TestBroker.start();
    expect(await register(await running.nameServer(), NAMES, { bodyCrc32: 1 })).toBe(ResponseCode.SYSTEM_ERROR);
  });

  it('refuses one topic from a broker that it has never seen in full', async () => {
    running = await TestBroker.start();
    const nameServer = await running.nameServer();
    expect(await register(nameServer, ['orders'])).toBe(ResponseCode.SYSTEM_ERROR);
    await register(nameServer);
    expect(await register(nameServer, ['new'], { counter: 2 })).toBe(ResponseCode.SUCCESS);
    expect(await brokersOf(nameServer, 'new')).toEqual(['broker-b']);
  });

  it('deletes a topic, and unregisters a broker', async () => {
    running = await TestBroker.start();
    const nameServer = await running.nameServer();
    await register(nameServer);
    await nameServer.request(Requests.DELETE_TOPIC_IN_NAMESRV, { topic: 'orders' });
    expect(await brokersOf(nameServer, 'orders')).toEqual([]);
    await nameServer.request(Requests.UNREGISTER_BROKER, OTHER);
    expect(await brokersOf(nameServer, 'TBW102')).toEqual(['broker-a']);
  });

  it('keeps key-values over a restart', async () => {
    running = await TestBroker.start();
    const key = { namespace: 'ORDER_TOPIC_CONFIG', key: 'orders' };
    await (await running.nameServer()).request(Requests.PUT_KV_CONFIG, { ...key, value: 'broker-a:4' });
    await running.restart();
    const nameServer = await running.nameServer();
    expect((await nameServer.request(Requests.GET_KV_CONFIG, key)).header.value).toBe('broker-a:4');
    const list = await nameServer.request(Requests.GET_KVLIST_BY_NAMESPACE, { namespace: key.namespace });
    expect(list.body.toString()).toBe('{"table":{"orders":"broker-a:4"}}');
    await nameServer.request(Requests.DELETE_KV_CONFIG, key);
    expect((await nameServer.request(Requests.GET_KV_CONFIG, key)).code).toBe(ResponseCode.QUERY_NOT_FOUND);
  });

  it('lists all topics', async () => {
    running = await TestBroker.start();
    const { body } = await (await running.nameServer()).request(Requests.GET_ALL_TOPIC_LIST_FROM_NAMESERVER, {});
    const { topicList } = JSON.parse(body.toString()) as { topicList: string[] };
    expect(topicList).toEqual(
      expect.arrayContaining(['TBW102', 'SELF_TEST_TOPIC', 'SCHEDULE_TOPIC_XXXX', 'DefaultCluster', 'broker-a']),
    );
  });
});

describe('a broker with an outside name server', () => {
  it('registers there, and its new topics at once, and leaves when it stops', async () => {
    running = await TestBroker.start({ nameServerListen: '127.0.0.1:0' });
    const outside = running.broker.nameServerAddress;
    const other = await TestBroker.start({
      brokerName: 'broker-c',
      namesrvAddr: outside,
      listen: '127.0.0.1:0',
      nameServerListen: false,
    });
    const nameServer = await running.nameServer();
    expect((await brokersOf(nameServer, 'TBW102')).sort()).toEqual(['broker-a', 'broker-c']);
    await (await other.client()).send('fresh');
    await expect(untilThere(() => brokersOf(nameServer, 'fresh'))).resolves.toEqual(['broker-c']);
    await other.stop();
    expect(await brokersOf(nameServer, 'TBW102')).toEqual(['broker-a']);
  });
});

/** Asks again until there is an answer: the registration of a topic is sent without waiting for it. */
async function untilThere(ask: () => Promise<string[]>): Promise<string[]> {
  let found = await ask();
  while (found.length === 0) {
    await running.clock.advance(0);
    found = await ask();
  }
  return found;
}
