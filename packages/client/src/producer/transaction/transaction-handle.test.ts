import { afterEach, describe, expect, it } from '@jest/globals';
import { Requests, ResponseCode } from '@nest-rocketmq/remoting/internal';
import { FakeCluster, NAME_SERVER } from '../../../test-kit/fake-cluster.js';
import { RocketMQClient } from '../../client.js';
import { TransactionEndedError, TransactionNotBegunError } from '../../errors.js';
import type { Producer } from '../producer.js';
import type { ProducerOptions } from '../options/producer-options.js';

const COMMIT = 8;
const ROLLBACK = 12;
const UNKNOWN = 0;

let cluster: FakeCluster;
let client: RocketMQClient;

async function producing(options: Partial<ProducerOptions> = {}): Promise<Producer> {
  cluster = new FakeCluster({ topics: { t: 1 } });
  client = new RocketMQClient({ nameServer: NAME_SERVER, dial: cluster.dial, clock: cluster.clock });
  const producer = client.createProducer({ group: 'orders', topics: ['t'], ...options });
  await producer.start();
  return producer;
}

const ends = (): unknown[] =>
  cluster.broker.requests('END_TRANSACTION').map(({ header }) => header['commitOrRollback']);

/** The broker asks about a transaction. */
function ask(transactionId: string): void {
  const properties = { UNIQ_KEY: transactionId, PGROUP: 'orders', TRAN_MSG: 'true', REAL_TOPIC: 't' };
  const record = cluster.broker.put('t', 0, 'half', { properties });
  const header = { tranStateTableOffset: 7, commitLogOffset: 1234, msgId: transactionId, transactionId };
  cluster.broker.connection.oneway(Requests.CHECK_TRANSACTION_STATE, header, { body: record });
}

async function answered(count: number): Promise<unknown> {
  await cluster.until('the answer', () => ends().length === count);
  return ends().at(-1);
}

afterEach(async () => {
  await client.shutdown();
  await cluster.close();
  expect(cluster.clock.pending).toBe(0);
});

describe('a transaction that ends elsewhere', () => {
  it('is a half message with its keys, tags and sharding key until it is ended', async () => {
    const producer = await producing();
    const transaction = await producer.beginTransaction(
      { topic: 't', body: 'x', keys: 'k', tags: 'T' },
      { shardingKey: 's' },
    );
    const [half] = cluster.broker.stored;
    expect(half!.sysFlag).toBe(4);
    expect(Object.fromEntries(half!.properties)).toMatchObject({
      TRAN_MSG: 'true',
      PGROUP: 'orders',
      KEYS: 'k',
      TAGS: 'T',
      __SHARDINGKEY: 's',
      UNIQ_KEY: transaction.transactionId,
    });
    expect(transaction.sendResult).toMatchObject({ sendStatus: 'SEND_OK', msgId: transaction.transactionId });
    await cluster.clock.advance(60_000);
    expect(ends()).toEqual([]);
    await transaction.commit();
    expect(await answered(1)).toBe(COMMIT);
  });

  it.each([
    ['commit', COMMIT, 'rollback', 'COMMIT_MESSAGE'],
    ['rollback', ROLLBACK, 'commit', 'ROLLBACK_MESSAGE'],
  ] as const)('is ended once: %s, whose repetition does nothing', async (how, code, other, state) => {
    const producer = await producing();
    const transaction = await producer.beginTransaction({ topic: 't', body: 'x' });
    await Promise.all([transaction[how](), transaction[how]()]);
    await transaction[how]();
    expect(await answered(1)).toBe(code);
    await expect(transaction[other]()).rejects.toThrow(TransactionEndedError);
    await expect(transaction[other]()).rejects.toThrow(`has ended with ${state} already`);
    expect(ends()).toEqual([code]);
  });

  it('is asked about when its end is left unknown, and cannot be ended here any more', async () => {
    const producer = await producing({
      transactionListener: {
        executeLocalTransaction: () => 'COMMIT_MESSAGE',
        checkLocalTransaction: () => 'COMMIT_MESSAGE',
      },
    });
    const transaction = await producer.beginTransaction({ topic: 't', body: 'x' });
    await transaction.leaveUnknown();
    expect(await answered(1)).toBe(UNKNOWN);
    await expect(transaction.commit()).rejects.toThrow(TransactionEndedError);
    ask(transaction.transactionId);
    expect(await answered(2)).toBe(COMMIT);
  });

  it('is of unknown end while it is open, whatever the listener would say, and then as it was ended', async () => {
    const checked: string[] = [];
    const producer = await producing({
      transactionListener: {
        executeLocalTransaction: () => 'COMMIT_MESSAGE',
        checkLocalTransaction: ({ msgId }) => {
          checked.push(msgId);
          return 'ROLLBACK_MESSAGE';
        },
      },
    });
    const transaction = await producer.beginTransaction({ topic: 't', body: 'x' });
    ask(transaction.transactionId);
    expect(await answered(1)).toBe(UNKNOWN);
    await transaction.commit();
    expect(await answered(2)).toBe(COMMIT);
    // A broker that has asked has stored the half message anew: that copy is the one to end.
    expect(cluster.broker.requests('END_TRANSACTION')[1]!.header).toMatchObject({
      tranStateTableOffset: 7,
      commitLogOffset: 1234,
      fromTransactionCheck: false,
    });
    // The end may have been lost on its way.
    ask(transaction.transactionId);
    expect(await answered(3)).toBe(COMMIT);
    expect(checked).toEqual([]);
    ask('one of an earlier process');
    expect(await answered(4)).toBe(ROLLBACK);
    expect(checked).toEqual(['one of an earlier process']);
  });

  it('ends also when the broker cannot be told now: it is told when it asks', async () => {
    const producer = await producing();
    const transaction = await producer.beginTransaction({ topic: 't', body: 'x' });
    cluster.takeDown(cluster.broker.address);
    const committing = transaction.commit();
    await cluster.clock.advance(3_000);
    await committing;
    expect(ends()).toEqual([]);
    cluster.bringUp(cluster.broker.address);
    await cluster.clock.advance(30_000);
    ask(transaction.transactionId);
    expect(await answered(1)).toBe(COMMIT);
  });

  it('does not begin when its half message is not safe: that is rolled back', async () => {
    const producer = await producing();
    cluster.broker.next('SEND_MESSAGE_V2', () => ({
      code: ResponseCode.FLUSH_SLAVE_TIMEOUT,
      header: { msgId: '7F00000100002A9F0000000000000000', queueId: 0, queueOffset: 3 } as never,
    }));
    await expect(producer.beginTransaction({ topic: 't', body: 'x' })).rejects.toThrow(TransactionNotBegunError);
    expect(await answered(1)).toBe(ROLLBACK);
  });

  it('T158: without a listener, one of another process is of unknown end', async () => {
    await producing();
    ask('ABC');
    expect(await answered(1)).toBe(UNKNOWN);
  });
});

