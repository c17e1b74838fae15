// Tests subscriptions and assignments that change while a consumer that polls starts or runs.
import { describe, expect, it } from '@jest/globals';
import { aPuller, filled, on, queueOf } from '../../test-kit/pulling.js';

const pulls = () => on.cluster.broker.requests('LITE_PULL_MESSAGE');

describe('a consumer that is assigned queues while it starts', () => {
  it('pulls each of them once at a time', async () => {
    const consumer = aPuller(filled(2, 0), { subscriptions: [] });
    await consumer.assign([queueOf(0)]);
    const starting = consumer.start();
    await on.cluster.until('it has begun', () => on.cluster.routeRequests.includes('t'));
    await Promise.all([consumer.assign([queueOf(0), queueOf(1)]), starting]);
    await on.cluster.until('it pulls both', () => pulls().length >= 2);
    await on.cluster.clock.advance(0);
    expect(pulls().map(({ header }) => header['queueId'])).toEqual(expect.arrayContaining([0, 1]));
    expect(pulls()).toHaveLength(2);
  });
});
