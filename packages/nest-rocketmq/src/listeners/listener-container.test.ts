import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { BadRequestException, Logger } from '@nestjs/common';
import { Outcome } from '@nest-rocketmq/client';
import type { ConsumeContext, PushConsumerOptions, RocketMQClient } from '@nest-rocketmq/client';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import { MessageDecodeError } from '../errors.js';
import { ListenerContainer } from './listener-container.js';
import type { Consumption } from './container-settings.js';
import type { DiscoveredListener } from '../discovery/listener-explorer.js';
import { ListenerEvents } from './listener-events.js';
import { ListenerGroup } from './listener-groups.js';
import type { ListenerOptions } from '../discovery/listener-options.js';
import { JsonMessageConverter } from '../message/message-converter.js';
import type { RocketMQContext } from '../decorators/rocketmq-context.js';

Logger.overrideLogger(false);

let consumptions: Consumption[];
let consumer: PushConsumerOptions;
let shutdowns: unknown[];

beforeEach(() => {
  consumptions = [];
  shutdowns = [];
});

function message(body: string, fields: Partial<MessageExt> = {}): MessageExt {
  return {
    topic: 'orders',
    body: Buffer.from(body),
    properties: new Map([
      ['TAGS', 'created'],
      ['KEYS', 'k1 k2'],
      ['colour', 'red'],
    ]),
    msgId: 'ID',
    queueId: 3,
    queueOffset: 42,
    reconsumeTimes: 2,
    bornTimestamp: 1000,
    storeTimestamp: 2000,
    ...fields,
  } as MessageExt;
}

function delivery(): ConsumeContext {
  const messageQueue = { topic: 'orders', brokerName: 'b', queueId: 3 };
  return {
    messageQueue,
    delayLevelWhenNextConsume: 0,
    ackIndex: 0,
    suspendCurrentQueueTimeMillis: -1,
    signal: new AbortController().signal,
  };
}

function container(
  handle: DiscoveredListener['handle'],
  options: Partial<ListenerOptions> = {},
  handleAtOnce = handle as NonNullable<DiscoveredListener['handleAtOnce']>,
): ListenerContainer {
  const group = new ListenerGroup('group');
  const listener = { name: 'Listener', options: { topic: 'orders', ...options }, handle, handleAtOnce };
  group.add({ ...listener, reading: { kind: 'json' } });
  const client = {
    createPushConsumer(given: PushConsumerOptions) {
      consumer = given;
      return { shutdown: (how: unknown) => Promise.resolve(void shutdowns.push(how)) };
    },
  } as unknown as RocketMQClient;
  return new ListenerContainer(client, group, {
    converter: new JsonMessageConverter(),
    defaults: { concurrency: 5, maxReconsumeTimes: 3 },
    onConsumption: (consumption) => void consumptions.push(consumption),
    events: new ListenerEvents(),
    track: (call) => call(),
  });
}

test("the consumer has the group's subscriptions and settings; the listener's own win over the app's defaults", () => {
  container(() => Promise.resolve(), {
    concurrency: 1,
    tags: 'created',
    consumeMode: 'ORDERLY',
    suspendCurrentQueueTimeMillis: '2s',
  });
  expect(consumer).toMatchObject({
    group: 'group',
    subscriptions: [{ topic: 'orders', expression: 'created' }],
    consumeConcurrency: 1,
    consumeMode: 'ORDERLY',
    suspendCurrentQueueTimeMillis: 2_000,
    maxReconsumeTimes: 3,
  });
});

test('a listener that has nothing to wait for takes no promise, and what it says counts all the same', async () => {
  const never = (): Promise<unknown> => Promise.reject(new Error('not called'));
  const returns: unknown[] = [undefined, Outcome.retryLater('1s'), Promise.resolve(Outcome.toDeadLetter('late'))];
  const running: number[] = [];
  const calls = container(never, {}, () => {
    running.push(calls.running);
    return returns.shift();
  });
  expect(consumer.listener([message('{}')], delivery())).toBeUndefined();
  expect(consumer.listener([message('{}')], delivery())).toMatchObject({ kind: 'retry', delay: 1_000 });
  const later = consumer.listener([message('{}')], delivery());
  expect(calls.running).toBe(1);
  await expect(later).resolves.toMatchObject({ kind: 'deadLetter', reason: 'late' });
  expect([running, calls.running]).toEqual([[1, 1, 1], 0]);
  expect(consumptions.map(({ outcome }) => outcome)).toEqual(['consumed', 'failed', 'failed']);
});

test('a listener is given the payload and all about the delivery', async () => {
  let given: [unknown, RocketMQContext] | undefined;
  container((payload, context) => Promise.resolve(void (given = [payload, context as RocketMQContext])));
  const raw = message('{"id":1}');
  const { signal } = delivery();
  await expect(consumer.listener([raw], { ...delivery(), signal })).resolves.toBeUndefined();
  const [payload, context] = given!;
  expect(payload).toEqual({ id: 1 });
  expect(context).toMatchObject({
    topic: 'orders',
    tags: 'created',
    keys: ['k1', 'k2'],
    msgId: 'ID',
    group: 'group',
    reconsumeTimes: 2,
    queueId: 3,
    queueOffset: 42,
    bornTimestamp: 1000,
    storeTimestamp: 2000,
    message: raw,
    signal,
  });
  expect(context.properties.get('colour')).toBe('red');
  expect(consumptions).toMatchObject([{ group: 'group', outcome: 'consumed' }]);
});

