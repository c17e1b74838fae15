// Tests the results of our client's transactions.
import { expect, test } from '@jest/globals';
import type { LocalTransactionState } from '@nest-rocketmq/client';
import { type MessageExt, MessageProperty } from '@nest-rocketmq/remoting/internal';
import { sorted } from '../harness/lists.js';
import { bodiesOf } from '../harness/our-reader.js';
import { type Peer, QUEUES, read, SEND_TIMEOUT_MS } from './peer.js';

export function declareTransactionTests(peer: Peer): void {
  test('only committed transactions are delivered, and the unknown are asked about', async () => {
    const topic = 'ours_transaction';
    const checked: MessageExt[] = [];
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
          return message.body.toString().endsWith('commit') ? 'COMMIT_MESSAGE' : 'ROLLBACK_MESSAGE';
        },
      },
    });
    await producer.start();
    const results = new Map<string, string>();
    for (const body of ['commit', 'rollback', 'unknown-commit', 'unknown-rollback', 'throw-commit']) {
      const result = await producer.sendMessageInTransaction({ topic, body, keys: `key-${body}` });
      results.set(body, result.localTransactionState);
    }
    expect(Object.fromEntries(results)).toEqual({
      commit: 'COMMIT_MESSAGE',
      rollback: 'ROLLBACK_MESSAGE',
      'unknown-commit': 'UNKNOW',
      'unknown-rollback': 'UNKNOW',
      'throw-commit': 'UNKNOW',
    });
    const reader = await read(peer, topic);
    const received = [...(await reader.take(3))];
    expect(sorted(bodiesOf(received))).toEqual(['commit', 'throw-commit', 'unknown-commit']);
    expect(new Set(received.map((message) => message.topic))).toEqual(new Set([topic]));
    // Behind these, a rolled back message that is delivered all the same would have been seen.
    for (let queueId = 0; queueId < QUEUES; queueId++) {
      await producer.send({ topic, body: 'fence' }, { messageQueue: { topic, brokerName: 'broker-a', queueId } });
    }
    expect(bodiesOf((await reader.take(3 + QUEUES)).slice(3))).toEqual(['fence', 'fence', 'fence', 'fence']);
    expect(sorted([...new Set(bodiesOf(checked))])).toEqual(['throw-commit', 'unknown-commit', 'unknown-rollback']);
    const check = checked.find((message) => message.body.toString() === 'unknown-commit')!;
    expect(check.topic).toBe(topic);
    expect(check.properties.get(MessageProperty.KEYS)).toBe('key-unknown-commit');
  });
}
