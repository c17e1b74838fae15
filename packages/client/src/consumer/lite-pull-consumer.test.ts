import { describe, expect, it } from '@jest/globals';
import {
  InvalidOptionError,
  NotRunningError,
  Requests,
  ResponseCode,
  encodeJson,
  parseJsonObject,
  queueTable,
} from '@nest-rocketmq/remoting/internal';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import { FakeCluster, NAME_SERVER } from '../../test-kit/fake-cluster.js';
import { GROUP, aPuller, bodiesOf, filled, on, pulling, queueOf, take } from '../../test-kit/pulling.js';
import { RocketMQClient } from '../client.js';
import { CommitFailedError, PollInProgressError, QueueNotAssignedError } from './lite-pull-errors.js';
import { SeekOutOfRangeError, SubscriptionConflictError } from './lite-pull-errors.js';
import type { LitePullConsumer } from './lite-pull-consumer.js';

const storedOffset = (queueId = 0, topic = 't'): number | undefined =>
  on.cluster.broker.offsets.get(`${GROUP}@${topic}@${queueId}`);

const pulls = () => on.cluster.broker.requests('LITE_PULL_MESSAGE');

/** Runs a loop until it has got so many messages, and leaves it then. */
async function loop(consumer: LitePullConsumer, count: number): Promise<string[]> {
  const got: string[] = [];
  for await (const message of consumer) {
    got.push(message.body.toString());
    if (got.length === count) break;
  }
  return got;
}

