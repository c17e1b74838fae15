import { describe, expect, it } from '@jest/globals';
import { ManualClock, Requests, decodeQueueTable, objectOf, parseJson } from '@nest-rocketmq/remoting/internal';
import { GROUP, consuming, on } from '../../../test-kit/consuming.js';
import { FakeCluster } from '../../../test-kit/fake-cluster.js';
import { ConsumerStats } from './consumer-stats.js';

const SECOND = 1000;
const NOTHING = {
  pullRT: 0,
  pullTPS: 0,
  consumeRT: 0,
  consumeOKTPS: 0,
  consumeFailedTPS: 0,
  consumeFailedMsgs: 0,
};

describe('the figures of a consumer', () => {
  it('are rates of the last minute and times a call, topic by topic', async () => {
    const clock = new ManualClock(0);
    const stats = new ConsumerStats(clock);
    stats.pulled('t', 30, 4);
    stats.pulled('t', 30, 8);
    stats.consumed('t', 1, 0, 10);
    stats.consumed('t', 29, 0, 30);
    stats.consumed('t', 0, 6, 20);
    await clock.advance(60 * SECOND);
    expect(stats.status('t')).toEqual({
      pullRT: 6,
      pullTPS: 1,
      consumeRT: 20,
      consumeOKTPS: 0.5,
      consumeFailedTPS: 0.1,
      consumeFailedMsgs: 6,
    });
    expect(stats.status('other')).toEqual(NOTHING);
  });

  it('keep the time of a call and the failures of the hour when the minute was quiet', async () => {
    const clock = new ManualClock(0);
    const stats = new ConsumerStats(clock);
    stats.consumed('t', 1, 1, 10);
    await clock.advance(120 * SECOND);
    expect(stats.status('t')).toEqual({ ...NOTHING, consumeRT: 10, consumeFailedMsgs: 1 });
  });

  it('are told with the state of each queue to the broker that asks', async () => {
    const fake = new FakeCluster({ topics: { t: 1 } });
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    await consuming(fake, {
      listener: async ([message]) => {
        on.got.push(message!);
        if (on.got.length > 1) await released;
      },
    });
    for (const body of ['first', 'second', 'third']) fake.broker.put('t', 0, body);
    await on.cluster.until('all have come', () => on.got.length === 3);
    const header = { consumerGroup: GROUP, clientId: '' };
    const { body } = await fake.broker.connection.request(Requests.GET_CONSUMER_RUNNING_INFO, header);
    release();
    const info = objectOf(parseJson(body));
    const queue = decodeQueueTable(info['mqTable']).find(([{ topic }]) => topic === 't')?.[1];
    const now = fake.clock.now();
    expect(queue).toMatchObject({
      cachedMsgCount: 2,
      cachedMsgMinOffset: 1,
      cachedMsgMaxOffset: 2,
      lastPullTimestamp: now,
      lastConsumeTimestamp: now,
    });
    const status = objectOf(objectOf(info['statusTable'])['t']);
    expect([status['pullTPS'], status['consumeOKTPS']]).toEqual([0.3, 0.1]);
    expect(info['properties']).toMatchObject({ PROP_CONSUMEORDERLY: 'false' });
  });
});
