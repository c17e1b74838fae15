import { describe, expect, it } from '@jest/globals';
import { ResponseCode, encodeConsumerList } from '@nest-rocketmq/remoting/internal';
import { bodies, consuming, on } from '../../../test-kit/consuming.js';
import { ReplicatedCluster } from '../../../test-kit/replicated.js';

const FIRST = { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' } as const;
const POLLED_MS = 30_000;

async function consumed(cluster: ReplicatedCluster, ...expected: string[]): Promise<void> {
  await cluster.until(expected.join(), () => bodies().length >= expected.length);
  expect(bodies()).toEqual(expected);
}

describe('while the master of a queue is away', () => {
  it('a consumer reads on from the replica, stores its offset there, and goes back to the master with it', async () => {
    const cluster = new ReplicatedCluster();
    await consuming(cluster, FIRST);
    cluster.putBoth('a');
    await consumed(cluster, 'a');
    cluster.loseMaster();
    cluster.replica.put('t', 0, 'b');
    await cluster.clock.advance(5_000);
    await consumed(cluster, 'a', 'b');
    await cluster.clock.advance(5_000);
    expect(cluster.replica.offsets.get('stock@t@0')).toBe(2);
    // A replica's offsets are its master's: a pull does not bring any along.
    const pulls = cluster.replica.requests('PULL_MESSAGE').filter(({ header }) => header['topic'] === 't');
    expect(pulls.map(({ header }) => (header['sysFlag'] as number) & 1)).not.toContain(1);

    cluster.masterIsBack();
    const asked = cluster.broker.requests('QUERY_CONSUMER_OFFSET').length;
    await cluster.clock.advance(POLLED_MS);
    cluster.broker.put('t', 0, 'b');
    cluster.broker.put('t', 0, 'c');
    await cluster.clock.advance(POLLED_MS);
    await consumed(cluster, 'a', 'b', 'c');
    expect(cluster.broker.offsets.get('stock@t@0')).toBe(3);
    expect(cluster.broker.requests('QUERY_CONSUMER_OFFSET')).toHaveLength(asked);
  });

  it('a replica that has less than was read already is asked once a second, and not as fast as it answers', async () => {
    const cluster = new ReplicatedCluster();
    await consuming(cluster, FIRST);
    cluster.broker.put('t', 0, 'a');
    await consumed(cluster, 'a');
    cluster.lag('PULL_MESSAGE', 1);
    cluster.loseMaster();
    for (let step = 0; step < 130; step++) await cluster.clock.advance(100);
    // The retry queue is pulled too.
    const pulls = cluster.replica.requests('PULL_MESSAGE').filter(({ header }) => header['topic'] === 't');
    expect(pulls.length).toBeGreaterThan(5);
    expect(pulls.length).toBeLessThanOrEqual(13);
    expect(new Set(pulls.map(({ header }) => header['queueOffset']))).toEqual(new Set([1]));
  });

  it('a consumer that polls reads on from the replica, and asks one that lags once a second', async () => {
    const cluster = new ReplicatedCluster();
    await consuming(cluster, { group: 'other' });
    const consumer = on.client.createLitePullConsumer({ ...FIRST, group: 'lite', subscriptions: [{ topic: 't' }] });
    await consumer.start();
    const got: string[] = [];
    const poll = async (): Promise<void> => {
      for (let step = 0; step < 130; step++) {
        await cluster.clock.advance(100);
        got.push(...(await consumer.poll({ timeout: 0 })).map(({ body }) => body.toString()));
      }
    };
    cluster.putBoth('a');
    await poll();
    cluster.loseMaster();
    cluster.replica.put('t', 0, 'b');
    await poll();
    expect(got).toEqual(['a', 'b']);
    const before = cluster.replica.requests('LITE_PULL_MESSAGE').length;
    cluster.lag('LITE_PULL_MESSAGE', 2);
    cluster.replica.releasePulls({
      code: ResponseCode.PULL_NOT_FOUND,
      header: { nextBeginOffset: 2, minOffset: 0, maxOffset: 2, suggestWhichBrokerId: 0 },
    });
    await poll();
    const pulls = cluster.replica.requests('LITE_PULL_MESSAGE').length - before;
    expect(pulls).toBeGreaterThan(5);
    expect(pulls).toBeLessThanOrEqual(14);
  });

  it('a broadcasting consumer reads on from the replica', async () => {
    const cluster = new ReplicatedCluster();
    await consuming(cluster, { ...FIRST, messageModel: 'BROADCASTING', localOffsetStoreDir: 'memory' });
    cluster.putBoth('a');
    await consumed(cluster, 'a');
    cluster.loseMaster();
    cluster.replica.put('t', 0, 'b');
    await cluster.clock.advance(7_000);
    await consumed(cluster, 'a', 'b');
  });

  it('a queue begins at the offset of the master, which is back, although the known route does not have it', async () => {
    const cluster = new ReplicatedCluster();
    cluster.putBoth('a', 'b', 'c');
    cluster.broker.offsets.set('stock@t@0', 2);
    cluster.replica.offsets.set('stock@t@0', 0);
    cluster.loseMaster();
    // After the route, and before the offset.
    cluster.replica.next('GET_CONSUMER_LIST_BY_GROUP', () => {
      cluster.masterIsBack();
      return { body: encodeConsumerList([cluster.replica.heartbeats.at(-1)!.clientID]) };
    });
    await consuming(cluster, FIRST);
    await consumed(cluster, 'c');
  });

  it('a queue in order, whose lock has lapsed, goes on where it was once the master is back with an older offset', async () => {
    const cluster = new ReplicatedCluster();
    await consuming(cluster, { ...FIRST, consumeMode: 'ORDERLY' });
    cluster.putBoth('a', 'b', 'c');
    await consumed(cluster, 'a', 'b', 'c');
    cluster.loseMaster();
    await cluster.clock.advance(60_000);
    cluster.replica.put('t', 0, 'd');
    cluster.broker.put('t', 0, 'd');
    await cluster.clock.advance(5_000);
    // Nobody can say that the queue is not another consumer's by now.
    await consumed(cluster, 'a', 'b', 'c');
    cluster.broker.offsets.set('stock@t@0', 1);
    cluster.masterIsBack();
    await cluster.clock.advance(POLLED_MS);
    await consumed(cluster, 'a', 'b', 'c', 'd');
  });
});

it('a replica that acts for its master has its offsets and locks, and is sent nothing', async () => {
  const cluster = new ReplicatedCluster();
  await consuming(cluster, { ...FIRST, consumeMode: 'ORDERLY' });
  cluster.putBoth('a');
  await consumed(cluster, 'a');
  cluster.loseMaster();
  cluster.replicaActs();
  cluster.replica.put('t', 0, 'b');
  await cluster.clock.advance(60_000);
  cluster.replica.put('t', 0, 'c');
  await cluster.clock.advance(5_000);
  await consumed(cluster, 'a', 'b', 'c');
  const ofT = (name: 'PULL_MESSAGE' | 'LOCK_BATCH_MQ') =>
    cluster.replica.requests(name).filter(({ header: { topic = 't' } }) => topic === 't');
  expect(ofT('LOCK_BATCH_MQ').length).toBeGreaterThan(0);
  // As to a master: the pull brings the offset along.
  expect(ofT('PULL_MESSAGE').map(({ header }) => (header['sysFlag'] as number) & 1)).toContain(1);
  expect(cluster.replica.offsets.get('stock@t@0')).toBe(3);
  const producer = on.client.createProducer({ group: 'p' });
  await producer.start();
  await expect(producer.send({ topic: 't', body: 'd' })).rejects.toThrow('no queue that may be written');
  expect(cluster.replica.stored).toEqual([]);

  cluster.masterIsBack();
  cluster.broker.put('t', 0, 'b');
  cluster.broker.put('t', 0, 'c');
  cluster.broker.put('t', 0, 'd');
  await cluster.clock.advance(POLLED_MS);
  await consumed(cluster, 'a', 'b', 'c', 'd');
});

it('a master that is back is asked for its locks at once, and not by the next look at routes', async () => {
  const cluster = new ReplicatedCluster();
  await consuming(cluster, { ...FIRST, consumeMode: 'ORDERLY' });
  cluster.putBoth('a');
  await consumed(cluster, 'a');
  // Its offset is stored.
  await cluster.clock.advance(6_000);
  cluster.loseMaster();
  await cluster.clock.advance(61_000);
  const asked = cluster.routeRequests.length;
  cluster.putBoth('b');
  cluster.masterIsBack();
  await cluster.clock.advance(3_000);
  await consumed(cluster, 'a', 'b');
  // Once a second, and for each topic.
  expect(cluster.routeRequests.length - asked).toBeLessThan(10);
});

it('a queue in order begins anew where its broker comes back with another store', async () => {
  const cluster = new ReplicatedCluster();
  await consuming(cluster, { ...FIRST, consumeMode: 'ORDERLY' });
  cluster.putBoth('a', 'b');
  await consumed(cluster, 'a', 'b');
  cluster.loseMaster();
  await cluster.clock.advance(60_000);
  cluster.broker.offsets.clear();
  cluster.broker.queue('t', 0).splice(0);
  cluster.broker.put('t', 0, 'new');
  cluster.masterIsBack();
  await cluster.clock.advance(POLLED_MS);
  await consumed(cluster, 'a', 'b', 'new');
});

it('a master that its name server has dropped is not waited for, unless its locks are needed; and not once it is back', async () => {
  for (const [consumeMode, awaited] of [
    ['CONCURRENTLY', []],
    ['ORDERLY', ['broker-a']],
  ] as const) {
    const cluster = new ReplicatedCluster();
    await consuming(cluster, { ...FIRST, consumeMode });
    cluster.loseMaster();
    await cluster.clock.advance(60_000);
    expect(on.client.unreachable).toEqual(awaited);
    cluster.masterIsBack();
    await cluster.clock.advance(POLLED_MS);
    expect(on.client.unreachable).toEqual([]);
    await on.client.shutdown();
    await cluster.close();
  }
});

it('a replica that the master suggests, and that does not answer, is not asked again before the master', async () => {
  const cluster = new ReplicatedCluster();
  cluster.broker.put('t', 0, 'a');
  const body = cluster.broker.queue('t', 0)[0]!;
  const header = { nextBeginOffset: 1, minOffset: 0, maxOffset: 2, suggestWhichBrokerId: 1 };
  for (let i = 0; i < 2; i++) {
    // The retry queue is pulled too.
    cluster.broker.next('PULL_MESSAGE', ({ header: { topic } }) =>
      topic === 't' ? { header, body } : { code: ResponseCode.PULL_NOT_FOUND, header },
    );
  }
  cluster.takeDown(cluster.replica.address);
  await consuming(cluster, FIRST);
  await consumed(cluster, 'a');
  cluster.broker.put('t', 0, 'b');
  await cluster.clock.advance(4_000);
  await consumed(cluster, 'a', 'b');
});
