import { describe, expect, test } from '@jest/globals';
import { Outcome } from '@nest-rocketmq/client';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import type { DiscoveredListener } from '../discovery/listener-explorer.js';
import type { Message } from '../decorators/message.js';
import type { RocketMQBatchContext } from '../decorators/rocketmq-batch-context.js';
import { MessageDecodeError } from '../errors.js';
import { addBatchArgs } from '../pipeline/batch-args.js';
import { callBatch } from './batch-call.js';
import type { BatchCallParts } from './batch-call.js';
import { RetryPolicy } from './retry-policy.js';

const LISTENER = { name: 'Orders' } as DiscoveredListener;
const SIGNAL = new AbortController().signal;
const NO = new Error('no');

class Hopeless extends Error {}

const message = (body: string): MessageExt =>
  ({ topic: 't', body: Buffer.from(body), properties: new Map(), reconsumeTimes: 0 }) as unknown as MessageExt;

/** What becomes of messages a, b, c: 'ack', or what stands for another outcome; and the lists that the listener has had. */
async function called(
  handle: (messages: Message[], context: RocketMQBatchContext) => unknown,
  more: Partial<BatchCallParts> = {},
): Promise<{ outcomes: string[]; lists: string[] }> {
  const lists: string[] = [];
  const parts: BatchCallParts = {
    group: 'g',
    keepsOrder: false,
    signal: SIGNAL,
    listenerFor: () => LISTENER,
    policyOf: () => new RetryPolicy({ notRetryable: [Hopeless] }),
    payload: (_listener, { message: { body } }) => body.toString(),
    handle: async (_listener, messages, context) => {
      const result: unknown = await handle(messages, context);
      lists.push(context.messages.map(({ payload }) => String(payload)).join(''));
      return result;
    },
    ...more,
  };
  const results = await callBatch(parts, ['a', 'b', 'c'].map(message));
  const outcomes = results.map(({ failure }) => {
    if (!failure) return 'ack';
    return failure.outcome === Outcome.untried ? 'untried' : failure.outcome.kind;
  });
  return { outcomes, lists };
}

/** A pipe that refuses b. */
const piped =
  (error: Error) =>
  async (_messages: Message[], context: RocketMQBatchContext): Promise<void> => {
    const refuses = (payload: unknown): unknown => {
      if (payload === 'b') throw error;
      return payload;
    };
    const param = { index: 0, metadata: { type: 'body' }, value: (payload: unknown) => payload } as never;
    await addBatchArgs([], [{ param, pipes: [{ transform: refuses }] }], context, {} as never);
  };

const failingB =
  (error?: unknown) =>
  (messages: Message[]): void =>
    messages.find(({ payload }) => payload === 'b')?.fail(error);

describe('where order is not kept', () => {
  test.each<[string, Parameters<typeof called>, string[], string[]]>([
    ['all are consumed', [() => undefined], ['ack', 'ack', 'ack'], ['abc']],
    ['one fails', [failingB()], ['ack', 'retry', 'ack'], ['abc']],
    ['one is hopeless', [failingB(new Hopeless())], ['ack', 'deadLetter', 'ack'], ['abc']],
    ['a pipe refuses one', [piped(NO)], ['ack', 'retry', 'ack'], ['ac']],
    ['the listener throws', [() => Promise.reject(NO)], ['retry', 'retry', 'retry'], []],
  ])('%s', async (_what, call, outcomes, lists) => {
    expect(await called(...call)).toEqual({ outcomes, lists });
  });

  test('a body that cannot be read is a dead letter, and the listener has the others', async () => {
    const payload: BatchCallParts['payload'] = (_listener, { message: { body } }) => {
      if (body.toString() === 'b') throw new MessageDecodeError('no JSON');
      return body.toString();
    };
    for (const keepsOrder of [false, true]) {
      const { outcomes, lists } = await called(() => undefined, { payload, keepsOrder });
      expect([outcomes, lists]).toEqual([['ack', 'deadLetter', 'ack'], ['ac']]);
    }
  });

  test('a message without a listener fails by itself', async () => {
    const listenerFor: BatchCallParts['listenerFor'] = ({ message: { body } }) => {
      if (body.toString() === 'a') throw NO;
      return LISTENER;
    };
    expect(await called(() => undefined, { listenerFor })).toEqual({
      outcomes: ['retry', 'ack', 'ack'],
      lists: ['bc'],
    });
    const inOrder = await called(() => undefined, { listenerFor, keepsOrder: true });
    expect(inOrder).toEqual({ outcomes: ['retry', 'untried', 'untried'], lists: [] });
  });

  test('inPlace tries again only what failed, and nothing that is hopeless', async () => {
    const policyOf = (): RetryPolicy => new RetryPolicy({ inPlace: 2, notRetryable: [Hopeless] });
    expect(await called(failingB(NO), { policyOf })).toEqual({
      outcomes: ['ack', 'retry', 'ack'],
      lists: ['abc', 'b', 'b'],
    });
    expect((await called(failingB(new Hopeless()), { policyOf })).lists).toEqual(['abc']);
    expect((await called(failingB(Outcome.retry), { policyOf })).lists).toEqual(['abc']);
  });
});

describe('where order is kept', () => {
  test.each<[string, Parameters<typeof called>[0], string[], string[]]>([
    ['what comes after a failure comes again', failingB(), ['ack', 'retry', 'untried'], ['abc']],
    ['a dead letter holds up nothing', failingB(new Hopeless()), ['ack', 'deadLetter', 'ack'], ['abc']],
    ['what comes after a refused one is not handed over', piped(NO), ['ack', 'retry', 'untried'], ['a']],
  ])('%s', async (_what, handle, outcomes, lists) => {
    expect(await called(handle, { keepsOrder: true })).toEqual({ outcomes, lists });
  });

  test('inPlace goes on from the one that failed', async () => {
    const policyOf = (): RetryPolicy => new RetryPolicy({ inPlace: 1 });
    let calls = 0;
    const { outcomes, lists } = await called((messages) => (++calls === 1 ? failingB(NO)(messages) : undefined), {
      policyOf,
      keepsOrder: true,
    });
    expect([outcomes, lists]).toEqual([
      ['ack', 'ack', 'ack'],
      ['abc', 'bc'],
    ]);
  });
});
