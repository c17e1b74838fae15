// Tests the results of our client's transactions.
import { expect, test } from '@jest/globals';
import type { LocalTransactionState } from '@nest-rocketmq/client';
import { type MessageExt, MessageProperty } from '@nest-rocketmq/remoting/internal';
import { sorted } from '../harness/lists.js';
import { bodiesOf } from '../harness/our-reader.js';
import { type Peer, QUEUES, read, SEND_TIMEOUT_MS } from './peer.js';

const UNKNOWN = ['throw-commit', 'unknown-commit', 'unknown-rollback'];
/** A broker asks about what has no verdict after 3 s. */
const LATE_MS = 1_000;

export function declareTransactionTests(peer: Peer): void {
  test('only committed transactions are delivered, and the unknown are asked about', async () => {
    const topic = 'ours_transaction';
    const checked: MessageExt[] = [];
    const ended = new Map<string, number>();
    let haveAsked = (): void => undefined;
    const allAsked = new Promise<void>((resolve) => (haveAsked = resolve));
    const states: Record<string, LocalTransactionState> = { commit: 'COMMIT_MESSAGE', rollback: 'ROLLBACK_MESSAGE' };
    const producer = peer.client.createProducer({
      group: 'ours_transactions',
      sendMsgTimeout: SEND_TIMEOUT_MS,
      transactionListener: {
        executeLocalTransaction: (message) => {
          const body = message.body.toString();
          if (body.startsWith('throw')) throw new Error('the local transaction failed half way');
          return states[body] ?? 'UNKNOW';
        },
        checkLocalTransaction: (message) => {
          checked.push(message);
          if (UNKNOWN.every((body) => bodiesOf(checked).includes(body))) haveAsked();
          return message.body.toString().endsWith('commit') ? 'COMMIT_MESSAGE' : 'ROLLBACK_MESSAGE';
        },
      },
    });
    await producer.start();
    const results = new Map<string, string>();
    for (const body of ['commit', 'rollback', 'unknown-commit', 'unknown-rollback', 'throw-commit']) {
      const result = await producer.sendMessageInTransaction({ topic, body, keys: `key-${body}` });
      results.set(body, result.localTransactionState);
      ended.set(body, Date.now());
    }
    expect(Object.fromEntries(results)).toEqual({
      commit: 'COMMIT_MESSAGE',
      rollback: 'ROLLBACK_MESSAGE',
      'unknown-commit': 'UNKNOW',
      'unknown-rollback': 'UNKNOW',
      'throw-commit': 'UNKNOW',
    });
    const reader = await read(peer, topic);
    const committed = ['commit', 'throw-commit', 'unknown-commit'];
    const received = (): string[] => bodiesOf(reader.received);
    await reader.until(() => committed.every((body) => received().includes(body)), 'what is committed');
    await allAsked;
    // Behind these, a rolled back message that is delivered all the same would have been seen.
    for (let queueId = 0; queueId < QUEUES; queueId++) {
      await producer.send({ topic, body: 'fence' }, { messageQueue: { topic, brokerName: 'broker-a', queueId } });
    }
    await reader.until(() => received().filter((body) => body === 'fence').length === QUEUES, 'a fence in each queue');
    const delivered = received().filter((body) => body !== 'fence');
    expect(sorted([...new Set(delivered)])).toEqual(committed);
    // A broker that waits long for an answer asks again, and delivers what is committed again.
    const twice = delivered.filter((body, index) => delivered.indexOf(body) !== index);
    expect(twice.filter((body) => !bodiesOf(checked).includes(body))).toEqual([]);
    expect(new Set(reader.received.map((message) => message.topic))).toEqual(new Set([topic]));
    // It may ask about one whose verdict was late, too.
    const hadVerdict = checked.filter(({ body }) => !UNKNOWN.includes(body.toString()));
    const inTime = hadVerdict.filter(
      ({ body, bornTimestamp }) => ended.get(body.toString())! - bornTimestamp < LATE_MS,
    );
    expect(bodiesOf(inTime)).toEqual([]);
    const check = checked.find((message) => message.body.toString() === 'unknown-commit')!;
    expect(check.topic).toBe(topic);
    expect(check.properties.get(MessageProperty.KEYS)).toBe('key-unknown-commit');
  });
}
