// Holds what Apache's own tests of transactions hold (table 5.10), and what is beyond them: producers that come and go.
import { expect, test } from '@jest/globals';
import type { LocalTransactionState, Producer, ProducerOptions, RocketMQClient } from '@nest-rocketmq/client';
import { Reader } from './reader.js';
import type { Stage } from './stage.js';

type Check = (body: string) => LocalTransactionState;

interface Transacting {
  client: RocketMQClient;
  producer: Producer;
  checked: string[];
}

/** A producer whose listener executes by what stands before the dash of a body, and checks by what stands behind it. */
async function transacting(
  stage: Stage,
  group: string,
  topic: string,
  check: Check,
  options: Partial<ProducerOptions> = {},
): Promise<Transacting> {
  const client = await stage.newClient();
  const checked: string[] = [];
  const producer = client.createProducer({
    group,
    topics: [topic],
    sendMsgTimeout: 20_000,
    transactionListener: {
      executeLocalTransaction: (message) => stateOf(String(message.body).split('-')[0]!),
      checkLocalTransaction: (message) => {
        checked.push(message.body.toString());
        return check(message.body.toString());
      },
    },
    ...options,
  });
  await producer.start();
  return { client, producer, checked };
}

function stateOf(word: string): LocalTransactionState {
  if (word === 'commit') return 'COMMIT_MESSAGE';
  return word === 'rollback' ? 'ROLLBACK_MESSAGE' : 'UNKNOW';
}

const byBody: Check = (body) => stateOf(body.split('-')[1] ?? '');

async function readerOf(stage: Stage, topic: string): Promise<Reader> {
  return Reader.start(stage, { group: `${topic}_reader`, topic, consumeMode: 'CONCURRENTLY' });
}

/** Apache's broker delivers twice what it asks about twice, as it does where it, or an answer, takes more than a second. */
const delivered = ({ isVirtual }: Stage, { bodies }: Reader): string[] =>
  (isVirtual ? bodies : [...new Set(bodies)]).toSorted();

