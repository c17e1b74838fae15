import { describe, expect, it } from '@jest/globals';
import { ResponseCode, silentLogger } from '@nest-rocketmq/remoting/internal';
import { consuming, on } from '../../../test-kit/consuming.js';
import { FakeCluster } from '../../../test-kit/fake-cluster.js';
import type { PushConsumerOptions } from '../options/consumer-options.js';

const MINUTE = 60_000;
const backs = (): number => on.cluster.broker.requests('CONSUMER_SEND_MSG_BACK').length;

interface Call {
  readonly body: string;
  readonly signal: AbortSignal;
  readonly end: (error?: Error) => void;
}

/** A consumer whose listener ends when the test says so. */
async function hanging(options: Partial<PushConsumerOptions> = {}): Promise<{ calls: Call[]; log: string[] }> {
  const calls: Call[] = [];
  const log: string[] = [];
  const warn = (line: string): void => void log.push(line);
  const listener: PushConsumerOptions['listener'] = ([message], { signal }) =>
    new Promise((resolve, reject) => {
      const end = (error?: Error): void => (error ? reject(error) : resolve());
      calls.push({ body: message!.body.toString(), signal, end });
    });
  await consuming(
    new FakeCluster({ topics: { t: 1 } }),
    { consumeTimeout: 1, consumeConcurrency: 2, listener, ...options },
    { ...silentLogger, warn },
  );
  return { calls, log };
}

async function shutDown(): Promise<void> {
  const closing = on.client.shutdown();
  await on.cluster.clock.advance(30_000);
  await closing;
}

describe('a listener that outlasts consumeTimeout', () => {
  it('has its message given back, and its place given to the next one', async () => {
    const { calls, log } = await hanging();
    for (const body of ['a', 'b', 'c', 'd']) on.cluster.broker.put('t', 0, body);
    await on.cluster.until('two calls', () => calls.length === 2);
    await on.cluster.clock.advance(MINUTE - 1);
    expect(calls).toHaveLength(2);
    await on.cluster.clock.advance(1);
    await on.cluster.until('the next two', () => calls.length === 4);
    expect(on.cluster.broker.requests('CONSUMER_SEND_MSG_BACK').map(({ header }) => header)).toMatchObject([
      { offset: expect.any(Number), delayLevel: 3 },
      { offset: expect.any(Number), delayLevel: 3 },
    ]);
    expect(calls[0]!.signal.aborted).toBe(true);
    expect(log[0]).toMatch(/has had message .* for 1 min: it is given back.*takes its place.*consumeTimeout/);
    for (const { end } of calls.slice(2)) end();
    await on.cluster.clock.advance(5_000);
    expect(on.cluster.broker.offsets.get('stock@t@0')).toBe(4);
  });

  it('is found wherever its message stands in the queue', async () => {
    const { calls } = await hanging();
    for (const body of ['a', 'b']) on.cluster.broker.put('t', 0, body);
    await on.cluster.until('two calls', () => calls.length === 2);
    await on.cluster.clock.advance(30_000);
    calls[1]!.end();
    on.cluster.broker.put('t', 0, 'c');
    await on.cluster.until('the third', () => calls.length === 3);
    await on.cluster.clock.advance(30_000);
    expect(backs()).toBe(1);
    await on.cluster.clock.advance(30_000);
    expect(backs()).toBe(2);
  });

  it.each([
    ['with success', undefined],
    ['with a failure', new Error('at last')],
  ])('and ends later %s is named, and changes nothing', async (how, error) => {
    const { calls, log } = await hanging();
    on.cluster.broker.put('t', 0, 'a');
    await on.cluster.clock.advance(MINUTE);
    expect(backs()).toBe(1);
    log.length = 0;
    calls[0]!.end(error);
    await on.cluster.clock.advance(30_000);
    expect(backs()).toBe(1);
    expect(log).toHaveLength(1);
    expect(log[0]).toMatch(new RegExp(`ended after 1.0 min, ${how}, for .*counts for nothing`));
  });

  it('has all messages of its list given back', async () => {
    const sizes: number[] = [];
    const fake = new FakeCluster({ topics: { t: 1 } });
    for (let i = 0; i < 3; i++) fake.broker.put('t', 0, `m${i}`);
    await consuming(fake, {
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      consumeMessageBatchMaxSize: 3,
      consumeTimeout: 1,
      listener: (messages) => {
        sizes.push(messages.length);
        return new Promise(() => undefined);
      },
    });
    await on.cluster.clock.advance(MINUTE);
    expect(sizes).toEqual([3]);
    expect(backs()).toBe(3);
  });

  it('has its message consumed here again when it can be given back to nobody', async () => {
    const { calls } = await hanging();
    on.cluster.broker.next('CONSUMER_SEND_MSG_BACK', () => ({ code: ResponseCode.SYSTEM_ERROR }));
    on.cluster.broker.next('SEND_MESSAGE_V2', () => ({ code: ResponseCode.MESSAGE_ILLEGAL }));
    on.cluster.broker.put('t', 0, 'a');
    await on.cluster.clock.advance(MINUTE + 5_000);
    expect(calls.map(({ body }) => body)).toEqual(['a', 'a']);
    await shutDown();
  });

  it('of a broadcasting consumer has its message dropped, and its place freed', async () => {
    const broadcasting = { messageModel: 'BROADCASTING', localOffsetStoreDir: 'memory' } as const;
    const { calls, log } = await hanging({ ...broadcasting, consumeConcurrency: 1 });
    for (const body of ['a', 'b']) on.cluster.broker.put('t', 0, body);
    await on.cluster.clock.advance(MINUTE);
    expect(calls.map(({ body }) => body)).toEqual(['a', 'b']);
    expect(log[0]).toMatch(/it is dropped/);
    await shutDown();
  });

  it('does not keep a shutdown waiting, once its message is with the broker again', async () => {
    await hanging();
    on.cluster.broker.put('t', 0, 'a');
    await on.cluster.clock.advance(MINUTE);
    await on.client.shutdown();
  });
});
