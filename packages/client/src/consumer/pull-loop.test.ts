import { describe, expect, it } from '@jest/globals';
import { consuming, on } from '../../test/consuming.js';
import { FakeCluster } from '../../test/fake-cluster.js';

describe('after an outage', () => {
  it('a broker that is back hears of the consumer first, and is pulled again within about a second', async () => {
    await consuming(new FakeCluster({ topics: { t: 1 } }));
    await on.cluster.until('pulls', () => on.cluster.broker.heldPulls === 2);
    on.cluster.takeDown(on.cluster.broker.address);
    await on.cluster.clock.advance(10_000);
    on.cluster.bringUp(on.cluster.broker.address);
    on.cluster.broker.received.length = 0;
    await on.cluster.clock.advance(1_100);
    const names = on.cluster.broker.received.map(({ name }) => name);
    expect(names).toContain('PULL_MESSAGE');
    expect(names[0]).toBe('HEART_BEAT');
    on.cluster.broker.put('t', 0, 'after');
    await on.cluster.until('it came', () => on.got.length === 1);
  });

  it('a broker that has moved is found at its new address', async () => {
    const fake = new FakeCluster({ brokers: ['broker-a', 'broker-b'], topics: { t: 1 } });
    const [old, moved] = fake.brokers;
    fake.brokers.splice(1, 1);
    await consuming(fake);
    await on.cluster.until('pulls', () => old!.heldPulls === 2);
    on.cluster.takeDown(old!.address);
    on.cluster.brokers.splice(0, 1, Object.assign(moved!, { name: 'broker-a' }));
    await on.cluster.clock.advance(3_000);
    moved!.put('t', 0, 'from there');
    await on.cluster.until('it came', () => on.got.length === 1);
  });

  it('a broker that answers nothing is dialled anew', async () => {
    await consuming(new FakeCluster({ topics: { t: 1 } }));
    await on.cluster.until('pulls', () => on.cluster.broker.heldPulls === 2);
    const dials = on.cluster.dialled.length;
    on.cluster.broker.next('HEART_BEAT', () => undefined);
    on.cluster.broker.next('PULL_MESSAGE', () => undefined);
    await on.cluster.clock.advance(70_000);
    expect(on.cluster.dialled.length).toBeGreaterThan(dials);
  });
});
