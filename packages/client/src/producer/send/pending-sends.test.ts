import { NotRunningError } from '@nest-rocketmq/remoting/internal';
import { afterEach, describe, expect, it } from '@jest/globals';
import { FakeCluster, NAME_SERVER } from '../../../test-kit/fake-cluster.js';
import { RocketMQClient } from '../../client.js';
import { TooManySendsError } from '../../errors.js';
import type { ClientOptions } from '../../config/options.js';
import type { Producer } from '../producer.js';

let cluster: FakeCluster;
let client: RocketMQClient;

const held: (() => void)[] = [];

/** A producer of topic t whose first `hold` sends are answered when the test says so. */
async function producing(hold: number, options: Partial<ClientOptions> = {}): Promise<Producer> {
  held.length = 0;
  cluster = new FakeCluster({ topics: { t: 1 } });
  client = new RocketMQClient({ nameServer: NAME_SERVER, dial: cluster.dial, clock: cluster.clock, ...options });
  // Compression takes real time.
  const compressMsgBodyOverHowmuch = 1024 * 1024;
  const producer = client.createProducer({ group: 'orders', topics: ['t'], compressMsgBodyOverHowmuch });
  await producer.start();
  for (let i = 0; i < hold; i++) {
    cluster.broker.next(
      'SEND_MESSAGE_V2',
      () =>
        new Promise((resolve) =>
          held.push(() => resolve({ header: { msgId: '00', queueId: 0, queueOffset: held.length } })),
        ),
    );
  }
  return producer;
}

const sends = (): number => cluster.broker.requests('SEND_MESSAGE_V2').length;

afterEach(async () => {
  for (const answer of held.splice(0)) answer();
  await client.shutdown();
  await cluster.close();
  expect(cluster.clock.pending).toBe(0);
});

