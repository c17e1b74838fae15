// Tests what is answered about transactions that this process has open.
import { describe, expect, it } from '@jest/globals';
import { ManualClock, MessageProperty, silentLogger } from '@nest-rocketmq/remoting/internal';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import type { TransactionCheck } from '../../groups/group-registry.js';
import type { SendResult } from '../options/producer-options.js';
import { Transactions } from './transaction.js';

const A = 'broker-a:10911';
const B = 'broker-b:10911';
const UNKNOWN = 0;
const COMMIT = 8;

function transactions() {
  const told: Record<string, unknown>[] = [];
  const clock = new ManualClock();
  const all = new Transactions({
    group: 'orders',
    listener: { executeLocalTransaction: () => 'UNKNOW', checkLocalTransaction: () => 'COMMIT_MESSAGE' },
    clock,
    closing: new AbortController().signal,
    logger: silentLogger,
    routes: { brokerAddress: (name: string) => (name === 'broker-a' ? A : B) } as never,
    brokers: {
      oneway: (address: string, _row: unknown, header: object) => {
        told.push({ address, ...header });
        return Promise.resolve();
      },
    } as never,
  });
  /** The broker at this address asks. @returns what it is answered */
  const ask = async (transactionId: string, address = A, commitLogOffset = 1): Promise<unknown> => {
    let answer: Record<string, unknown> = {};
    const oneway = (_row: unknown, header: Record<string, unknown>): void => void (answer = header);
    const header = { transactionId, tranStateTableOffset: 1, commitLogOffset };
    const message = {
      topic: 't',
      msgId: transactionId,
      properties: new Map([[MessageProperty.UNIQ_KEY, transactionId]]),
    };
    all.check(
      { header, connection: { address, oneway } } as unknown as TransactionCheck,
      message as unknown as MessageExt,
    );
    await clock.advance(0);
    return answer['commitOrRollback'];
  };
  return { all, told, ask };
}

const half = (transactionId: string): SendResult => ({
  sendStatus: 'SEND_OK',
  msgId: transactionId,
  transactionId,
  offsetMsgId: '7F00000100002A9F0000000000000063',
  messageQueue: { topic: 't', brokerName: 'broker-a', queueId: 0 },
  queueOffset: 5,
  regionId: 'DefaultRegion',
  traceOn: false,
});

describe('transactions that are open', () => {
  it('are 10000 at most: of those before, the listener is asked', async () => {
    const { all, ask } = transactions();
    for (let i = 0; i <= 10_000; i++) await all.begin(half(`T${i}`));
    expect(await ask('T1')).toBe(UNKNOWN);
    expect(await ask('T0')).toBe(COMMIT);
  });

  it('are ended where their broker has stored them last, whatever another broker asks', async () => {
    const { all, told, ask } = transactions();
    const transaction = await all.begin(half('T'));
    expect(await ask('T', A, 777)).toBe(UNKNOWN);
    expect(await ask('T', B, 888)).toBe(UNKNOWN);
    await transaction.commit();
    expect(told).toMatchObject([{ address: A, bname: 'broker-a', commitLogOffset: 777 }]);
    expect(told[0]).not.toHaveProperty('brokerName');
  });
});
