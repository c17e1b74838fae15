import { afterEach, describe, expect, it } from '@jest/globals';
import { Requests, ResponseCode } from '@nest-rocketmq/remoting/internal';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import { FakeCluster, NAME_SERVER } from '../../../test-kit/fake-cluster.js';
import { RocketMQClient } from '../../client.js';
import type { Producer } from '../producer.js';
import type { LocalTransactionState, OutgoingMessage } from '../options/producer-options.js';

const COMMIT = 8;
const ROLLBACK = 12;
const UNKNOWN = 0;

let cluster: FakeCluster;
let client: RocketMQClient;
let executed: (OutgoingMessage & { transactionId: string })[];
let checked: MessageExt[];

type Verdict = () => Promise<LocalTransactionState> | LocalTransactionState;

async function producing(execute: Verdict, check: Verdict = () => 'UNKNOW'): Promise<Producer> {
  cluster = new FakeCluster({ topics: { t: 1 } });
  executed = [];
  checked = [];
  client = new RocketMQClient({ nameServer: NAME_SERVER, dial: cluster.dial, clock: cluster.clock });
  const producer = client.createProducer({
    group: 'orders',
    topics: ['t'],
    transactionListener: {
      executeLocalTransaction: (message) => {
        executed.push(message);
        return execute();
      },
      checkLocalTransaction: (message) => {
        checked.push(message);
        return check();
      },
    },
  });
  await producer.start();
  return producer;
}

const ends = () => cluster.broker.requests('END_TRANSACTION');

/** The broker asks about a half message that it has. */
function ask(group = 'orders'): void {
  const record = cluster.broker.put('t', 0, 'half', {
    properties: { UNIQ_KEY: 'ABC', PGROUP: group, TRAN_MSG: 'true', REAL_TOPIC: 't' },
  });
  cluster.broker.connection.oneway(
    Requests.CHECK_TRANSACTION_STATE,
    { tranStateTableOffset: 7, commitLogOffset: 1234, msgId: 'ABC', transactionId: 'ABC', offsetMsgId: 'X' },
    { body: record },
  );
}

afterEach(async () => {
  await client.shutdown();
  await cluster.close();
  expect(cluster.clock.pending).toBe(0);
});

