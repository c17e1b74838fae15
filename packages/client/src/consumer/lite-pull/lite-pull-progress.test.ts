import { describe, expect, it } from '@jest/globals';
import { ResponseCode } from '@nest-rocketmq/remoting/internal';
import { NAME_SERVER } from '../../../test-kit/fake-cluster.js';
import { GROUP, bodiesOf, filled, on, pulling, queueOf, take } from '../../../test-kit/pulling.js';
import { RocketMQClient } from '../../client.js';
import { CommitFailedError, QueueNotAssignedError } from './lite-pull-errors.js';

const storedOffset = (queueId = 0, topic = 't'): number | undefined =>
  on.cluster.broker.offsets.get(`${GROUP}@${topic}@${queueId}`);

describe('the progress of a consumer that pulls', () => {
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

  it('T135 stores its way past messages that its filter leaves out, while nothing is in hand', async () => {
    const consumer = await pulling(filled(1, 0), { subscriptions: [{ topic: 't', expression: 'a' }] });
    const waiting = consumer.poll({ timeout: 20_000 });
    for (const tag of ['b', 'b', 'b']) on.cluster.broker.put('t', 0, tag, { properties: { TAGS: tag } });
    await on.cluster.clock.advance(5_000);
    expect(storedOffset()).toBe(3);
    on.cluster.broker.put('t', 0, 'a', { properties: { TAGS: 'a' } });
    await waiting;
    on.cluster.broker.put('t', 0, 'b', { properties: { TAGS: 'b' } });
    await on.cluster.clock.advance(10_000);
    // The one in hand is not consumed yet.
    expect(storedOffset()).toBe(3);
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

  it('keeps what was committed by hand, even an earlier offset, when it gives the queue up', async () => {
    const consumer = await pulling(filled(1, 4));
    await take(consumer, 3);
    await consumer.commit([{ queue: queueOf(0), offset: 1 }]);
    await consumer.unsubscribe('t');
    expect(storedOffset()).toBe(1);
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
});
