import { describe, expect, it } from '@jest/globals';
import { ResponseCode } from '@nest-rocketmq/remoting/internal';
import { bodies, consuming, on } from '../../../test-kit/consuming.js';
import { FakeCluster } from '../../../test-kit/fake-cluster.js';
import type { Received } from '../../../test-kit/fake-broker.js';

describe('offsets', () => {
  const firstPull = (topic: string): Received | undefined =>
    on.cluster.broker.requests('PULL_MESSAGE').find(({ header }) => header['topic'] === topic);

  // The columns of Apache's RebalancePushImplTest: of a topic and of the retry topic, without an offset and with offset 2.
  it.each([
    ['CONSUME_FROM_LAST_OFFSET', 3, 0],
    ['CONSUME_FROM_FIRST_OFFSET', 0, 0],
    ['CONSUME_FROM_TIMESTAMP', 1, 5],
  ] as const)(
    'T121: begin, by %s, at %i for a new group, at %i in its retry topic, else where it was',
    async (consumeFromWhere, ofTopic, ofRetries) => {
      for (const stored of [undefined, 2, 0]) {
        const fake = new FakeCluster({ topics: { t: 1 } });
        for (let i = 0; i < 3; i++) fake.broker.put('t', 0, `m${i}`);
        for (let i = 0; i < 5; i++) fake.broker.put('%RETRY%stock', 0, `r${i}`);
        for (let i = 0; i < 2; i++) fake.broker.next('SEARCH_OFFSET_BY_TIMESTAMP', () => ({ header: { offset: 1 } }));
        if (stored !== undefined) {
          for (const topic of ['t', '%RETRY%stock']) fake.broker.offsets.set(`stock@${topic}@0`, stored);
        }
        const consumer = await consuming(fake, { consumeFromWhere });
        await on.cluster.until('pulls', () => Boolean(firstPull('t') && firstPull('%RETRY%stock')));
        expect(firstPull('t')!.header['queueOffset']).toBe(stored ?? ofTopic);
        expect(firstPull('%RETRY%stock')!.header['queueOffset']).toBe(stored ?? ofRetries);
        await consumer.shutdown();
        await on.client.shutdown();
        await fake.close();
      }
    },
  );

  it('of a group that has consumed before go on where it was', async () => {
    const fake = new FakeCluster({ topics: { t: 1 } });
    fake.broker.offsets.set('stock@t@0', 2);
    for (let i = 0; i < 3; i++) fake.broker.put('t', 0, `m${i}`);
    await consuming(fake);
    await on.cluster.until('the last one', () => on.got.length === 1);
    expect(bodies()).toEqual(['m2']);
  });

  it('of a queue without messages are kept, so that what is sent while nobody is there is not skipped', async () => {
    const consumer = await consuming(new FakeCluster({ topics: { t: 1 } }));
    await consumer.shutdown();
    expect(on.cluster.broker.offsets.get('stock@t@0')).toBe(0);
  });

  it('T121, T129: that cannot be read leave the queue alone for now, rather than begin somewhere', async () => {
    const fake = new FakeCluster({ topics: { t: 1 } });
    fake.broker.put('t', 0, 'old');
    fake.broker.offsets.set('stock@t@0', 0);
    for (let i = 0; i < 2; i++) fake.broker.next('QUERY_CONSUMER_OFFSET', () => ({ code: ResponseCode.SYSTEM_ERROR }));
    await consuming(fake);
    expect(on.cluster.broker.requests('PULL_MESSAGE')).toEqual([]);
    await on.cluster.clock.advance(1_000);
    expect(bodies()).toEqual(['old']);
  });

  it('are stored every 5 s, as far as all messages before are done', async () => {
    let release = (): void => undefined;
    await consuming(new FakeCluster({ topics: { t: 1 } }), {
      listener: ([message]) =>
        message!.body.toString() === 'slow' ? new Promise<void>((resolve) => (release = resolve)) : undefined,
    });
    for (const body of ['a', 'slow', 'b', 'c']) on.cluster.broker.put('t', 0, body);
    await on.cluster.clock.advance(5_000);
    expect(on.cluster.broker.offsets.get('stock@t@0')).toBe(1);
    release();
    await on.cluster.clock.advance(5_000);
    expect(on.cluster.broker.offsets.get('stock@t@0')).toBe(4);
    expect(on.cluster.broker.requests('UPDATE_CONSUMER_OFFSET').every(({ oneway }) => oneway)).toBe(true);
  });

  it('travel with each pull', async () => {
    await consuming(new FakeCluster({ topics: { t: 1 } }));
    on.cluster.broker.put('t', 0, 'a');
    await on.cluster.until('done', () => on.got.length === 1);
    on.cluster.broker.put('t', 0, 'b');
    await on.cluster.until('done', () => on.got.length === 2);
    await on.cluster.until('a pull that commits', () =>
      on.cluster.broker
        .requests('PULL_MESSAGE')
        .some(({ header }) => header['sysFlag'] === 3 && header['commitOffset'] === 1),
    );
  });

  it('T126: that the broker has moved are followed: stored, and begun again from', async () => {
    const fake = new FakeCluster({ topics: { t: 1 } });
    for (let i = 0; i < 6; i++) fake.broker.put('t', 0, `m${i}`);
    const moved = { suggestWhichBrokerId: 0, nextBeginOffset: 4, minOffset: 4, maxOffset: 6 };
    for (let i = 0; i < 2; i++) {
      fake.broker.next('PULL_MESSAGE', ({ header }) =>
        header['topic'] === 't'
          ? { code: ResponseCode.PULL_OFFSET_MOVED, header: moved }
          : { code: ResponseCode.PULL_NOT_FOUND, header: { ...moved, nextBeginOffset: 0 } },
      );
    }
    await consuming(fake, { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' });
    await on.cluster.until('the rest', () => on.got.length === 2);
    expect(bodies()).toEqual(['m4', 'm5']);
    expect(on.cluster.broker.requests('UPDATE_CONSUMER_OFFSET')[0]!.header['commitOffset']).toBe(4);
  });

  it('T123, T124: that the broker has moved are not changed by what was under way, and move on afterwards', async () => {
    const ends: (() => void)[] = [];
    const fake = new FakeCluster({ topics: { t: 1 } });
    for (let i = 0; i < 3; i++) fake.broker.put('t', 0, `m${i}`);
    const listener = (): Promise<void> => new Promise((resolve) => ends.push(resolve));
    await consuming(fake, { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET', listener });
    await on.cluster.until('all under way', () => ends.length === 3);
    const moved = { suggestWhichBrokerId: 0, nextBeginOffset: 1, minOffset: 1, maxOffset: 3 };
    on.cluster.broker.releasePulls({ code: ResponseCode.PULL_OFFSET_MOVED, header: moved });
    await on.cluster.until('begun anew', () => ends.length === 5);
    for (const end of ends.splice(0, 3)) end();
    await on.cluster.clock.advance(10_000);
    expect(on.cluster.broker.offsets.get('stock@t@0')).toBe(1);
    for (const end of ends.splice(0)) end();
    await on.cluster.clock.advance(10_000);
    expect(on.cluster.broker.offsets.get('stock@t@0')).toBe(3);
  });
});