export function declareTransactionTests(stageOf: () => Stage): void {
  test('T157: of 120 messages in five patterns exactly the committed are seen, and no half message before', async () => {
    const stage = stageOf();
    const topic = 'T157';
    let decided = false;
    const { producer, checked } = await transacting(stage, 'T157_producer', topic, (body) =>
      decided ? byBody(body) : 'UNKNOW',
    );
    await producer.send({ topic, body: 'first' });
    const reader = await readerOf(stage, topic);
    const patterns = ['commit-', 'rollback-', 'unknown-commit', 'unknown-rollback', 'unknown-never'];
    const bodies = Array.from({ length: 120 }, (_, index) => `${patterns[index % 5]!}-${index}`);
    await Promise.all(
      bodies.map((body, index) =>
        producer.sendMessageInTransaction({ topic, body, keys: `key-${index}`, tags: 'T' }, undefined, {
          ...(index % 2 === 0 && { shardingKey: `order-${index % 7}` }),
        }),
      ),
    );
    const committed = bodies.filter((body) => body.startsWith('commit'));
    await stage.until('the committed', () => delivered(stage, reader).length >= 1 + committed.length);
    // A broker that hears of an end late asks about that one, too.
    const isUnknown = (body: string): boolean => stage.isVirtual || body.startsWith('unknown');
    await stage.until('all checks', () => new Set(checked.filter(isUnknown)).size === 72);
    expect(delivered(stage, reader)).toEqual(['first', ...committed].toSorted());
    decided = true;
    const later = bodies.filter((body) => body.startsWith('unknown-commit'));
    const all = 1 + committed.length + later.length;
    await stage.until('the committed by a check', () => delivered(stage, reader).length >= all);
    await stage.pass(1_500);
    expect(delivered(stage, reader)).toEqual(['first', ...committed, ...later].toSorted());
    for (const { body, message } of reader.got.filter((got) => got.body !== 'first')) {
      const index = Number(body.split('-').at(-1));
      expect(Object.fromEntries(message.properties)).toMatchObject({
        KEYS: `key-${index}`,
        TAGS: 'T',
        ...(index % 2 === 0 && { __SHARDINGKEY: `order-${index % 7}` }),
      });
    }
  });

  test('half messages of one sharding key are delivered in the queue of that key', async () => {
    const stage = stageOf();
    const topic = 'keyed_halves';
    const { producer } = await transacting(stage, 'keyed_halves_producer', topic, byBody);
    const { messageQueue } = await producer.send({ topic, body: 'first' }, { shardingKey: 'order-4711' });
    const reader = await readerOf(stage, topic);
    for (let step = 0; step < 5; step++) {
      await producer.transaction({ topic, body: `step-${step}` }, () => undefined, { shardingKey: 'order-4711' });
    }
    await stage.until('all', () => delivered(stage, reader).length === 6);
    // Apache's broker carries commits out in several threads: their order is not kept there.
    expect(delivered(stage, reader)).toEqual(['first', 'step-0', 'step-1', 'step-2', 'step-3', 'step-4']);
    expect(new Set(reader.got.map(({ message }) => message.queueId))).toEqual(new Set([messageQueue.queueId]));
  });

  test('a transaction ends by its handle, and by the return or throw of its function', async () => {
    const stage = stageOf();
    const topic = 'handles';
    const client = await stage.newClient();
    const producer = client.createProducer({ group: 'handles_producer', sendMsgTimeout: 20_000 });
    await producer.start();
    await producer.send({ topic, body: 'first' });
    const reader = await readerOf(stage, topic);
    const [kept, dropped] = [
      await producer.beginTransaction({ topic, body: 'committed' }),
      await producer.beginTransaction({ topic, body: 'rolled back' }),
    ];
    await producer.transaction({ topic, body: 'returned' }, () => Promise.resolve());
    const throwing = producer.transaction({ topic, body: 'thrown' }, () => Promise.reject(new Error('no')));
    await expect(throwing).rejects.toThrow('no');
    // Longer than the broker waits before it asks: an open one is of unknown end.
    await stage.pass(6_000);
    await kept.commit();
    await dropped.rollback();
    await stage.until('all', () => delivered(stage, reader).length >= 3);
    await stage.pass(3_000);
    expect(delivered(stage, reader)).toEqual(['committed', 'first', 'returned']);
  });

  test('a producer that comes back is asked about what it has left open', async () => {
    const stage = stageOf();
    const topic = 'producer_back';
    const first = await transacting(stage, 'producer_back_group', topic, () => 'UNKNOW');
    await first.producer.send({ topic, body: 'first' });
    for (const end of ['commit', 'rollback']) {
      await first.producer.sendMessageInTransaction({ topic, body: `unknown-${end}` });
    }
    await first.producer.beginTransaction({ topic, body: 'open-commit' });
    await first.client.shutdown();
    const second = await transacting(stage, 'producer_back_group', topic, byBody);
    const reader = await readerOf(stage, topic);
    await stage.until('the committed', () => delivered(stage, reader).length === 3);
    await stage.until('all checks', () => new Set(second.checked).size === 3);
    await stage.pass(1_500);
    expect(delivered(stage, reader)).toEqual(['first', 'open-commit', 'unknown-commit']);
  });

  test('of two producers of one group either answers for the other', async () => {
    const stage = stageOf();
    const topic = 'two_producers';
    const one = await transacting(stage, 'two_producers_group', topic, () => 'UNKNOW');
    const other = await transacting(stage, 'two_producers_group', topic, byBody);
    for (let index = 0; index < 6; index++) {
      await one.producer.sendMessageInTransaction({ topic, body: `unknown-commit-${index}` });
    }
    const reader = await readerOf(stage, topic);
    await stage.until('all', () => delivered(stage, reader).length === 6);
    expect(other.checked.length).toBeGreaterThanOrEqual(6);
  });

  test('a slow local transaction that is asked about while it runs ends as it says itself', async () => {
    const stage = stageOf();
    const topic = 'slow_transaction';
    let release: (() => void) | undefined;
    let isOver = false;
    const checked: string[] = [];
    const { producer } = await transacting(stage, 'slow_transaction_group', topic, byBody, {
      transactionListener: {
        executeLocalTransaction: () => new Promise((resolve) => (release = (): void => resolve('COMMIT_MESSAGE'))),
        checkLocalTransaction: ({ body }) => {
          // A broker that is slow or busy may still ask about what it has been told just now.
          if (stage.isVirtual || !isOver) checked.push(body.toString());
          return 'ROLLBACK_MESSAGE';
        },
      },
    });
    await producer.send({ topic, body: 'first' });
    const reader = await readerOf(stage, topic);
    const sending = producer.sendMessageInTransaction({ topic, body: 'slow' });
    await stage.until('it runs', () => release !== undefined);
    await stage.pass(8_000);
    isOver = true;
    release!();
    await sending;
    await stage.until('it', () => delivered(stage, reader).length === 2);
    await stage.pass(5_000);
    expect(delivered(stage, reader)).toEqual(['first', 'slow']);
    expect(checked).toEqual([]);
  });
}
