import { describe, expect, it } from '@jest/globals';
import { InvalidOptionError, Requests, ResponseCode, encodeJson, queueTable } from '@nest-rocketmq/remoting/internal';
import { FakeCluster } from '../../../test-kit/fake-cluster.js';
import { GROUP, aPuller, bodiesOf, filled, on, pulling, queueOf, take } from '../../../test-kit/pulling.js';
import { QueueNotAssignedError, SeekOutOfRangeError } from './lite-pull-errors.js';

const storedOffset = (queueId = 0, topic = 't'): number | undefined =>
  on.cluster.broker.offsets.get(`${GROUP}@${topic}@${queueId}`);

const pulls = () => on.cluster.broker.requests('LITE_PULL_MESSAGE');

describe('the place of a consumer that pulls', () => {
  it('T133 goes on from an offset, from the begin, from the end, or from a time', async () => {
    const cluster = filled(1, 4);
    const consumer = await pulling(cluster);
    const queue = queueOf(0);
    await take(consumer, 4);
    await consumer.seek(queue, 2);
    expect(consumer.position(queue)).toBe(2);
    expect(bodiesOf(await take(consumer, 2))).toEqual(['0-2', '0-3']);
    await consumer.seekToBegin(queue);
    expect(bodiesOf(await take(consumer, 1))).toEqual(['0-0']);
    await consumer.seekToEnd(queue);
    cluster.broker.put('t', 0, 'new');
    expect(bodiesOf(await take(consumer, 1))).toEqual(['new']);
    cluster.broker.next('SEARCH_OFFSET_BY_TIMESTAMP', ({ header }) => {
      expect(header).toMatchObject({ timestamp: 77, boundaryType: 'LOWER' });
      return { header: { offset: 3 } };
    });
    await consumer.seekToTimestamp(queue, 77);
    expect(bodiesOf(await take(consumer, 1))).toEqual(['0-3']);
  });

  it('T133 seeks neither out of the range of a queue nor in a queue of another consumer', async () => {
    const consumer = await pulling(filled(1, 4));
    on.cluster.broker.minOffset = 1;
    for (const offset of [0, 5]) {
      await expect(consumer.seek(queueOf(0), offset)).rejects.toThrow(SeekOutOfRangeError);
    }
    await expect(consumer.seek(queueOf(0), -1)).rejects.toThrow(InvalidOptionError);
    await consumer.seek(queueOf(0), 4);
    await expect(consumer.seek(queueOf(7), 0)).rejects.toThrow(QueueNotAssignedError);
    await expect(consumer.seekToBegin(queueOf(7))).rejects.toThrow(QueueNotAssignedError);
  });

  it('T133 drops what it pulled, and what it is about to pull, when it seeks', async () => {
    const cluster = filled(1, 2);
    let answer = (): void => undefined;
    cluster.broker.next('LITE_PULL_MESSAGE', ({ header }) => {
      const { queueOffset } = header;
      return new Promise((resolve) => {
        answer = () => resolve({ header: { ...ends, nextBeginOffset: queueOffset + 1 }, body: old });
      });
    });
    const old = cluster.broker.queue('t', 0)[1]!;
    const ends = { suggestWhichBrokerId: 0, minOffset: 0, maxOffset: 2 };
    const consumer = await pulling(cluster, { pullBatchSize: 1 });
    await cluster.until('it pulls', () => pulls().length === 1);
    await consumer.seek(queueOf(0), 0);
    await cluster.until('it pulls again, and does not wait for the answer', () => pulls().length >= 2);
    answer();
    expect(bodiesOf(await take(consumer, 2))).toEqual(['0-0', '0-1']);
  });

  it('T133 drops an answer that has come and is not taken yet when it seeks', async () => {
    const consumer = await pulling(filled(2, 2));
    // Both pulls are answered while the seek asks for the end of the queue.
    await consumer.seekToEnd(queueOf(1));
    for (let turn = 0; turn < 20; turn++) await on.cluster.clock.advance(0);
    expect(bodiesOf(await consumer.poll({ timeout: 0 }))).toEqual(['0-0', '0-1']);
    expect(consumer.position(queueOf(1))).toBe(2);
  });

  it('T134 hands out nothing of a paused queue, and all of it when it is resumed', async () => {
    const cluster = filled(2, 2);
    const consumer = await pulling(cluster);
    await take(consumer, 0);
    await on.cluster.clock.advance(0);
    consumer.pause([queueOf(0)]);
    expect(bodiesOf(await consumer.poll({ timeout: 0 }))).toEqual(['1-0', '1-1']);
    const before = pulls().filter(({ header }) => header['queueId'] === 0).length;
    cluster.broker.put('t', 0, 'while paused');
    await cluster.clock.advance(60_000);
    expect(await consumer.poll({ timeout: 0 })).toEqual([]);
    expect(pulls().filter(({ header }) => header['queueId'] === 0)).toHaveLength(before);
    consumer.resume([queueOf(0)]);
    expect(bodiesOf(await take(consumer, 3))).toEqual(['0-0', '0-1', 'while paused']);
    expect(() => consumer.pause([queueOf(7)])).toThrow(QueueNotAssignedError);
  });

  it('begins a new group at the end of a topic by default, or at a time', async () => {
    const consumer = await pulling(filled(1, 3), { consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET' });
    on.cluster.broker.put('t', 0, 'new');
    expect(bodiesOf(await take(consumer, 1))).toEqual(['new']);
    await consumer.shutdown();
    on.cluster.broker.next('SEARCH_OFFSET_BY_TIMESTAMP', () => ({ header: { offset: 1 } }));
    const other = on.client.createLitePullConsumer({
      group: 'other',
      subscriptions: [{ topic: 't' }],
      consumeFromWhere: 'CONSUME_FROM_TIMESTAMP',
      consumeTimestamp: 5,
    });
    await other.start();
    expect(bodiesOf(await take(other, 1))).toEqual(['0-1']);
  });

  it('pulls anew what it has not handed out when the filter of a topic changes', async () => {
    const cluster = new FakeCluster({ topics: { t: 1 } });
    for (const tag of ['a', 'b', 'a', 'b']) cluster.broker.put('t', 0, `of ${tag}`, { properties: { TAGS: tag } });
    const consumer = await pulling(cluster, { subscriptions: [{ topic: 't', expression: 'a' }] });
    expect(bodiesOf(await take(consumer, 1))).toEqual(['of a']);
    await consumer.subscribe('t', 'b');
    expect(bodiesOf(await take(consumer, 2))).toEqual(['of b', 'of b']);
    expect(pulls().at(-1)!.header['subscription']).toBe('b');
    await consumer.shutdown();

    const assigned = on.client.createLitePullConsumer({
      group: 'assigned',
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
    });
    await assigned.assign([queueOf(0)], { expression: 'a' });
    await assigned.start();
    expect(bodiesOf(await take(assigned, 1))).toEqual(['of a']);
    await assigned.assign([queueOf(0)], { expression: 'b' });
    expect(bodiesOf(await take(assigned, 2))).toEqual(['of b', 'of b']);
  });

  it('T129 T121 pulls nothing while its offset cannot be found out: a guess would lose or repeat messages', async () => {
    const cluster = filled(1, 2);
    cluster.broker.offsets.set(`${GROUP}@t@0`, 1);
    for (let i = 0; i < 2; i++) {
      cluster.broker.next('QUERY_CONSUMER_OFFSET', () => ({ code: ResponseCode.SYSTEM_ERROR, remark: 'not now' }));
    }
    const consumer = aPuller(cluster, { subscriptions: [] });
    await consumer.assign([queueOf(0)]);
    await consumer.start();
    await cluster.clock.advance(1_500);
    expect(pulls()).toEqual([]);
    expect(consumer.position(queueOf(0))).toBeUndefined();
    await cluster.clock.advance(1_000);
    expect(bodiesOf(await take(consumer, 1))).toEqual(['0-1']);
  });

  it('goes on where the group is reset to', async () => {
    const consumer = await pulling(filled(1, 3));
    await take(consumer, 3);
    on.cluster.broker.connection.oneway(
      Requests.RESET_CONSUMER_CLIENT_OFFSET,
      { topic: 't', group: GROUP, timestamp: 0, isForce: true },
      { body: encodeJson({ offsetTable: queueTable([[queueOf(0), 1]]) }) },
    );
    await on.cluster.until('it is reset', () => storedOffset() === 1);
    expect(bodiesOf(await take(consumer, 2))).toEqual(['0-1', '0-2']);
  });

  it('goes on where its broker says that the queue is, back or forth', async () => {
    const cluster = filled(1, 5);
    const consumer = await pulling(cluster);
    await take(consumer, 5);
    const moved = (nextBeginOffset: number) => {
      const header = { suggestWhichBrokerId: 0, nextBeginOffset, minOffset: 0, maxOffset: 5 };
      cluster.broker.releasePulls({ code: ResponseCode.PULL_OFFSET_MOVED, header });
    };
    moved(3);
    expect(bodiesOf(await take(consumer, 2))).toEqual(['0-3', '0-4']);
    await cluster.until('it pulls', () => cluster.broker.heldPulls === 1);
    moved(9);
    await cluster.until('it has moved', () => consumer.position(queueOf(0)) === 9);
  });
});
