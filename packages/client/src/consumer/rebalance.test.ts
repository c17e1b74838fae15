import { describe, expect, it } from '@jest/globals';
import { Requests, encodeConsumerList } from '@nest-rocketmq/remoting';
import { GROUP, bodies, consuming, on } from '../../test/consuming.js';
import { FakeCluster } from '../../test/fake-cluster.js';

describe('consumers of one group', () => {
  it('share the queues, and take over those of one that has gone', async () => {
    await consuming(new FakeCluster({ topics: { t: 4 } }));
    const pulled = (): number =>
      new Set(
        on.cluster.broker
          .requests('PULL_MESSAGE')
          .map(({ header }) => `${String(header['topic'])}${String(header['queueId'])}`),
      ).size;
    await on.cluster.until('all', () => pulled() === 5);
    // 'zz…' sorts after any on.client id, so it gets the last two queues.
    on.cluster.broker.otherConsumers.push('zz@other');
    on.cluster.broker.connection.oneway(Requests.NOTIFY_CONSUMER_IDS_CHANGED, { consumerGroup: GROUP });
    await on.cluster.until('two less', () => on.cluster.broker.requests('GET_CONSUMER_LIST_BY_GROUP').length >= 4);
    await on.cluster.clock.advance(0);
    on.cluster.broker.put('t', 3, 'not ours');
    on.cluster.broker.put('t', 0, 'ours');
    await on.cluster.until('ours', () => on.got.length === 1);
    expect(bodies()).toEqual(['ours']);
    on.cluster.broker.otherConsumers.length = 0;
    on.cluster.broker.offsets.set('stock@t@3', 0);
    await on.cluster.clock.advance(20_000);
    expect(bodies()).toEqual(['ours', 'not ours']);
  });

  it('keep their queues when a broker has not heard of this one yet', async () => {
    await consuming(new FakeCluster({ topics: { t: 1 } }));
    for (let i = 0; i < 2; i++) {
      on.cluster.broker.next('GET_CONSUMER_LIST_BY_GROUP', () => ({ body: encodeConsumerList(['zz@other']) }));
    }
    on.cluster.broker.connection.oneway(Requests.NOTIFY_CONSUMER_IDS_CHANGED, { consumerGroup: GROUP });
    await on.cluster.until('told again', () => on.cluster.broker.heartbeats.length >= 2);
    on.cluster.broker.put('t', 0, 'still ours');
    await on.cluster.until('it came', () => on.got.length === 1);
  });
});