describe('a consumer that pulls', () => {
  it('T131 polls the messages of the topics that it subscribes to, with its tag only', async () => {
    const cluster = new FakeCluster({ topics: { t: 1 } });
    for (const tag of ['a', 'b', 'a']) cluster.broker.put('t', 0, tag, { properties: { TAGS: tag } });
    const consumer = await pulling(cluster, { subscriptions: [] });
    await consumer.subscribe('t', 'a');
    const got = await take(consumer, 2);
    expect(bodiesOf(got)).toEqual(['a', 'a']);
    expect(got[0]).toMatchObject({ topic: 't', brokerName: 'broker-a', queueOffset: 0 });
    expect(got[0]!.properties.get('MAX_OFFSET')).toBe('3');
  });

  it("T131 pulls with the fields that Apache's lite pull consumer sends", async () => {
    const consumer = await pulling(filled(1, 1));
    await take(consumer, 1);
    expect(pulls()[0]!.header).toMatchObject({
      consumerGroup: GROUP,
      topic: 't',
      queueId: 0,
      queueOffset: 0,
      maxMsgNums: 10,
      sysFlag: 22,
      commitOffset: 0,
      suspendTimeoutMillis: 20_000,
      subscription: '*',
      subVersion: 0,
      expressionType: 'TAG',
    });
    expect(on.cluster.broker.heartbeats.at(-1)!.consumers).toMatchObject([
      { groupName: GROUP, consumeType: 'CONSUME_ACTIVELY', messageModel: 'CLUSTERING' },
    ]);
    expect(on.cluster.broker.heartbeats.at(-1)!.consumers[0]!.subscriptionDataSet.map(({ topic }) => topic)).toEqual([
      't',
    ]);
  });

  it('T131 takes the queues that it is assigned, and no others', async () => {
    const consumer = aPuller(filled(3, 2), { subscriptions: [] });
    await consumer.assign([queueOf(0), queueOf(2)]);
    await consumer.start();
    expect(bodiesOf(await take(consumer, 4)).toSorted()).toEqual(['0-0', '0-1', '2-0', '2-1']);
    expect(await consumer.poll({ timeout: 0 })).toEqual([]);
    await consumer.assign([queueOf(2), queueOf(1)]);
    expect(consumer.assignment()).toEqual([queueOf(2), queueOf(1)]);
    expect(bodiesOf(await take(consumer, 2))).toEqual(['1-0', '1-1']);
    // What was consumed of the queue that is given up is stored.
    expect(storedOffset(0)).toBe(2);
  });

  it('T131 of a broadcasting group gets all queues, and asks no broker for offsets', async () => {
    const cluster = filled(2, 1);
    cluster.broker.otherConsumers.push('another');
    const consumer = await pulling(cluster, { messageModel: 'BROADCASTING', localOffsetStoreDir: 'memory' });
    expect(await take(consumer, 2)).toHaveLength(2);
    await consumer.commit();
    expect(cluster.broker.offsets.size).toBe(0);
  });

  it('shares the queues with the other members of its group', async () => {
    const cluster = filled(2, 1);
    cluster.broker.otherConsumers.push('zzz');
    const consumer = await pulling(cluster);
    expect(consumer.assignment()).toEqual([queueOf(0)]);
  });

  it('T131 gives a loop one message after the other, as they come', async () => {
    const consumer = await pulling(filled(1, 1));
    const looping = loop(consumer, 2);
    await on.cluster.until('the loop waits', () => on.cluster.broker.heldPulls === 1);
    on.cluster.broker.put('t', 0, 'later');
    expect(await looping).toEqual(['0-0', 'later']);
  });

  it('that leaves a loop early loses nothing: the next one goes on behind it', async () => {
    const consumer = await pulling(filled(1, 5));
    await take(consumer, 0);
    expect(await loop(consumer, 2)).toEqual(['0-0', '0-1']);
    const failing = async (): Promise<void> => {
      for await (const message of consumer) throw new Error(message.body.toString());
    };
    await expect(failing()).rejects.toThrow('0-2');
    expect(await loop(consumer, 2)).toEqual(['0-3', '0-4']);
  });

  it('waits in a poll until a message comes, or its time is over', async () => {
    const consumer = await pulling(new FakeCluster({ topics: { t: 1 } }));
    const empty = consumer.poll({ timeout: 300 });
    await on.cluster.clock.advance(300);
    expect(await empty).toEqual([]);
    const usual = consumer.poll();
    await on.cluster.clock.advance(4_999);
    on.cluster.broker.put('t', 0, 'x');
    expect(bodiesOf(await usual)).toEqual(['x']);
  });

  it('gives a poll at most as many as it asks for, from all queues in turn', async () => {
    const consumer = await pulling(filled(2, 3));
    await take(consumer, 0);
    await on.cluster.clock.advance(0);
    expect(bodiesOf(await take(consumer, 3))).toEqual(['0-0', '1-0', '0-1']);
    expect(bodiesOf(await consumer.poll({ timeout: 0 }))).toEqual(['1-1', '0-2', '1-2']);
  });

  it('is asked by one poll or loop at a time', async () => {
    const consumer = await pulling(new FakeCluster({ topics: { t: 1 } }));
    const polling = consumer.poll({ timeout: 100 });
    await expect(consumer.poll()).rejects.toThrow(PollInProgressError);
    expect(() => consumer[Symbol.asyncIterator]()).toThrow(PollInProgressError);
    await on.cluster.clock.advance(100);
    await polling;
    const iterator = consumer[Symbol.asyncIterator]();
    await expect(consumer.poll()).rejects.toThrow(PollInProgressError);
    await iterator.return!();
    await expect(consumer.poll({ timeout: 0 })).resolves.toEqual([]);
  });

  it('T132 either subscribes or is assigned queues', async () => {
    const consumer = await pulling(new FakeCluster({ topics: { t: 1 } }));
    await expect(consumer.assign([queueOf(0)])).rejects.toThrow(SubscriptionConflictError);
    const other = on.client.createLitePullConsumer({ group: 'other' });
    await other.assign([queueOf(0)]);
    await expect(other.subscribe('t')).rejects.toThrow(SubscriptionConflictError);
    await expect(other.assign([])).rejects.toThrow(InvalidOptionError);
  });

  it('T132 does nothing before its start and after its shutdown', async () => {
    const consumer = aPuller(new FakeCluster({ topics: { t: 1 } }));
    await expect(consumer.fetchMessageQueues('t')).rejects.toThrow(NotRunningError);
    await expect(consumer.poll()).rejects.toThrow(NotRunningError);
    await consumer.start();
    expect(await consumer.fetchMessageQueues('t')).toEqual([queueOf(0)]);
    await consumer.shutdown();
    await expect(consumer.poll()).rejects.toThrow(NotRunningError);
    await expect(loop(consumer, 1)).rejects.toThrow(NotRunningError);
    await expect(consumer.subscribe('t')).rejects.toThrow(NotRunningError);
    await expect(consumer.start()).rejects.toThrow(NotRunningError);
  });

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

  it('T135 stores what is consumed every 5 s: not what is in hand', async () => {
    const consumer = await pulling(filled(1, 4));
    await take(consumer, 2);
    await on.cluster.clock.advance(5_000);
    expect(storedOffset()).toBe(0);
    expect(bodiesOf(await consumer.poll({ timeout: 0, max: 1 }))).toEqual(['0-2']);
    await on.cluster.clock.advance(5_000);
    expect(storedOffset()).toBe(2);
    const before = on.cluster.broker.requests('UPDATE_CONSUMER_OFFSET').length;
    await on.cluster.clock.advance(20_000);
    expect(on.cluster.broker.requests('UPDATE_CONSUMER_OFFSET')).toHaveLength(before);
  });

  it('T135 commits all that was handed out, or given offsets, when it is told to', async () => {
    const consumer = await pulling(filled(2, 4), { autoCommit: false });
    await take(consumer, 4);
    await on.cluster.clock.advance(60_000);
    expect(storedOffset(0)).toBeUndefined();
    expect(await consumer.committed(queueOf(0))).toBeUndefined();
    await consumer.commit();
    expect([storedOffset(0), storedOffset(1)]).toEqual([2, 2]);
    await consumer.commit([{ queue: queueOf(1), offset: 1 }]);
    expect(storedOffset(1)).toBe(1);
    expect(await consumer.committed(queueOf(1))).toBe(1);
    await expect(consumer.commit([{ queue: queueOf(7), offset: 1 }])).rejects.toThrow(QueueNotAssignedError);
  });

  it('T135 keeps what was committed by hand: an automatic commit follows only what is consumed after it', async () => {
    const consumer = await pulling(filled(1, 4));
    await take(consumer, 2);
    await consumer.commit();
    expect(storedOffset()).toBe(2);
    await on.cluster.clock.advance(5_000);
    expect(storedOffset()).toBe(2);
    await consumer.commit([{ queue: queueOf(0), offset: 1 }]);
    await on.cluster.clock.advance(10_000);
    expect(storedOffset()).toBe(1);
    await take(consumer, 1);
    await consumer.poll({ timeout: 0, max: 1 });
    await consumer.shutdown();
    expect(storedOffset()).toBe(3);
  });

  it('T135 says when a commit has failed; an automatic one is made up for', async () => {
    const consumer = await pulling(filled(1, 4));
    await take(consumer, 1);
    const refuse = (): void =>
      on.cluster.broker.next('UPDATE_CONSUMER_OFFSET', () => ({ code: ResponseCode.SYSTEM_ERROR, remark: 'no' }));
    refuse();
    const error = await consumer.commit().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(CommitFailedError);
    expect(error).toMatchObject({ code: 'COMMIT_FAILED', queues: [queueOf(0)] });
    await consumer.poll({ timeout: 0, max: 1 });
    refuse();
    await on.cluster.clock.advance(5_000);
    expect(storedOffset()).toBeUndefined();
    await on.cluster.clock.advance(5_000);
    expect(storedOffset()).toBe(1);
    expect(on.log.filter((line) => line.includes('could not store its offsets'))).toHaveLength(1);
  });

  it('T135 tells when the queues of a topic, or its own, have changed', async () => {
    const cluster = new FakeCluster({ topics: { t: 1, other: 2 } });
    const consumer = await pulling(cluster);
    const told: unknown[] = [];
    const stop = await consumer.onTopicQueuesChanged('other', (topic, queues) => told.push([topic, queues.length]));
    const assignments: number[] = [];
    consumer.onAssignmentChanged((queues) => assignments.push(queues.length));
    await cluster.clock.advance(30_000);
    expect(told).toEqual([]);
    cluster.topics.set('other', 3);
    cluster.topics.set('t', 2);
    await cluster.clock.advance(60_000);
    expect(told).toEqual([['other', 3]]);
    expect(assignments).toEqual([2]);
    stop();
    cluster.topics.set('other', 4);
    await cluster.clock.advance(60_000);
    expect(told).toHaveLength(1);
  });

  it.each([
    ['autoCommitIntervalMillis', { autoCommitIntervalMillis: 999 }],
    ['pullBatchSize', { pullBatchSize: 0 }],
    ['pullThresholdForQueue', { pullThresholdForQueue: 65_536 }],
    ['pullThresholdSizeForQueue', { pullThresholdSizeForQueue: 1_025 }],
    ['pullThresholdForAll', { pullThresholdForAll: 0 }],
    ['consumeMaxSpan', { consumeMaxSpan: 0 }],
    ['pollTimeoutMillis', { pollTimeoutMillis: -1 }],
    ['consumerTimeoutMillisWhenSuspend', { consumerTimeoutMillisWhenSuspend: 19_999 }],
    ['messageModel', { messageModel: 'ALL' as never }],
    ['group', { group: 'DEFAULT_CONSUMER' }],
    ['subscriptions', { subscriptions: 'all' as never }],
  ])('T135 names the option %s when it cannot be', (option, options) => {
    const client = new RocketMQClient({ nameServer: NAME_SERVER });
    expect(() => client.createLitePullConsumer({ group: 'g', ...options })).toThrow(new RegExp(option));
  });

  it('T136 pulls no more of a topic that it has unsubscribed, and stores where it is', async () => {
    const consumer = await pulling(filled(1, 3));
    await take(consumer, 2);
    await consumer.poll({ timeout: 0, max: 1 });
    await consumer.unsubscribe('t');
    expect(storedOffset()).toBe(2);
    expect(consumer.assignment()).toEqual([]);
    on.cluster.broker.put('t', 0, 'x');
    const before = pulls().length;
    await on.cluster.clock.advance(60_000);
    expect(pulls()).toHaveLength(before);
    expect(await consumer.poll({ timeout: 0 })).toEqual([]);
    expect(on.cluster.broker.heartbeats.at(-1)!.consumers[0]!.subscriptionDataSet).toEqual([]);
  });

  it('T136 gives up a queue that goes to another member: it is neither handed out nor pulled any more', async () => {
    const consumer = await pulling(filled(2, 3));
    await take(consumer, 2);
    await consumer.poll({ timeout: 0, max: 1 });
    on.cluster.broker.otherConsumers.push('zzz');
    on.cluster.broker.connection.oneway(Requests.NOTIFY_CONSUMER_IDS_CHANGED, { consumerGroup: GROUP });
    await on.cluster.until('the queue is gone', () => consumer.assignment().length === 1);
    await on.cluster.clock.advance(0);
    expect(storedOffset(1)).toBe(1);
    expect(bodiesOf(await take(consumer, 2))).toEqual(['0-2']);
    expect(() => consumer.position(queueOf(1))).toThrow(QueueNotAssignedError);
  });

  it('ends its loop at a shutdown, and stores what is consumed', async () => {
    const consumer = await pulling(filled(1, 2));
    const got: string[] = [];
    const looping = (async () => {
      for await (const message of consumer) got.push(message.body.toString());
    })();
    await on.cluster.until('both have come', () => got.length === 2);
    await consumer.shutdown();
    await looping;
    expect(storedOffset()).toBe(2);
    expect(on.cluster.broker.requests('UNREGISTER_CLIENT')).toHaveLength(1);
  });

  it('lets a message that is in hand come again after a shutdown, unless it is given time to be done', async () => {
    const consumer = await pulling(filled(1, 2));
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    let got = 0;
    const looping = (async () => {
      for await (const _message of consumer) {
        got++;
        await released;
      }
    })();
    await on.cluster.until('one is in hand', () => got === 1);
    const ended = consumer.shutdown({ deadline: 1_000 });
    await on.cluster.clock.advance(500);
    release();
    await looping;
    await ended;
    expect(storedOffset()).toBe(1);

    const again = on.client.createLitePullConsumer({ group: GROUP, subscriptions: [{ topic: 't' }] });
    await again.start();
    const [message] = await take(again, 1);
    expect(message!.body.toString()).toBe('0-1');
    await again.shutdown();
    expect(storedOffset()).toBe(1);
  });

  it('after a crash gets again what was consumed since the last commit, and nothing is lost', async () => {
    const consumer = await pulling(filled(1, 6));
    await take(consumer, 2);
    await consumer.poll({ timeout: 0, max: 1 });
    await on.cluster.clock.advance(5_000);
    expect(bodiesOf(await take(consumer, 2))).toEqual(['0-3', '0-4']);
    // The first consumer is not asked any more, as if it were dead.
    const { cluster } = on;
    const second = new RocketMQClient({ nameServer: NAME_SERVER, dial: cluster.dial, clock: cluster.clock });
    const other = second.createLitePullConsumer({ group: GROUP });
    await other.assign([queueOf(0)]);
    await other.start();
    expect(bodiesOf(await take(other, 4))).toEqual(['0-2', '0-3', '0-4', '0-5']);
    await second.shutdown();
  });

  it('without stored offsets begins anew at each start', async () => {
    const options = { storeOffsets: false };
    const consumer = await pulling(filled(1, 2), options);
    await take(consumer, 2);
    await consumer.commit();
    expect(await consumer.committed(queueOf(0))).toBe(2);
    await consumer.shutdown();
    expect(on.cluster.broker.offsets.size).toBe(0);
    expect(on.cluster.broker.requests('QUERY_CONSUMER_OFFSET')).toEqual([]);
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

  it('waits for a topic that does not exist yet, and gets all of it', async () => {
    const cluster = new FakeCluster();
    const consumer = await pulling(cluster, { consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET' });
    cluster.topics.set('t', 1);
    cluster.broker.put('t', 0, 'first');
    await cluster.clock.advance(5_000);
    expect(bodiesOf(await take(consumer, 1))).toEqual(['first']);
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

  it('goes on when its broker was away, and says once that it was', async () => {
    const cluster = filled(1, 1);
    const consumer = await pulling(cluster);
    await take(consumer, 1);
    cluster.takeDown(cluster.broker.address);
    await cluster.clock.advance(5_000);
    cluster.bringUp(cluster.broker.address);
    cluster.broker.put('t', 0, 'while away');
    await cluster.clock.advance(5_000);
    expect(bodiesOf(await take(consumer, 1))).toEqual(['while away']);
    expect(on.log.filter((line) => line.includes('was lost'))).toHaveLength(1);
  });

  it('tells mqadmin of itself', async () => {
    const consumer = await pulling(filled(1, 2));
    await take(consumer, 1);
    const ask = { consumerGroup: GROUP, clientId: on.client.clientId };
    const reply = await on.cluster.broker.connection.request(Requests.GET_CONSUMER_RUNNING_INFO, ask);
    expect(parseJsonObject(reply.body, 'a running info')['properties']).toMatchObject({
      PROP_CONSUME_TYPE: 'CONSUME_ACTIVELY',
      pullBatchSize: '10',
      autoCommit: 'true',
    });
    expect(reply.body.toString()).toContain('{"brokerName":"broker-a","queueId":0,"topic":"t"}:{"cachedMsgCount":1');
    const status = await on.cluster.broker.connection.request(Requests.GET_CONSUMER_STATUS_FROM_CLIENT, {
      topic: 't',
      group: GROUP,
    });
    expect(status.body.toString()).toContain(':0}');
    const directly = await on.cluster.broker.connection.request(
      Requests.CONSUME_MESSAGE_DIRECTLY,
      { ...ask, msgId: 'x', brokerName: 'broker-a' },
      { body: on.cluster.broker.queue('t', 0)[0]! },
    );
    expect(directly.code).toBe(ResponseCode.SYSTEM_ERROR);
  });
});

describe('what is pulled ahead', () => {
  const held = async (consumer: LitePullConsumer): Promise<MessageExt[]> => {
    await on.cluster.clock.advance(0);
    for (let turn = 0; turn < 20; turn++) await on.cluster.clock.advance(0);
    consumer.pause([]);
    return [];
  };

  it('T135 is bounded by the count of each queue, and goes on as it is consumed', async () => {
    const consumer = await pulling(filled(1, 20), { pullThresholdForQueue: 4, pullBatchSize: 2 });
    await held(consumer);
    // More than 4 are held after the third pull.
    expect(pulls()).toHaveLength(3);
    await take(consumer, 2);
    await held(consumer);
    expect(pulls()).toHaveLength(4);
  });

  it('T135 is bounded by the bytes of each queue', async () => {
    const cluster = new FakeCluster({ topics: { t: 1 } });
    for (let i = 0; i < 10; i++) cluster.broker.put('t', 0, Buffer.alloc(600_000));
    const consumer = await pulling(cluster, { pullThresholdSizeForQueue: 1, pullBatchSize: 1 });
    await held(consumer);
    expect(pulls()).toHaveLength(2);
  });

  it('T135 is bounded by the count of all queues, and all go on when there is room', async () => {
    const consumer = await pulling(filled(3, 10), { pullThresholdForAll: 4, pullBatchSize: 1 });
    await held(consumer);
    expect(pulls().length).toBeLessThanOrEqual(7);
    expect(bodiesOf(await take(consumer, 30))).toHaveLength(30);
  });

  it('T135 is bounded by the span of its offsets', async () => {
    const cluster = new FakeCluster({ topics: { t: 1 } });
    for (let i = 0; i < 20; i++) cluster.broker.put('t', 0, `${i}`, { properties: { TAGS: i % 5 ? 'b' : 'a' } });
    const subscriptions = [{ topic: 't', expression: 'a' }];
    const consumer = await pulling(cluster, { subscriptions, consumeMaxSpan: 5, pullBatchSize: 1 });
    await held(consumer);
    expect(pulls().at(-1)!.header['queueOffset']).toBe(10);
  });
});
