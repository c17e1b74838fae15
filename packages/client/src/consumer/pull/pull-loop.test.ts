import { describe, expect, it } from '@jest/globals';
import { ResponseCode } from '@nest-rocketmq/remoting/internal';
import { bodies, consuming, on } from '../../../test-kit/consuming.js';
import { FakeCluster } from '../../../test-kit/fake-cluster.js';

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

describe('a pull', () => {
  const nothing = { suggestWhichBrokerId: 0, nextBeginOffset: 0, minOffset: 0, maxOffset: 0 };
  const pullsOf = (topic: string): number =>
    on.cluster.broker.requests('PULL_MESSAGE').filter(({ header }) => header['topic'] === topic).length;

  it.each([
    ['T126: SUBSCRIPTION_NOT_LATEST', ResponseCode.SUBSCRIPTION_NOT_LATEST],
    ['SUBSCRIPTION_NOT_EXIST', ResponseCode.SUBSCRIPTION_NOT_EXIST],
  ])('that is answered with %s tells the broker the subscription again', async (_name, code) => {
    const fake = new FakeCluster({ topics: { t: 1 } });
    for (let i = 0; i < 2; i++) fake.broker.next('PULL_MESSAGE', () => ({ code }));
    await consuming(fake);
    await on.cluster.until('told again', () => on.cluster.broker.heartbeats.length >= 2);
    on.cluster.broker.put('t', 0, 'a');
    await on.cluster.clock.advance(1_000);
    expect(bodies()).toEqual(['a']);
  });

  it('T126: that found nothing is followed by the next one at once, and moves the offset on', async () => {
    const fake = new FakeCluster({ topics: { t: 1 } });
    for (let i = 0; i < 3; i++) fake.broker.put('t', 0, `m${i}`);
    for (let i = 0; i < 2; i++) {
      fake.broker.next('PULL_MESSAGE', ({ header }) => ({
        code: ResponseCode.PULL_RETRY_IMMEDIATELY,
        header: { ...nothing, nextBeginOffset: header.topic === 't' ? 2 : 0 },
      }));
    }
    await consuming(fake, { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' });
    await on.cluster.until('the next pull', () => on.got.length === 1);
    expect(bodies()).toEqual(['m2']);
  });

  it('T126: that the broker is too busy for comes again after 20 ms', async () => {
    const fake = new FakeCluster({ topics: { t: 1 } });
    for (let i = 0; i < 2; i++) fake.broker.next('PULL_MESSAGE', () => ({ code: ResponseCode.FLOW_CONTROL }));
    await consuming(fake);
    await on.cluster.until('refused', () => pullsOf('t') === 1);
    await on.cluster.clock.advance(19);
    expect(pullsOf('t')).toBe(1);
    await on.cluster.clock.advance(1);
    expect(pullsOf('t')).toBe(2);
  });

  it('T126: that fails comes again after pullTimeDelayMillsWhenException', async () => {
    const fake = new FakeCluster({ topics: { t: 1 } });
    for (let i = 0; i < 2; i++) fake.broker.next('PULL_MESSAGE', () => ({ code: ResponseCode.SYSTEM_ERROR }));
    await consuming(fake);
    await on.cluster.until('refused', () => pullsOf('t') === 1);
    await on.cluster.clock.advance(999);
    expect(pullsOf('t')).toBe(1);
    await on.cluster.clock.advance(1);
    expect(pullsOf('t')).toBe(2);
  });

  it('waits pullInterval after one that found messages', async () => {
    const fake = new FakeCluster({ topics: { t: 1 } });
    fake.broker.put('t', 0, 'a');
    await consuming(fake, { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET', pullInterval: 500 });
    await on.cluster.until('one', () => on.got.length === 1);
    await on.cluster.clock.advance(499);
    expect(pullsOf('t')).toBe(1);
    await on.cluster.clock.advance(1);
    expect(pullsOf('t')).toBe(2);
  });
});
