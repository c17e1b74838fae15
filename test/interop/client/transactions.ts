// Tests the results of our client's transactions.
import { expect, test } from '@jest/globals';
import type { LocalTransactionState, Producer } from '@nest-rocketmq/client';
import { type MessageExt, MessageProperty } from '@nest-rocketmq/remoting/internal';
import { sorted } from '../harness/lists.js';
import { bodiesOf, type OurReader } from '../harness/our-reader.js';
import { type Peer, QUEUES, read, SEND_TIMEOUT_MS } from './peer.js';

const topic = 'ours_transaction';
const COMMITTED = ['commit', 'throw-commit', 'unknown-commit'];
const UNKNOWN = ['throw-commit', 'unknown-commit', 'unknown-rollback'];
/** A broker asks about what has no verdict after 3 s. */
const LATE_MS = 1_000;

export function declareTransactionTests(peer: Peer): void {
  test('only committed transactions are delivered, and the unknown are asked about', async () => {
    const { producer, checked, allAsked } = await startProducer(peer);
    const results = new Map<string, string>();
    const ended = new Map<string, number>();
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
    await reader.until(() => COMMITTED.every((body) => bodiesOf(reader.received).includes(body)), 'what is committed');
    await allAsked;
    await passFences(producer, reader);
    expectDelivered(reader.received, checked);
    // A broker may ask about one whose verdict was late, too.
    const hadVerdict = checked.filter(({ body }) => !UNKNOWN.includes(body.toString()));
    const isInTime = ({ body, bornTimestamp }: MessageExt): boolean =>
      ended.get(body.toString())! - bornTimestamp < LATE_MS;
    expect(bodiesOf(hadVerdict.filter(isInTime))).toEqual([]);
    const check = checked.find((message) => message.body.toString() === 'unknown-commit')!;
    expect(check.topic).toBe(topic);
    expect(check.properties.get(MessageProperty.KEYS)).toBe('key-unknown-commit');
  });
}

interface Asked {
  readonly producer: Producer;
  readonly checked: readonly MessageExt[];
  /** Resolves when the broker has asked about each that is unknown. */
  readonly allAsked: Promise<void>;
}

async function startProducer(peer: Peer): Promise<Asked> {
  const checked: MessageExt[] = [];
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
  return { producer, checked, allAsked };
}

/** Behind these, a rolled back message that is delivered all the same would have been seen. */
async function passFences(producer: Producer, reader: OurReader): Promise<void> {
  for (let queueId = 0; queueId < QUEUES; queueId++)
    await producer.send({ topic, body: 'fence' }, { messageQueue: { topic, brokerName: 'broker-a', queueId } });
  const fences = (): string[] => bodiesOf(reader.received).filter((body) => body === 'fence');
  await reader.until(() => fences().length === QUEUES, 'a fence in each queue');
}

function expectDelivered(received: readonly MessageExt[], checked: readonly MessageExt[]): void {
  const delivered = bodiesOf(received).filter((body) => body !== 'fence');
  expect(sorted([...new Set(delivered)])).toEqual(COMMITTED);
  // A broker that waits long for an answer asks again, and delivers what is committed again.
  const twice = delivered.filter((body, index) => delivered.indexOf(body) !== index);
  expect(twice.filter((body) => !bodiesOf(checked).includes(body))).toEqual([]);
  expect(new Set(received.map((message) => message.topic))).toEqual(new Set([topic]));
}
