import { describe, expect, it } from '@jest/globals';
import { bodies, consuming, on } from '../../../test-kit/consuming.js';
import { FakeCluster } from '../../../test-kit/fake-cluster.js';

describe('a consumer that is paused', () => {
  it('T126: is given nothing that is sent afterwards, not even by a pull from before, and loses none of it', async () => {
    const consumer = await consuming(new FakeCluster({ topics: { t: 2 } }));
    await on.cluster.until('pulls', () => on.cluster.broker.heldPulls === 3);
    consumer.pause();
    for (let i = 0; i < 3; i++) on.cluster.broker.put('t', i % 2, `m${i}`);
    await on.cluster.clock.advance(60_000);
    expect(bodies()).toEqual([]);
    consumer.resume();
    await on.cluster.until('all', () => on.got.length === 3);
    expect(bodies().toSorted()).toEqual(['m0', 'm1', 'm2']);
    await on.cluster.clock.advance(5_000);
    expect(on.cluster.broker.offsets.get('stock@t@0')).toBe(2);
  });

  it('keeps what is here and has not been given to the listener, in its order', async () => {
    const ends: (() => void)[] = [];
    const began: string[] = [];
    const consumer = await consuming(new FakeCluster({ topics: { t: 1 } }), {
      consumeConcurrency: 1,
      listener: ([message]) => {
        began.push(message!.body.toString());
        return new Promise<void>((resolve) => ends.push(resolve));
      },
    });
    for (const body of ['a', 'b', 'c']) on.cluster.broker.put('t', 0, body);
    await on.cluster.until('the first', () => ends.length === 1);
    consumer.pause();
    ends[0]!();
    await on.cluster.clock.advance(60_000);
    expect(began).toEqual(['a']);
    consumer.resume();
    for (let call = 1; call < 3; call++) {
      await on.cluster.until('the next', () => ends.length === call + 1);
      ends[call]!();
    }
    expect(began).toEqual(['a', 'b', 'c']);
  });

  it('does not consume a message here again that could not be given back, before it goes on', async () => {
    let calls = 0;
    const consumer = await consuming(new FakeCluster({ topics: { t: 1 } }), {
      listener: () => {
        calls++;
        if (calls === 1) throw new Error('no');
      },
    });
    on.cluster.broker.next('CONSUMER_SEND_MSG_BACK', () => ({ code: 1 }));
    on.cluster.broker.next('SEND_MESSAGE_V2', () => ({ code: 13 }));
    on.cluster.broker.put('t', 0, 'a');
    await on.cluster.until('failed', () => on.cluster.broker.requests('SEND_MESSAGE_V2').length === 1);
    consumer.pause();
    await on.cluster.clock.advance(60_000);
    expect(calls).toBe(1);
    consumer.resume();
    await on.cluster.until('again', () => calls === 2);
  });

  it('may be shut down, and stores no offset of what it has kept', async () => {
    const consumer = await consuming(new FakeCluster({ topics: { t: 1 } }));
    await on.cluster.until('pulls', () => on.cluster.broker.heldPulls === 2);
    consumer.pause();
    on.cluster.broker.put('t', 0, 'a');
    await on.cluster.clock.advance(1_000);
    await consumer.shutdown();
    expect(on.cluster.broker.offsets.get('stock@t@0') ?? 0).toBe(0);
    expect(bodies()).toEqual([]);
  });
});