describe('a transaction around a function', () => {
  it('is committed by its return, which is given back', async () => {
    const producer = await producing();
    const result = await producer.transaction({ topic: 't', body: 'x' }, async (message) => {
      expect(cluster.broker.stored).toHaveLength(1);
      expect(ends()).toEqual([]);
      return { ...message };
    });
    expect(result).toMatchObject({ topic: 't', body: 'x', transactionId: expect.any(String) });
    expect(await answered(1)).toBe(COMMIT);
  });

  it.each([
    [
      'throw',
      () => {
        throw new Error('no database');
      },
    ],
    ['rejection', () => Promise.reject(new Error('no database'))],
  ])('is rolled back by its %s, which comes through', async (_how, work) => {
    const producer = await producing();
    await expect(producer.transaction({ topic: 't', body: 'x' }, work)).rejects.toThrow('no database');
    expect(await answered(1)).toBe(ROLLBACK);
  });

  it('does not call it when the half message could not be stored', async () => {
    const producer = await producing();
    cluster.broker.next('SEND_MESSAGE_V2', () => ({ code: ResponseCode.MESSAGE_ILLEGAL }));
    let called = false;
    const work = (): void => void (called = true);
    await expect(producer.transaction({ topic: 't', body: 'x' }, work)).rejects.toMatchObject({
      code: 'RESPONSE_CODE',
    });
    expect(called).toBe(false);
  });

  it('is waited for by a shutdown', async () => {
    const producer = await producing();
    let release = (): void => undefined;
    const work = (): Promise<void> => new Promise((resolve) => (release = resolve));
    const running = producer.transaction({ topic: 't', body: 'x' }, work);
    await cluster.until('it runs', () => release.name !== 'release');
    const closing = producer.shutdown();
    release();
    await Promise.all([running, closing]);
    expect(await answered(1)).toBe(COMMIT);
  });
});

describe('a listener that takes its time', () => {
  it('is not asked about the transaction that it is at: its end is not known yet', async () => {
    let release = (_state: 'COMMIT_MESSAGE'): void => undefined;
    let checks = 0;
    const producer = await producing({
      transactionListener: {
        executeLocalTransaction: () => new Promise((resolve) => (release = resolve)),
        checkLocalTransaction: () => {
          checks++;
          return 'ROLLBACK_MESSAGE';
        },
      },
    });
    const sending = producer.sendMessageInTransaction({ topic: 't', body: 'x' });
    await cluster.until('it runs', () => release.name !== 'release');
    for (let check = 1; check <= 3; check++) {
      ask(cluster.broker.stored[0]!.properties.get('UNIQ_KEY')!);
      expect(await answered(check)).toBe(UNKNOWN);
    }
    release('COMMIT_MESSAGE');
    await sending;
    expect(await answered(4)).toBe(COMMIT);
    expect(checks).toBe(0);
  });
});
