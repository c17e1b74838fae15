import { describe, expect, it } from '@jest/globals';
import { ManualClock, silentLogger } from '@nest-rocketmq/remoting/internal';
import { RouteTable } from './route-table.js';

const IDENTITY = { brokerName: 'broker-b', brokerAddr: '192.0.2.7:10911', clusterName: 'DefaultCluster', brokerId: 0 };

describe('a name server whose clock is set forward by an hour', () => {
  it('keeps the brokers that it has heard of lately, and forgets them in their time', async () => {
    const manual = new ManualClock(0);
    const clock = { ...bound(manual), now: () => manual.now() + hours * 3_600_000 };
    let hours = 0;
    const limits = { maxRegisteredBrokers: 1, maxRegisteredTopics: 1, supportActingMaster: false };
    const routes = new RouteTable({ clock, logger: silentLogger, ...limits });
    const dataVersion = { counter: 1, stateVersion: 0, timestamp: 1 };
    routes.register({ ...IDENTITY, haServerAddr: '', dataVersion, topics: [], channel: {} });
    hours = 1;
    expect(routes.expire()).toEqual([]);
    await manual.advance(120_001);
    expect(routes.expire()).toHaveLength(1);
  });
});

describe('the clusters of a name server', () => {
  it('are those that its brokers name now', () => {
    const more = { supportActingMaster: false, logger: silentLogger, maxRegisteredBrokers: 3, maxRegisteredTopics: 1 };
    const routes = new RouteTable({ clock: new ManualClock(0), ...more });
    const common = { haServerAddr: '', topics: [], dataVersion: { counter: 1, stateVersion: 0, timestamp: 1 } };
    const channel = {};
    const register = (clusterName: string, brokerId = 0, brokerName = 'broker-b'): unknown =>
      routes.register({
        ...IDENTITY,
        ...common,
        channel,
        clusterName,
        brokerId,
        brokerName,
        brokerAddr: `h:${brokerId}`,
      });
    const clusters = (): unknown => [...routes.clusters()].map(([name, members]) => [name, [...members]]);
    for (let i = 0; i < 100; i++) register(`cluster-${i}`);
    expect(clusters()).toEqual([['cluster-99', ['broker-b']]]);
    // A slave elsewhere keeps the broker's name, not the cluster that its master has left.
    for (let i = 0; i < 100; i++) {
      register(`other-${i}`, 1);
      routes.unregister({ ...IDENTITY, clusterName: `cluster-${99 + i}`, brokerAddr: 'h:0' }, channel);
      register(`cluster-${100 + i}`);
    }
    expect(clusters()).toEqual([
      ['other-99', ['broker-b']],
      ['cluster-199', ['broker-b']],
    ]);
    routes.channelClosed(channel);
    expect([clusters(), [...routes.brokers()]]).toEqual([[], []]);
  });
});

const bound = (clock: ManualClock): Pick<ManualClock, 'monotonic' | 'setTimeout' | 'clearTimeout'> => ({
  monotonic: () => clock.monotonic(),
  setTimeout: (...args) => clock.setTimeout(...args),
  clearTimeout: (handle) => clock.clearTimeout(handle),
});
