import { describe, expect, it } from '@jest/globals';
import { Requests } from '@nest-rocketmq/remoting/internal';
import { GROUP, bodies, consuming, on } from '../../../test-kit/consuming.js';
import { FakeCluster } from '../../../test-kit/fake-cluster.js';
import { pullsOf, starting } from '../../../test-kit/flow-control.js';

/** Another member comes, whose client id is behind or before all others. */
async function joined(id: string): Promise<void> {
  on.cluster.broker.otherConsumers.push(id);
  await changed();
}

async function changed(): Promise<void> {
  const before = on.cluster.broker.requests('GET_CONSUMER_LIST_BY_GROUP').length;
  on.cluster.broker.connection.oneway(Requests.NOTIFY_CONSUMER_IDS_CHANGED, { consumerGroup: GROUP });
  await on.cluster.until('asked', () => on.cluster.broker.requests('GET_CONSUMER_LIST_BY_GROUP').length >= before + 2);
  for (let turn = 0; turn < 5; turn++) await on.cluster.clock.advance(0);
}

const stored = (queueId: number): number | undefined => on.cluster.broker.offsets.get(`stock@t@${queueId}`);

describe('a queue that goes to another consumer', () => {
  it('begins no further call, and the results of those under way still count', async () => {
    // Eight calls: all six of queue 0, which stays, and two of queue 1.
    const { began, release } = await starting({ t: 2 }, 6, 10, { consumeConcurrency: 8 });
    await on.cluster.until('calls', () => began.length === 8);
    await joined('zz@other');
    for (let call = 0; call < 6; call++) release();
    await on.cluster.clock.advance(100);
    expect(began).toHaveLength(8);
    for (let call = 0; call < 2; call++) release();
    await on.cluster.clock.advance(5_000);
    expect([began.length, stored(0), stored(1)]).toEqual([8, 6, 2]);
  });

  it('waits only so long for calls, and stores what is done below the first that is not', async () => {
    const { began, release } = await starting({ t: 2 }, 6, 10, { consumeConcurrency: 20 });
    await on.cluster.until('calls', () => began.length === 12);
    await joined('zz@other');
    await on.cluster.clock.advance(400);
    for (let call = 0; call < 12; call++) release();
    await on.cluster.clock.advance(10_000);
    expect([stored(0), stored(1)]).toEqual([6, 0]);
  });

  it('and comes back while it is being left is begun anew, and loses nothing', async () => {
    const { began, release } = await starting({ t: 2 }, 2, 10, { consumeConcurrency: 4 });
    await on.cluster.until('calls', () => began.length === 4);
    await joined('zz@other');
    on.cluster.broker.otherConsumers.length = 0;
    await changed();
    await on.cluster.clock.advance(1_000);
    for (let call = 0; call < 20; call++) {
      release();
      await on.cluster.clock.advance(0);
    }
    on.cluster.broker.put('t', 1, 'after');
    await on.cluster.until('it came', () => began.at(-1) === 'after');
  });
});

describe('a queue that comes from another consumer', () => {
  it('is begun half a second later, from the offset that is stored then', async () => {
    const fake = new FakeCluster({ topics: { t: 1 } });
    fake.broker.otherConsumers.push('zz@other');
    for (let i = 0; i < 4; i++) fake.broker.put('t', 0, `m${i}`);
    fake.broker.offsets.set('stock@t@0', 1);
    await consuming(fake);
    await on.cluster.clock.advance(400);
    expect(pullsOf('t')).toBe(0);
    fake.broker.offsets.set('stock@t@0', 3);
    await on.cluster.clock.advance(100);
    expect(bodies()).toEqual(['m3']);
  });

  it('is begun at once where nobody else is in the group', async () => {
    const fake = new FakeCluster({ topics: { t: 1 } });
    await consuming(fake);
    await on.cluster.until('a pull', () => pullsOf('t') === 1);
  });

  it('and goes to a third before it was begun is never begun', async () => {
    const fake = new FakeCluster({ topics: { t: 1 } });
    fake.broker.otherConsumers.push('zz@other');
    await consuming(fake);
    await on.cluster.clock.advance(400);
    // '!' sorts before any client id here.
    await joined('!other');
    await on.cluster.clock.advance(5_000);
    expect(pullsOf('t')).toBe(0);
  });

  it('and goes to a third while its offset is asked for is not begun either', async () => {
    const fake = new FakeCluster({ topics: { t: 1 } });
    fake.broker.otherConsumers.push('zz@other');
    const answers: (() => void)[] = [];
    for (let i = 0; i < 2; i++) {
      const answer = { header: { offset: 0 } };
      fake.broker.next('QUERY_CONSUMER_OFFSET', () => new Promise((resolve) => answers.push(() => resolve(answer))));
    }
    await consuming(fake);
    await on.cluster.clock.advance(500);
    await on.cluster.until('both topics are asked about', () => answers.length === 2);
    await joined('!other');
    for (const answer of answers) answer();
    await on.cluster.clock.advance(5_000);
    expect(pullsOf('t')).toBe(0);
  });

  it('leaves nothing behind at a shutdown meanwhile', async () => {
    const fake = new FakeCluster({ topics: { t: 1 } });
    fake.broker.otherConsumers.push('zz@other');
    const consumer = await consuming(fake);
    await consumer.shutdown();
    await on.cluster.clock.advance(1_000);
    expect(pullsOf('t')).toBe(0);
  });
});
