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

const bound = (clock: ManualClock): Pick<ManualClock, 'monotonic' | 'setTimeout' | 'clearTimeout'> => ({
  monotonic: () => clock.monotonic(),
  setTimeout: (...args) => clock.setTimeout(...args),
  clearTimeout: (handle) => clock.clearTimeout(handle),
});