describe('sends beyond backPressureForAsyncSendNum', () => {
  it('wait for their turn, in order, and have their whole time from then on', async () => {
    const producer = await producing(4, { backPressureForAsyncSendNum: 2 });
    const done: number[] = [];
    const all = [1, 2, 3, 4].map((n) => producer.send({ topic: 't', body: `${n}` }).then(() => done.push(n)));
    await cluster.until('two under way', () => held.length === 2);
    await cluster.clock.advance(2_900);
    expect(sends()).toBe(2);
    held[0]!();
    held[1]!();
    await cluster.until('the next two', () => held.length === 4);
    await cluster.clock.advance(2_900);
    held[2]!();
    held[3]!();
    await Promise.all(all);
    expect(done).toEqual([1, 2, 3, 4]);
  });

  it('wait for those before them to fail, too', async () => {
    const producer = await producing(1, { backPressureForAsyncSendNum: 1 });
    const first = producer.send({ topic: 't', body: '1' }).catch((error: unknown) => error);
    const second = producer.send({ topic: 't', body: '2' });
    await cluster.clock.advance(3_000);
    expect(await first).toMatchObject({ reason: 'timeout' });
    expect(await second).toMatchObject({ sendStatus: 'SEND_OK' });
  });

  it('are counted by bytes as well; a single one may be larger', async () => {
    const producer = await producing(2, { backPressureForAsyncSendSize: 1024 * 1024 });
    const batch = Array.from({ length: 400 }, () => ({ topic: 't', body: Buffer.alloc(4_000) }));
    for (let i = 0; i < 2; i++) cluster.broker.next('SEND_BATCH_MESSAGE', () => new Promise(() => undefined));
    const batches = Promise.allSettled([producer.sendBatch(batch), producer.sendBatch(batch)]);
    const sent = (): number => cluster.broker.requests('SEND_BATCH_MESSAGE').length;
    await cluster.until('one', () => sent() === 1);
    await cluster.clock.advance(2_999);
    expect(sent()).toBe(1);
    await cluster.clock.advance(1);
    expect(sent()).toBe(2);
    await cluster.clock.advance(3_000);
    await batches;
  });

  it('are refused when too many wait already, with what to do about it; nothing of them was sent', async () => {
    const producer = await producing(1, { backPressureForAsyncSendNum: 1, maxWaitingSends: 2 });
    const under = [1, 2, 3].map((n) => producer.send({ topic: 't', body: `${n}` }));
    const refused = await producer.send({ topic: 't', body: '4' }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(TooManySendsError);
    expect(refused).toMatchObject({ code: 'TOO_MUCH_REQUEST', underWay: 1, waiting: 2 });
    expect(String(refused)).toMatch(/maxWaitingSends is 2.*Await sends/);
    await cluster.until('under way', () => held.length === 1);
    held[0]!();
    await Promise.all(under);
    expect(sends()).toBe(3);
  });

  it('and waiting bytes are bounded', async () => {
    const producer = await producing(1, { backPressureForAsyncSendNum: 1, maxWaitingSendSize: 1024 * 1024 });
    const body = Buffer.alloc(4_000);
    const sending = Array.from({ length: 400 }, () => producer.send({ topic: 't', body }));
    const settled = Promise.allSettled(sending);
    await cluster.until('under way', () => held.length === 1);
    held[0]!();
    const refused = (await settled).filter(({ status }) => status === 'rejected');
    expect(refused.length).toBe(400 - 1 - Math.floor((1024 * 1024) / 4_512));
  });

  it('include those of one way, until the connection has taken their bytes', async () => {
    const producer = await producing(0, { backPressureForAsyncSendNum: 2 });
    await Promise.all(Array.from({ length: 50 }, () => producer.sendOneway({ topic: 't', body: 'x' })));
    await cluster.until('all', () => cluster.broker.stored.length === 50);
  });
});

describe('a shutdown', () => {
  it('waits for the sends under way and for those that wait for their turn, and takes no more', async () => {
    const producer = await producing(300, { backPressureForAsyncSendNum: 100 });
    const sending = Promise.all(Array.from({ length: 300 }, () => producer.send({ topic: 't', body: 'x' })));
    await cluster.until('a hundred under way', () => held.length === 100);
    let closed = false;
    const closing = client.shutdown().then(() => (closed = true));
    await cluster.clock.advance(0);
    await expect(producer.send({ topic: 't', body: 'late' })).rejects.toThrow(NotRunningError);
    for (let answered = 0; answered < 300; answered++) {
      await cluster.until('an answer is due', () => held.length > answered);
      expect(closed).toBe(false);
      held[answered]!();
    }
    expect(await sending).toHaveLength(300);
    await closing;
  });

  it('waits for a local transaction, and tells the broker its end', async () => {
    await producing(0);
    let commit: (() => void) | undefined;
    const producer = client.createProducer({
      group: 'tx',
      transactionListener: {
        executeLocalTransaction: () => new Promise((resolve) => (commit = () => resolve('COMMIT_MESSAGE'))),
        checkLocalTransaction: () => 'UNKNOW',
      },
    });
    await producer.start();
    const sending = producer.sendMessageInTransaction({ topic: 't', body: 'x' });
    await cluster.until('executing', () => commit !== undefined);
    const closing = client.shutdown();
    await cluster.clock.advance(1_000);
    commit!();
    await Promise.all([sending, closing]);
    await cluster.until('told', () => cluster.broker.requests('END_TRANSACTION').length === 1);
  });

  it('gives up at its deadline: what waits is rejected, what is under way ends with its connection', async () => {
    const producer = await producing(3, { backPressureForAsyncSendNum: 1 });
    const options = { timeout: 60_000 };
    const sending = [1, 2].map((n) =>
      producer.send({ topic: 't', body: `${n}` }, options).catch((error: unknown) => error),
    );
    await cluster.until('one under way', () => held.length === 1);
    const closing = client.shutdown();
    await cluster.clock.advance(29_999);
    let closed = false;
    void closing.then(() => (closed = true));
    expect(closed).toBe(false);
    await cluster.clock.advance(1);
    await closing;
    expect(await sending[1]).toBeInstanceOf(NotRunningError);
    expect(await sending[0]).toMatchObject({ reason: 'connection lost' });
  });
});

describe('back pressure', () => {
  it('T029: may change while sends are under way: these and the free places are as many as the new limit', async () => {
    const producer = await producing(20, { backPressureForAsyncSendNum: 4 });
    const sending = Array.from({ length: 12 }, (_, i) => producer.send({ topic: 't', body: `${i}` }));
    await cluster.until('the first', () => sends() === 4);
    expect(client.backPressure).toMatchObject({ sends: 4, waitingSends: 8, backPressureForAsyncSendNum: 4 });
    client.setBackPressure({ backPressureForAsyncSendNum: 6 });
    await cluster.until('two more', () => sends() === 6);
    expect(client.backPressure).toMatchObject({ sends: 6, waitingSends: 6 });
    client.setBackPressure({ backPressureForAsyncSendNum: 2 });
    for (let i = 0; i < 4; i++) held.shift()!();
    await cluster.until('the answers', () => client.backPressure.sends === 2);
    expect(sends()).toBe(6);
    held.shift()!();
    await cluster.until('one more', () => sends() === 7);
    client.setBackPressure({ backPressureForAsyncSendNum: 100 });
    await cluster.until('all', () => sends() === 12);
    for (const answer of held) answer();
    await Promise.all(sending);
    expect(client.backPressure).toMatchObject({ sends: 0, bytes: 0, waitingSends: 0, waitingBytes: 0 });
  });

  it('T029: may change in bytes, too', async () => {
    await producing(20, { backPressureForAsyncSendSize: 1024 * 1024 });
    // Compression takes real time.
    const producer = client.createProducer({ group: 'plain', compressMsgBodyOverHowmuch: 1024 * 1024 });
    await producer.start();
    const body = Buffer.alloc(600 * 1024);
    const sending = [1, 2, 3].map(() => producer.send({ topic: 't', body }));
    await cluster.until('the first', () => sends() === 1);
    client.setBackPressure({ backPressureForAsyncSendSize: 2 * 1024 * 1024 });
    await cluster.until('all', () => sends() === 3);
    for (const answer of held) answer();
    await Promise.all(sending);
  });

  it.each([
    { backPressureForAsyncSendNum: 0 },
    { backPressureForAsyncSendNum: 1.5 },
    { backPressureForAsyncSendSize: 1024 * 1024 - 1 },
  ])('refuses %j, and stays as it was', async (limits) => {
    await producing(1, { backPressureForAsyncSendNum: 4 });
    const before = client.backPressure;
    expect(() => client.setBackPressure(limits)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
    expect(client.backPressure).toEqual(before);
  });
});