describe('a message in a transaction', () => {
  it('is stored as a half message before the local transaction runs, without its delay', async () => {
    let storedBefore = 0;
    const producer = await producing(() => {
      storedBefore = cluster.broker.stored.length;
      return 'COMMIT_MESSAGE';
    });
    const result = await producer.sendMessageInTransaction({ topic: 't', body: 'x', delayLevel: 2 }, 'argument');
    expect(storedBefore).toBe(1);
    const [half] = cluster.broker.stored;
    expect(half!.sysFlag).toBe(4);
    expect(Object.fromEntries(half!.properties)).toEqual({
      TRAN_MSG: 'true',
      PGROUP: 'orders',
      WAIT: 'true',
      UNIQ_KEY: result.msgId,
    });
    expect(executed[0]).toMatchObject({ topic: 't', body: 'x', transactionId: result.transactionId });
  });

  it.each([
    ['COMMIT_MESSAGE', COMMIT],
    ['ROLLBACK_MESSAGE', ROLLBACK],
    ['UNKNOW', UNKNOWN],
  ] as const)('whose listener says %s ends one-way with %i', async (state, commitOrRollback) => {
    const producer = await producing(() => state);
    const result = await producer.sendMessageInTransaction({ topic: 't', body: 'x' });
    await cluster.until('the end', () => ends().length === 1);
    expect(result.localTransactionState).toBe(state);
    expect(ends()[0]).toMatchObject({
      oneway: true,
      header: {
        topic: 't',
        producerGroup: 'orders',
        tranStateTableOffset: result.queueOffset,
        commitLogOffset: 0,
        commitOrRollback,
        fromTransactionCheck: false,
        msgId: result.msgId,
        transactionId: result.transactionId,
        bname: 'broker-a',
      },
    });
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('no database');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no database'))],
    ['says nothing', () => undefined as never],
  ])('whose listener %s is of unknown end: the broker will ask', async (_how, execute) => {
    const producer = await producing(execute);
    const result = await producer.sendMessageInTransaction({ topic: 't', body: 'x' });
    await cluster.until('the end', () => ends().length === 1);
    expect(result.localTransactionState).toBe('UNKNOW');
    expect(ends()[0]!.header['commitOrRollback']).toBe(UNKNOWN);
  });

  it('that is stored but not flushed is rolled back, and the listener is not called', async () => {
    const producer = await producing(() => 'COMMIT_MESSAGE');
    cluster.broker.next('SEND_MESSAGE_V2', () => ({
      code: ResponseCode.FLUSH_DISK_TIMEOUT,
      header: { msgId: '7F00000100002A9F0000000000000000', queueId: 0, queueOffset: 3 } as never,
    }));
    const result = await producer.sendMessageInTransaction({ topic: 't', body: 'x' });
    await cluster.until('the end', () => ends().length === 1);
    expect(result.localTransactionState).toBe('ROLLBACK_MESSAGE');
    expect(ends()[0]!.header['commitOrRollback']).toBe(ROLLBACK);
    expect(executed).toEqual([]);
  });

  it('that could not be stored is an error, and the listener is not called', async () => {
    const producer = await producing(() => 'COMMIT_MESSAGE');
    cluster.takeDown(cluster.broker.address);
    const sending = expect(producer.sendMessageInTransaction({ topic: 't', body: 'x' })).rejects.toThrow(
      /the message may be stored: the connection to .* Last attempt: cannot connect to broker-a:10911: connection refused/,
    );
    await cluster.clock.advance(3_000);
    await sending;
    expect(executed).toEqual([]);
  });

  it('has its end told to a broker that is back within 3 s', async () => {
    const producer = await producing(async (): Promise<LocalTransactionState> => {
      cluster.takeDown(cluster.broker.address);
      await new Promise((resolve) => setImmediate(resolve));
      return 'COMMIT_MESSAGE';
    });
    const sending = producer.sendMessageInTransaction({ topic: 't', body: 'x' });
    await cluster.clock.advance(2_000);
    cluster.bringUp(cluster.broker.address);
    await cluster.clock.advance(1_000);
    expect((await sending).localTransactionState).toBe('COMMIT_MESSAGE');
    expect(ends()[0]!.header['commitOrRollback']).toBe(COMMIT);
  });

  it('needs a listener', async () => {
    await producing(() => 'COMMIT_MESSAGE');
    const plain = client.createProducer({ group: 'plain' });
    await plain.start();
    await expect(plain.sendMessageInTransaction({ topic: 't', body: 'x' })).rejects.toThrow(/transactionListener/);
  });
});

describe('a check of a transaction', () => {
  it('can come before the first send: brokers know the group from the start', async () => {
    await producing(() => 'UNKNOW');
    expect(cluster.broker.heartbeats[0]!.producerGroups).toEqual(['orders']);
  });

  it.each([
    ['COMMIT_MESSAGE', COMMIT],
    ['ROLLBACK_MESSAGE', ROLLBACK],
    ['UNKNOW', UNKNOWN],
  ] as const)('is answered with %s over the connection that it came by', async (state, commitOrRollback) => {
    await producing(
      () => 'UNKNOW',
      () => state,
    );
    ask();
    await cluster.until('the answer', () => ends().length === 1);
    expect(checked[0]).toMatchObject({ topic: 't', msgId: 'ABC' });
    expect(ends()[0]).toMatchObject({
      oneway: true,
      header: {
        producerGroup: 'orders',
        tranStateTableOffset: 7,
        commitLogOffset: 1234,
        commitOrRollback,
        fromTransactionCheck: true,
        msgId: 'ABC',
        transactionId: 'ABC',
      },
    });
  });

  it('whose listener throws is answered as unknown, with the reason', async () => {
    await producing(
      () => 'UNKNOW',
      () => Promise.reject(new Error('no database')),
    );
    ask();
    await cluster.until('the answer', () => ends().length === 1);
    expect(ends()[0]!.header['commitOrRollback']).toBe(UNKNOWN);
  });

  it('of a group that is not here is left to others', async () => {
    await producing(() => 'UNKNOW');
    ask('another');
    await cluster.clock.advance(0);
    expect(checked).toEqual([]);
    expect(ends()).toEqual([]);
  });

  it('that comes again while the listener still looks does not call it twice', async () => {
    let answer = (_state: LocalTransactionState): void => undefined;
    await producing(
      () => 'UNKNOW',
      () => new Promise((resolve) => (answer = resolve)),
    );
    ask();
    ask();
    await cluster.until('looking', () => checked.length > 0);
    await cluster.clock.advance(0);
    answer('COMMIT_MESSAGE');
    await cluster.until('the answer', () => ends().length === 1);
    expect(checked).toHaveLength(1);
  });
});
