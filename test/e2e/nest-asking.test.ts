// Tests requests and their answers: what a listener returns comes back to whoever asked.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Catch, UseFilters } from '@nestjs/common';
import type { ExceptionFilter } from '@nestjs/common';
import { EMPTY, concat, firstValueFrom, of, timer } from 'rxjs';
import {
  MessageDecodeError,
  Outcome,
  ReplyTimeoutError,
  RequesterGoneError,
  RocketMQContext,
  RocketMQListeners,
  RocketMQMessageListener,
  RocketMQReply,
} from 'nest-rocketmq';
import type { MessageListenerOptions, ReplyEvent } from 'nest-rocketmq';
import { consumed, failed } from 'nest-rocketmq/testing';
import { PATIENCE_MS, closeApps, onCluster, startApp, unique } from './nest-harness.js';
import type { TestApp } from './nest-harness.js';

const timeout = PATIENCE_MS;
const ASKING = { timeout };
/** For a request that gets no answer in time: long enough that a busy cluster has stored it. */
const SOON = { timeout: onCluster ? '15s' : '2s' };

let topic: string;

beforeEach(() => {
  topic = unique('ask');
});

afterEach(closeApps);

type Answer = (question: unknown, context: RocketMQContext) => unknown;

/** An app whose listener answers so. Its group sees what was asked before it had its queues. */
async function answering(answer: Answer, options: Partial<MessageListenerOptions> = {}): Promise<TestApp> {
  class Answering {
    @RocketMQMessageListener({ topic, consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET', ...options })
    take(question: unknown, context: RocketMQContext): unknown {
      return answer(question, context);
    }
  }
  return startApp({ providers: [Answering] });
}

const nextReply = (app: TestApp): Promise<ReplyEvent> => firstValueFrom(app.module.get(RocketMQListeners).replies);

test.each<[string, unknown, unknown]>([
  ['a value', { price: 5 }, { price: 5 }],
  ['a promise', Promise.resolve('ü 漢'), 'ü 漢'],
  ["an Observable's first value, whatever comes after it", concat(of([1]), timer(3_600_000)), [1]],
  ['null', null, null],
  ['false', false, false],
])('T039 a request resolves with what the listener returned: %s', async (_what, returned, expected) => {
  const app = await answering(() => returned);
  await expect(app.template.request(topic, { item: 1 }, ASKING)).resolves.toEqual(expected);
  expect(app.template.requestCounts).toMatchObject({ pending: 0, answered: 1, timedOut: 0 });
});

test('T039 each of many requests gets the reply to its own, decoded as it asks', async () => {
  const app = await answering((question) => new RocketMQReply(`re: ${String(question)}`, { properties: { by: 'us' } }));
  const questions = Array.from({ length: 20 }, (_, i) => `question ${i}`);
  const answers = await Promise.all(questions.map((each) => app.template.request<string>(topic, each, ASKING)));
  expect(answers).toEqual(questions.map((each) => `re: ${each}`));
  const bytes = await app.template.request<Buffer>(topic, 'x', { ...ASKING, payload: 'buffer', shardingKey: 'k' });
  expect(bytes.toString()).toBe('re: x');
});

test('a listener that returns nothing answers nothing, unless it says so: then its answer is null', async () => {
  const app = await answering(() => undefined, { reply: true });
  await expect(app.template.request(topic, 1, ASKING)).resolves.toBeNull();
  await app.close();

  topic = unique('ask');
  const silent = await answering(() => EMPTY);
  const handled = consumed(silent.module, { topic }, { timeout });
  const asking = silent.template.request(topic, 1, SOON);
  const rejected = expect(asking).rejects.toThrow(ReplyTimeoutError);
  await handled;
  await silent.elapse(
    asking.catch(() => undefined),
    '5s',
  );
  await rejected;
});

test('a group that is not to answer leaves that to another, and what is no request is answered to nobody', async () => {
  class Both {
    @RocketMQMessageListener({ topic, consumerGroup: unique('log'), reply: false })
    log(): string {
      return 'from the log';
    }
    @RocketMQMessageListener({ topic, consumerGroup: unique('outcome') })
    say(): Outcome {
      return Outcome.ack;
    }
    @RocketMQMessageListener({ topic, consumerGroup: unique('stock'), consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' })
    answer(_question: unknown, context: RocketMQContext): unknown {
      return { isRequest: context.isRequest };
    }
  }
  const app = await startApp({ providers: [Both] });
  const events: ReplyEvent[] = [];
  app.module.get(RocketMQListeners).replies.subscribe((event) => events.push(event));
  await expect(app.template.request(topic, 1, ASKING)).resolves.toEqual({ isRequest: true });
  const handled = consumed(app.module, { topic, key: 'plain' }, { times: onCluster ? 1 : 3, timeout });
  await app.template.send(topic, 1, { keys: 'plain' });
  await handled;
  // The answer may be here before its listener hears that it was sent.
  await app.until(() => events.length > 0);
  expect(events).toMatchObject([{ outcome: 'sent', context: { topic } }]);
});

test('T040 a request that nobody answers is rejected in time, and its late answer is counted and told', async () => {
  let answer = (): void => undefined;
  const isOver = new Promise<void>((resolve) => (answer = resolve));
  const app = await answering(() => isOver.then(() => 'too late'));
  const dropped = firstValueFrom(app.template.droppedReplies);
  let error: unknown;
  app.template.request(topic, 1, SOON).catch((thrown: unknown) => (error = thrown));
  await app.until(() => error !== undefined);
  expect(error).toMatchObject({ code: 'REPLY_TIMEOUT', topic, stored: true });
  answer();
  await app.elapse(dropped, '30s');
  expect(await dropped).toMatchObject({ kind: 'late', correlationId: expect.any(String) });
  expect(app.template.requestCounts).toMatchObject({ timedOut: 1, late: 1, answered: 0 });
});

test('a second answer is dropped, counted and told', async () => {
  const take = (): string => 'same';
  class Two {
    @RocketMQMessageListener({ topic, consumerGroup: unique('a'), consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' })
    first(): string {
      return take();
    }
    @RocketMQMessageListener({ topic, consumerGroup: unique('b'), consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' })
    second(): string {
      return take();
    }
  }
  const app = await startApp({ providers: [Two] });
  const dropped = firstValueFrom(app.template.droppedReplies);
  await expect(app.template.request(topic, 1, ASKING)).resolves.toBe('same');
  expect(await dropped).toMatchObject({ kind: 'duplicate' });
  expect(app.template.requestCounts).toMatchObject({ answered: 1, duplicate: 1 });
});

test('a request can be given up by a signal', async () => {
  const app = await answering(() => undefined);
  const giving = new AbortController();
  const asking = app.template.request(topic, 1, { ...ASKING, signal: giving.signal });
  const rejected = expect(asking).rejects.toThrow('the user has left');
  giving.abort(new Error('the user has left'));
  await rejected;
  await expect(app.template.request(topic, 1, { signal: giving.signal })).rejects.toThrow('the user has left');
  expect(app.template.requestCounts.pending).toBe(0);
});

test('an answer whose requester has gone is told, and the request counts as consumed', async () => {
  let answer = (): void => undefined;
  const gone = new Promise<void>((resolve) => (answer = resolve));
  const app = await answering(async (_question, context) => {
    // As if its client had ended meanwhile.
    context.message.properties.set('REPLY_TO_CLIENT', 'nobody@nowhere');
    await gone;
    return 'answer';
  });
  const told = nextReply(app);
  const handled = consumed(app.module, { topic }, { timeout });
  const giving = new AbortController();
  const asking = app.template.request(topic, 1, { ...ASKING, signal: giving.signal }).catch(() => undefined);
  answer();
  expect(await told).toMatchObject({ outcome: 'requester gone', error: expect.any(RequesterGoneError) });
  await handled;
  giving.abort();
  await asking;
});

test('an answer that cannot be sent is told, and one that cannot be read rejects the request', async () => {
  const app = await answering((question) => (question === 'map' ? new Map([[1, 2]]) : Buffer.from('{no json')));
  const told = nextReply(app);
  const giving = new AbortController();
  const asking = app.template.request(topic, 'map', { ...ASKING, signal: giving.signal }).catch(() => undefined);
  expect(await told).toMatchObject({ outcome: 'failed', error: { code: 'MESSAGE_ENCODE' } });
  giving.abort();
  await asking;
  await expect(app.template.request(topic, 'bytes', ASKING)).rejects.toThrow(MessageDecodeError);
});

test('a filter turns a failure into an answer only by saying so, and never one of a message that is no request', async () => {
  @Catch()
  class Sorry implements ExceptionFilter {
    catch(error: Error): unknown {
      return error.message === 'say so' ? new RocketMQReply({ sorry: true }) : { sorry: true };
    }
  }
  class Failing {
    @UseFilters(Sorry)
    @RocketMQMessageListener({ topic, consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' })
    take(question: string): never {
      throw new Error(question);
    }
  }
  const app = await startApp({ providers: [Failing] });
  const handled = consumed(app.module, { topic }, { timeout });
  await expect(app.template.request(topic, 'say so', ASKING)).resolves.toEqual({ sorry: true });
  await handled;
  const both = failed(app.module, { topic }, { times: 2, timeout });
  await app.template.send(topic, 'say so');
  const giving = new AbortController();
  const asking = app.template.request(topic, 'do not', { ...ASKING, signal: giving.signal }).catch(() => undefined);
  await both;
  giving.abort();
  await asking;
  expect(app.template.requestCounts).toMatchObject({ answered: 1 });
});

test('wrong options of requests and answers are refused', async () => {
  const app = await startApp({});
  const request = (options: object): Promise<unknown> => app.template.request(topic, 1, options);
  await expect(request({ timeout: 0 })).rejects.toThrow('RocketMQTemplate.request');
  await expect(request({ payload: 'xml' })).rejects.toThrow('payload');
  await expect(request({ signal: 5 })).rejects.toThrow('an AbortSignal');
  await expect(request({ timeuot: 5 })).rejects.toThrow('the option is called timeout');
  await expect(answering(() => 1, { replyTimeout: 0 })).rejects.toThrow('replyTimeout');
  await expect(answering(() => 1, { reply: 'yes' as never })).rejects.toThrow('reply');
});