describe('never a silent ack:', () => {
  test.each<[string, DiscoveredListener['handle']]>([
    [
      'a throw',
      () => {
        throw new Error('no');
      },
    ],
    ['a rejected promise', () => Promise.reject(new Error('no'))],
  ])('%s asks for a redelivery', async (_what, handle) => {
    container(handle);
    const context = delivery();
    await expect(consumer.listener([message('1')], context)).resolves.toBe(Outcome.retry);
    expect(consumptions).toMatchObject([{ outcome: 'failed', error: expect.objectContaining({ message: 'no' }) }]);
  });

  test('a body that cannot be read goes to the dead letters at once', async () => {
    container(() => Promise.resolve());
    const context = delivery();
    await expect(consumer.listener([message('<xml/>')], context)).resolves.toMatchObject({
      kind: 'deadLetter',
      reason: expect.stringMatching(/not JSON/),
    });
    expect(consumptions[0]!.error).toBeInstanceOf(MessageDecodeError);
  });

  test('a message that the group has no listener for any more is delivered again', async () => {
    container(() => Promise.resolve(), { tags: 'paid' });
    await expect(consumer.listener([message('1')], delivery())).resolves.toBe(Outcome.retry);
    expect(String(consumptions[0]!.error)).toMatch(/no listener for topic 'orders' with tag 'created'/);
  });
});

test('stopping waits with the deadline that it is given', async () => {
  await container(() => Promise.resolve()).stop(1234);
  expect(shutdowns).toEqual([{ deadline: 1234, onAbandoned: expect.any(Function) }]);
});

describe('the log of a failure', () => {
  const fail = async (error: unknown, options: Partial<ListenerOptions> = {}, reconsumeTimes = 0) => {
    const lines: string[] = [];
    jest.spyOn(Logger.prototype, 'warn').mockImplementation((line: unknown) => void lines.push(String(line)));
    container(() => Promise.reject(error as Error), options);
    await consumer.listener([message('1', { reconsumeTimes })], delivery());
    expect(lines).toHaveLength(1);
    return lines[0]!;
  };

  afterEach(() => void jest.restoreAllMocks());

  test.each<[string, Partial<ListenerOptions>, number, string]>([
    ['comes again', {}, 0, 'to be delivered again'],
    ['has come for the last time', {}, 3, 'on its way to %DLQ%group'],
    ['is one of an ordered queue', { consumeMode: 'ORDERLY' }, 0, 'to be tried again in its place'],
    ['is one of a key', { consumeMode: 'KEY_ORDERED' }, 3, 'on its way to %DLQ%group'],
    ['is tried without end', { consumeMode: 'ORDERLY', maxReconsumeTimes: -1 }, 60, 'to be tried again in its place'],
    ['is a broadcast', { messageModel: 'BROADCASTING' }, 0, 'not to be delivered again, since it is a broadcast'],
    ['is a broadcast of a group with retries', { messageModel: 'BROADCASTING' }, 3, 'not to be delivered again'],
  ])('says what becomes of a message that %s, and names the listener', async (_what, options, times, fate) => {
    const line = await fail(new Error('no'), options, times);
    expect(line).toContain(`message ID of topic orders failed in Listener at delivery ${times + 1}, ${fate}`);
  });

  test('is not repeated each second for a message that holds up its queue', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    container(() => Promise.reject(new Error('no')), { consumeMode: 'ORDERLY', maxReconsumeTimes: -1 });
    for (let times = 0; times < 120; times++) {
      await consumer.listener([message('1', { reconsumeTimes: times })], delivery());
    }
    expect(warn).toHaveBeenCalledTimes(4);
  });

  test('says which constraints were not met', async () => {
    const error = new BadRequestException(['quantity must be an integer number', 'id should not be empty']);
    expect(await fail(error)).toMatch(
      /BadRequestException: Bad Request.*: quantity must be an integer number; id should not be empty\n +at /,
    );
    expect(await fail(new BadRequestException('plain'), {}, 1)).toMatch(/: BadRequestException: plain$/);
    expect(await fail(new BadRequestException({ message: [{ path: 'id' }] }), {}, 1)).toMatch(/: \{"path":"id"\}$/);
  });

  test('is bounded, whatever was thrown', async () => {
    const long = 'x'.repeat(100_000);
    for (const error of [new Error(long), new BadRequestException([long]), long, { long }]) {
      expect((await fail(error, {}, 1)).length).toBeLessThan(1500);
    }
    expect(await fail({ code: 7 }, {}, 1)).toMatch(/: \{"code":7\}$/);
    expect(await fail(undefined, {}, 1)).toMatch(/: undefined$/);
  });
});
