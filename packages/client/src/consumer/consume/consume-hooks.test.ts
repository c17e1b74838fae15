import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it } from '@jest/globals';
import { aConsumer, bodies, consuming, on } from '../../../test-kit/consuming.js';
import { FakeCluster } from '../../../test-kit/fake-cluster.js';
import type {
  ConsumedMessageContext,
  ConsumerHook,
  ReceivedMessageContext,
  SettledMessageContext,
} from '../options/consumer-hooks.js';
import type { MessageListener, PushConsumerOptions } from '../options/consumer-options.js';
import { Outcome } from '../options/outcome.js';

const FIRST = { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' } as const;

function cluster(...texts: string[]): FakeCluster {
  const fake = new FakeCluster({ topics: { t: 1 } });
  for (const text of texts) fake.broker.put('t', 0, text);
  return fake;
}

/** What the hook was told. */
interface Told {
  readonly hook: ConsumerHook;
  readonly events: string[];
  readonly consumed: ConsumedMessageContext[];
  readonly settled: SettledMessageContext[];
  readonly received: ReceivedMessageContext[];
}

function told(): Told {
  const events: string[] = [];
  const consumed: ConsumedMessageContext[] = [];
  const settled: SettledMessageContext[] = [];
  const received: ReceivedMessageContext[] = [];
  const hook: ConsumerHook = {
    hookName: 'spy',
    consumeMessageBefore: ({ topic }) => void events.push(`before ${topic}`),
    consumeMessageAfter: (context) => void (events.push(`after ${context.topic}`), consumed.push(context)),
    settleMessageBefore: ({ message }) => void events.push(`settling ${message.body.toString()}`),
    settleMessageAfter: (context) => void settled.push(context),
    receiveMessageBefore: () => void events.push('receiving'),
    receiveMessageAfter: (context) => void received.push(context),
  };
  return { hook, events, consumed, settled, received };
}

describe('a hook around the listener', () => {
  it('is told before and after each call, and runs what must surround it', async () => {
    const spy = told();
    const storage = new AsyncLocalStorage<string>();
    const around = (name: string): ConsumerHook => ({
      hookName: name,
      aroundListener: (_context, call) => storage.run(`${storage.getStore() ?? ''}${name}`, call),
    });
    const inside: unknown[] = [];
    await consuming(cluster('a'), {
      ...FIRST,
      hooks: [around('x'), spy.hook, around('y')],
      listener: (messages) => void (inside.push(storage.getStore()), on.got.push(...messages)),
    });
    await on.cluster.until('consumed', () => spy.consumed.length === 1);
    expect([inside, spy.events, bodies()]).toEqual([['xy'], ['before t', 'after t'], ['a']]);
    expect(spy.consumed[0]).toMatchObject({
      consumerGroup: 'stock',
      clientId: on.client.clientId,
      namespace: '',
      messageModel: 'CLUSTERING',
      isBatch: false,
      messageQueue: { topic: 't', queueId: 0 },
      brokerAddr: on.cluster.broker.address,
      outcomes: [Outcome.ack],
      exception: undefined,
    });
  });

  const failure = new Error('no');
  it.each<[string, MessageListener, Partial<ConsumedMessageContext>]>([
    ['throws', () => Promise.reject(failure), { outcomes: undefined, exception: failure }],
    ['throws an outcome', () => Promise.reject(Outcome.retry as unknown as Error), { outcomes: [Outcome.retry] }],
    ['returns one', () => Outcome.retry.because(failure), { outcomes: [Outcome.retry.because(failure)] }],
    ['returns a word', () => 'RECONSUME_LATER', { outcomes: [Outcome.retry] }],
  ])('is told that the listener %s, and that the message is given back', async (_what, fails, expected) => {
    const spy = told();
    let calls = 0;
    const listener: PushConsumerOptions['listener'] = (...call) => (calls++ === 0 ? fails(...call) : undefined);
    await consuming(cluster('a'), { ...FIRST, hooks: [spy.hook], listener });
    await on.cluster.until('given back', () => spy.settled.length === 1);
    expect(spy.consumed[0]).toMatchObject(expected);
    expect(spy.settled[0]).toMatchObject({ topic: 't', consumerGroup: 'stock', success: true });
    expect(spy.settled[0]!.outcome.kind).toBe('retry');
    expect(spy.events.slice(0, 3)).toEqual(['before t', 'after t', 'settling a']);
  });

  it('that is not enabled is not called', async () => {
    const spy = told();
    await consuming(cluster('a'), { ...FIRST, hooks: [{ ...spy.hook, isEnabled: () => false }] });
    await on.cluster.until('consumed', () => on.got.length === 1);
    expect([spy.events, spy.consumed, bodies()]).toEqual([[], [], ['a']]);
  });

  it('is told of a list as one call', async () => {
    const spy = told();
    await consuming(cluster('a', 'b'), { ...FIRST, hooks: [spy.hook], consumeMessageBatchMaxSize: 8 });
    await on.cluster.until('consumed', () => spy.consumed.length === 1);
    expect(spy.consumed[0]).toMatchObject({ isBatch: true, messages: [{}, {}], outcomes: [{}, {}] });
  });
});

it('a hook is told what a consumer that pulls hands out', async () => {
  const spy = told();
  aConsumer(cluster('a', 'b'));
  const consumer = on.client.createLitePullConsumer({
    ...FIRST,
    group: 'pullers',
    subscriptions: [{ topic: 't' }],
    hooks: [spy.hook],
  });
  await consumer.start();
  await on.cluster.clock.advance(1_000);
  const messages = await consumer.poll({ max: 2, timeout: 0 });
  await consumer.poll({ timeout: 0 });
  expect(spy.received).toMatchObject([
    { consumerGroup: 'pullers', topic: 't', messages, brokerAddr: on.cluster.broker.address },
    { topic: undefined, messages: [], brokerAddr: undefined },
  ]);
  expect([messages.length, spy.events]).toEqual([2, ['receiving', 'receiving']]);
});
