// Tests loops over the messages of a consumer that polls which are used by hand.
import { describe, expect, it } from '@jest/globals';
import { FakeCluster } from '../../../test-kit/fake-cluster.js';
import { filled, on, pulling, take } from '../../../test-kit/pulling.js';

describe('an iteration', () => {
  it('that is ended while it waits takes no message', async () => {
    const consumer = await pulling(new FakeCluster({ topics: { t: 1 } }));
    const iterator = consumer[Symbol.asyncIterator]();
    const waiting = iterator.next();
    await on.cluster.until('it waits', () => on.cluster.broker.heldPulls === 1);
    await iterator.return!();
    on.cluster.broker.put('t', 0, 'x');
    expect(await waiting).toEqual({ done: true, value: undefined });
    const [message] = await take(consumer, 1);
    expect(message!.body.toString()).toBe('x');
  });

  it('that is asked twice at once gives one message after the other', async () => {
    const consumer = await pulling(filled(1, 2));
    const iterator = consumer[Symbol.asyncIterator]();
    const results = Promise.all([iterator.next(), iterator.next()]);
    await on.cluster.until('it pulls', () => on.cluster.broker.heldPulls === 1);
    expect((await results).map(({ value }) => value!.body.toString())).toEqual(['0-0', '0-1']);
    await iterator.return!();
  });
});
