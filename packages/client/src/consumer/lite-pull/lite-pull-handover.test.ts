import { describe, expect, it } from '@jest/globals';
import { Requests } from '@nest-rocketmq/remoting/internal';
import { GROUP, bodiesOf, filled, on, pulling, queueOf, take } from '../../../test-kit/pulling.js';

/** Another member comes, whose client id is behind all others: the second of two queues is its own from now on. */
async function joined(): Promise<void> {
  on.cluster.broker.otherConsumers.push('zz@other');
  on.cluster.broker.connection.oneway(Requests.NOTIFY_CONSUMER_IDS_CHANGED, { consumerGroup: GROUP });
  await on.cluster.until('asked', () => on.cluster.broker.requests('GET_CONSUMER_LIST_BY_GROUP').length >= 2);
  for (let turn = 0; turn < 5; turn++) await on.cluster.clock.advance(0);
}

const stored = (queueId: number): number | undefined => on.cluster.broker.offsets.get(`${GROUP}@t@${queueId}`);

describe('a polled queue that goes to another consumer', () => {
  it('hands nothing more out, and what was in hand counts once it is consumed', async () => {
    const consumer = await pulling(filled(2, 3));
    expect(bodiesOf(await take(consumer, 2))).toEqual(['0-0', '1-0']);
    await joined();
    await on.cluster.clock.advance(300);
    expect(bodiesOf(await consumer.poll({ timeout: 0 }))).toEqual(['0-1', '0-2']);
    await on.cluster.clock.advance(0);
    expect([stored(1), consumer.assignment()]).toEqual([1, [queueOf(0)]]);
  });

  it('waits only so long for what is in hand, which comes again there', async () => {
    const consumer = await pulling(filled(2, 3));
    await take(consumer, 2);
    await joined();
    await on.cluster.clock.advance(400);
    expect(consumer.assignment()).toEqual([queueOf(0)]);
    await consumer.poll({ timeout: 0 });
    await on.cluster.clock.advance(5_000);
    expect(stored(1)).toBe(0);
  });

  it('leaves at once where nothing is in hand, while a poll waits', async () => {
    const consumer = await pulling(filled(2, 0));
    const waiting = consumer.poll({ timeout: 10_000 });
    await joined();
    expect(consumer.assignment()).toEqual([queueOf(0)]);
    on.cluster.broker.put('t', 0, 'after');
    expect(bodiesOf(await waiting)).toEqual(['after']);
  });
});

describe('a polled queue that comes from another consumer', () => {
  it('is begun half a second later, from the offset that is stored then', async () => {
    const cluster = filled(1, 4);
    cluster.broker.otherConsumers.push('zz@other');
    cluster.broker.offsets.set(`${GROUP}@t@0`, 1);
    const consumer = await pulling(cluster);
    await cluster.clock.advance(400);
    expect(cluster.broker.requests('LITE_PULL_MESSAGE')).toEqual([]);
    cluster.broker.offsets.set(`${GROUP}@t@0`, 3);
    await cluster.clock.advance(100);
    expect(bodiesOf(await take(consumer, 1))).toEqual(['0-3']);
  });
});
