import { describe, expect, it } from '@jest/globals';
import {
  InvalidOptionError,
  NotRunningError,
  Requests,
  ResponseCode,
  parseJsonObject,
} from '@nest-rocketmq/remoting/internal';
import { FakeCluster, NAME_SERVER } from '../../../test-kit/fake-cluster.js';
import { GROUP, aPuller, bodiesOf, filled, on, pulling, queueOf, take } from '../../../test-kit/pulling.js';
import { RocketMQClient } from '../../client.js';
import { PollInProgressError, QueueNotAssignedError, SubscriptionConflictError } from './lite-pull-errors.js';
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
    await expect(other.unsubscribe('t')).rejects.toThrow(SubscriptionConflictError);
    await expect(other.assign([])).rejects.toThrow(InvalidOptionError);
  });

  it('asks for the routes of a topic no more when it has given it up, however often it was subscribed', async () => {
    const consumer = await pulling(new FakeCluster(), { subscriptions: [] });
    for (const expression of ['a', 'b', '*']) await consumer.subscribe('missing', expression);
    await consumer.unsubscribe('missing');
    on.cluster.routeRequests.length = 0;
    await on.cluster.clock.advance(20_000);
    expect(on.cluster.routeRequests).not.toContain('missing');
  });

  it('that is shut down while it starts leaves nothing behind', async () => {
    const consumer = aPuller(filled(1, 1));
    const starting = consumer.start();
    await on.cluster.until('it has begun', () => on.cluster.routeRequests.includes('t'));
    await consumer.shutdown();
    await starting;
    const before = pulls().length;
    await on.cluster.clock.advance(60_000);
    expect(pulls()).toHaveLength(before);
    expect(consumer.assignment()).toEqual([]);
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

  it('waits for a topic that does not exist yet, and gets all of it', async () => {
    const cluster = new FakeCluster();
    const consumer = await pulling(cluster, { consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET' });
    cluster.topics.set('t', 1);
    cluster.broker.put('t', 0, 'first');
    await cluster.clock.advance(5_000);
    expect(bodiesOf(await take(consumer, 1))).toEqual(['first']);
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
