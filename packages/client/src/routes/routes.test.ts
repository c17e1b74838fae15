import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Connections, encodeRouteData, handlerTable, silentLogger } from '@nest-rocketmq/remoting/internal';
import { FakeCluster, NAME_SERVER } from '../../test-kit/fake-cluster.js';
import { TopicNotFoundError } from '../errors.js';
import { NameServers } from './name-servers.js';
import { Outages } from '../outages.js';
import { readableQueues, writableQueues } from './route-queues.js';
import { Routes } from './routes.js';

let cluster: FakeCluster;
let connections: Connections;
let routes: Routes;
let closing: AbortController;

beforeEach(() => {
  cluster = new FakeCluster({ topics: { t: 2 } });
  const { clock, dial } = cluster;
  connections = new Connections({ dial, clock, logger: silentLogger, handlers: handlerTable() });
  closing = new AbortController();
  const outages = new Outages(clock, silentLogger, closing.signal);
  const parts = { clock, outages, closing: closing.signal };
  const nameServers = new NameServers({ ...parts, connections, addresses: [NAME_SERVER], timeout: 3_000 });
  routes = new Routes({ clock, outages, logger: silentLogger, nameServers, interval: 30_000 });
  routes.start();
});

afterEach(async () => {
  closing.abort();
  routes.stop();
  connections.closeAll();
  await cluster.close();
  expect(cluster.clock.pending).toBe(0);
});

describe('routes', () => {
  it('ask once for a topic that several want at the same time', async () => {
    await Promise.all([routes.resolve('t'), routes.resolve('t'), routes.resolve('t')]);
    expect(cluster.routeRequests).toEqual(['t']);
  });

  it('tell who listens of a change, and of nothing else', async () => {
    const changed: string[] = [];
    const end = routes.onChange((topic) => changed.push(topic));
    await routes.resolve('t');
    await routes.resolve('t');
    expect(changed).toEqual(['t']);
    cluster.topics.set('t', 4);
    await routes.resolve('t');
    expect(changed).toEqual(['t', 't']);
    end();
    cluster.topics.set('t', 5);
    await routes.resolve('t');
    expect(changed).toHaveLength(2);
  });

  it('refuse a send to a topic that is not there while no broker could create it', async () => {
    const { brokerDatas, ...route } = cluster.routeOf('TBW102')!;
    const [broker] = brokerDatas;
    const withoutMaster = {
      ...route,
      brokerDatas: [{ ...broker!, brokerAddrs: new Map([[1, broker!.brokerAddrs.get(0)!]]) }],
    };
    cluster.answerRoutes((_address, topic) =>
      topic === 'TBW102' ? { body: encodeRouteData(withoutMaster, true) } : undefined,
    );
    await expect(routes.forSending('new', 'TBW102', 4)).rejects.toThrow(/no queue that may be written/);
    // When the master is back, nothing is left of that.
    cluster.answerRoutes(undefined);
    expect((await routes.forSending('new', 'TBW102', 4)).writable).toHaveLength(4);
  });

  it('look for a missing topic each second at first, and each 5 s later', async () => {
    routes.watch('late');
    await cluster.clock.advance(10_000);
    expect(cluster.routeRequests.filter((topic) => topic === 'late')).toHaveLength(10);
    await cluster.clock.advance(18_000);
    expect(cluster.routeRequests.filter((topic) => topic === 'late').length).toBeLessThanOrEqual(14);
    cluster.topics.set('late', 1);
    await cluster.clock.advance(5_000);
    expect(routes.get('late')?.assumed).toBe(false);
  });

  it('look on for a topic while one of two still watches it', async () => {
    routes.watch('late');
    routes.watch('late');
    routes.unwatch('late');
    await cluster.clock.advance(1_000);
    expect(cluster.routeRequests).toContain('late');
    routes.unwatch('late');
    cluster.routeRequests.length = 0;
    await cluster.clock.advance(5_000);
    expect(cluster.routeRequests).toEqual([]);
  });

  it('replace an assumed route as soon as the topic is there', async () => {
    expect((await routes.forSending('new', 'TBW102', 4)).assumed).toBe(true);
    cluster.topics.set('new', 7);
    await cluster.clock.advance(30_000);
    expect(routes.get('new')).toMatchObject({ assumed: false });
    expect(routes.get('new')!.writable).toHaveLength(7);
  });

  it('say that a topic without a writable queue is there, but cannot be written', async () => {
    cluster.broker.unregistered = true;
    await expect(routes.forSending('t', 'TBW102', 4)).rejects.toThrow(TopicNotFoundError);
    await expect(routes.forSending('t', 'TBW102', 4)).rejects.toThrow(/no queue that may be written/);
  });

  it('are asked for soon after a failure, but not for each of many', async () => {
    await routes.resolve('t');
    cluster.routeRequests.length = 0;
    for (let i = 0; i < 20; i++) routes.refreshSoon();
    await cluster.clock.advance(0);
    expect(cluster.routeRequests).toEqual(['t']);
  });
});

describe('the queues of a route', () => {
  const brokers = (...names: string[]) =>
    names.map((brokerName) => ({ cluster: 'C', brokerName, brokerAddrs: new Map([[0, `${brokerName}:1`]]) }));
  const queue = (brokerName: string, perm = 6) => ({
    brokerName,
    perm,
    readQueueNums: 3,
    writeQueueNums: 2,
    topicSysFlag: 0,
  });
  const shown = (queues: { brokerName: string; queueId: number }[]) =>
    queues.map((q) => `${q.brokerName}${q.queueId}`).join(' ');

  it('T155: to write are sorted by broker name, so that a sharding key means the same to all clients', () => {
    const route = { brokerDatas: brokers('b', 'a'), queueDatas: [queue('b'), queue('a')] };
    expect(shown(writableQueues('t', route))).toBe('a0 a1 b0 b1');
    expect(shown(readableQueues('t', route))).toBe('b0 b1 b2 a0 a1 a2');
  });

  it('T155: leave out what may not be written, or read', () => {
    const route = { brokerDatas: brokers('a', 'b'), queueDatas: [queue('a', 4), queue('b', 2)] };
    expect(shown(writableQueues('t', route))).toBe('b0 b1');
    expect(shown(readableQueues('t', route))).toBe('a0 a1 a2');
  });

  it('T155: to write need a master, those to read do not', () => {
    const replica = [{ cluster: 'C', brokerName: 'a', brokerAddrs: new Map([[1, 'a:2']]) }];
    const route = { brokerDatas: replica, queueDatas: [queue('a')] };
    expect(writableQueues('t', route)).toEqual([]);
    expect(readableQueues('t', route)).toHaveLength(3);
  });

  it('T155: of an ordered topic are those that the name server lists', () => {
    const route = { brokerDatas: [], queueDatas: [], orderTopicConf: 'a:2;b:1' };
    expect(shown(writableQueues('t', route))).toBe('a0 a1 b0');
  });
});
