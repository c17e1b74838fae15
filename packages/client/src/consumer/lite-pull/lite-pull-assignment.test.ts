// Tests subscriptions and assignments that change while a consumer that polls starts or runs.
import { describe, expect, it } from '@jest/globals';
import { NotRunningError, ResponseCode } from '@nest-rocketmq/remoting/internal';
import { aPuller, filled, on, pulling, queueOf } from '../../../test-kit/pulling.js';
import { SubscriptionRefusedError } from '../../errors.js';

const pulls = () => on.cluster.broker.requests('LITE_PULL_MESSAGE');

describe('a consumer that starts', () => {
  it('ends that when it is shut down before the name server has answered', async () => {
    const consumer = aPuller(filled(1, 1));
    const refused = expect(consumer.start()).rejects.toThrow(NotRunningError);
    await consumer.shutdown();
    await refused;
    await on.cluster.clock.advance(60_000);
    expect(pulls()).toEqual([]);
  });

  it('starts once, however often it is told to meanwhile', async () => {
    const consumer = aPuller(filled(1, 1));
    await Promise.all([consumer.start(), consumer.start()]);
    await on.cluster.until('it pulls', () => pulls().length > 0);
    expect(consumer.assignment()).toEqual([queueOf(0)]);
  });
});

describe('a consumer that is assigned queues while it starts', () => {
  it('pulls each of them once at a time', async () => {
    const consumer = aPuller(filled(2, 0), { subscriptions: [] });
    await consumer.assign([queueOf(0)]);
    let answer = (): void => undefined;
    on.cluster.broker.next('HEART_BEAT', () => new Promise((resolve) => (answer = () => resolve({}))));
    const starting = consumer.start();
    await on.cluster.until('it makes itself known', () => on.cluster.broker.requests('HEART_BEAT').length > 0);
    const assigning = consumer.assign([queueOf(0), queueOf(1)]);
    await on.cluster.clock.advance(0);
    answer();
    await Promise.all([assigning, starting]);
    await on.cluster.until('it pulls both', () => pulls().length >= 2);
    await on.cluster.clock.advance(0);
    expect(pulls().map(({ header }) => header['queueId'])).toEqual(expect.arrayContaining([0, 1]));
    expect(pulls()).toHaveLength(2);
  });
});

describe('a filter that a broker refuses', () => {
  const refuse = (): void =>
    on.cluster.broker.next('CHECK_CLIENT_CONFIG', () => ({
      code: ResponseCode.SUBSCRIPTION_PARSE_FAILED,
      remark: 'no',
    }));
  const wrong = { expression: 'a >', expressionType: 'SQL92' } as const;
  /** The topics and expressions of the last heartbeat. */
  const told = (): string[] =>
    on.cluster.broker.heartbeats
      .at(-1)!
      .consumers[0]!.subscriptionDataSet.map((one) => `${one.topic}: ${one.subString}`);

  it('leaves the subscription as it was, and adds no topic', async () => {
    const cluster = filled(1, 0);
    cluster.topics.set('u', 1);
    const consumer = await pulling(cluster);
    for (const topic of ['t', 'u']) {
      refuse();
      await expect(consumer.subscribe(topic, wrong)).rejects.toThrow(SubscriptionRefusedError);
    }
    await cluster.clock.advance(60_000);
    expect(told()).toEqual(['t: *']);
    expect(pulls().every(({ header }) => header['expressionType'] === 'TAG' && header['topic'] === 't')).toBe(true);
  });

  it('leaves the assignment as it was', async () => {
    const consumer = await pulling(filled(2, 0), { subscriptions: [] });
    await consumer.assign([queueOf(0)], { expression: 'a' });
    refuse();
    await expect(consumer.assign([queueOf(1)], wrong)).rejects.toThrow(SubscriptionRefusedError);
    expect(consumer.assignment()).toEqual([queueOf(0)]);
    await on.cluster.clock.advance(30_000);
    expect(told()).toEqual(['t: a']);
  });
});

describe('a listener that rejects', () => {
  it('is logged, and disturbs nothing', async () => {
    const cluster = filled(1, 0);
    const consumer = await pulling(cluster);
    const fail = (() => Promise.reject(new Error('no database'))) as () => void;
    await consumer.onTopicQueuesChanged('t', fail);
    consumer.onAssignmentChanged(fail);
    cluster.topics.set('t', 2);
    await cluster.clock.advance(60_000);
    const failures = on.log.filter((line) => line.includes('no database'));
    expect(failures).toEqual([expect.stringContaining('queues of topic t'), expect.stringContaining('an assignment')]);
    expect(consumer.assignment()).toHaveLength(2);
  });
});
