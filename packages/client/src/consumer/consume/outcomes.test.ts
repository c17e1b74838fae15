import { describe, expect, it, test } from '@jest/globals';
import { MQVersion, ResponseCode } from '@nest-rocketmq/remoting/internal';
import type { Logger, MessageExt } from '@nest-rocketmq/remoting/internal';
import { consuming, on } from '../../../test-kit/consuming.js';
import { FakeCluster } from '../../../test-kit/fake-cluster.js';
import { InvalidOptionError } from '../../index.js';
import type { ListenerResult, PushConsumerOptions } from '../options/consumer-options.js';
import { Outcome } from '../options/outcome.js';

const texts = (messages: readonly MessageExt[]): string[] => messages.map(({ body }) => body.toString());

const MOST_CALLS = 5;

/** A cluster whose queue t@0 has these messages, and a consumer that takes them all from it at once. */
async function given(
  bodies: readonly string[],
  options: Partial<PushConsumerOptions>,
  version?: number,
  logger?: Logger,
): Promise<FakeCluster> {
  const fake = new FakeCluster({ topics: { t: 1 } });
  fake.broker.version = version;
  for (const body of bodies) fake.broker.put('t', 0, body);
  // The fake broker has no delays: what always failed would come at once, without end.
  const { listener } = options;
  let calls = 0;
  const limited = (...call: Parameters<NonNullable<typeof listener>>): unknown =>
    ++calls > MOST_CALLS ? undefined : listener?.(...call);
  const all = { consumeMessageBatchMaxSize: 8, consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' as const };
  await consuming(fake, { ...all, ...options, listener: limited as typeof listener & {} }, logger);
  return fake;
}

/** The route of the retry topic is known soon after the start. */
async function sent(fake: FakeCluster): Promise<void> {
  await fake.clock.advance(2_000);
  expect(fake.broker.stored.length).toBeGreaterThan(0);
}

const givenBack = (): number[] =>
  on.cluster.broker.requests('CONSUMER_SEND_MSG_BACK').map(({ header }) => Number(header['offset']));

describe('a list of messages', () => {
  const answers: [string, (messages: MessageExt[]) => ListenerResult][] = [
    ['a list of outcomes', () => [Outcome.ack, Outcome.retry, Outcome.ack]],
    ['a list of Apache words', () => ['CONSUME_SUCCESS', 'RECONSUME_LATER', undefined]],
    ['a Map of those that failed', ([, second]) => new Map([[second!, Outcome.retry]])],
  ];
  it.each(answers)('of which %s names one as failed: that one alone is given back', async (_what, listener) => {
    const { broker, clock } = await given(['a', 'b', 'c'], { listener });
    await on.cluster.until('given back', () => givenBack().length > 0);
    await clock.advance(10_000);
    expect(givenBack()).toHaveLength(1);
    expect(broker.offsets.get('stock@t@0')).toBe(3);
  });

  it.each<[string, () => unknown, number]>([
    ['throws', () => Promise.reject(new Error('no')), 3],
    ['throws an outcome', () => Promise.reject(Outcome.retry as unknown as Error), 3],
    ['answers with a list that is too short', () => [Outcome.ack], 3],
    ['answers with something else in the list', () => [7, Outcome.ack, Outcome.ack], 3],
    ['answers with a stranger in a Map', () => new Map([[{}, Outcome.retry]]), 3],
    ['answers with one failure for all', () => Outcome.retry, 3],
    ['answers with a list of acks', () => [Outcome.ack, Outcome.ack, Outcome.ack], 0],
    ['answers with ack', () => Outcome.ack, 0],
    ['answers with nothing', () => undefined, 0],
  ])('whose listener %s', async (_what, listener, back) => {
    const { clock } = await given(['a', 'b', 'c'], { listener: listener as PushConsumerOptions['listener'] });
    await clock.advance(10_000);
    expect(givenBack()).toHaveLength(back);
  });

  it('in order: what failed and all after it are tried again in their place', async () => {
    const calls: string[][] = [];
    const { broker, clock } = await given(['a', 'b', 'c'], {
      consumeMode: 'ORDERLY',
      listener: (messages) => {
        calls.push(messages.map(({ body, reconsumeTimes }) => `${body.toString()}${reconsumeTimes}`));
        return calls.length === 1 ? [Outcome.ack, Outcome.retry, Outcome.ack] : undefined;
      },
    });
    await clock.advance(10_000);
    expect(calls).toEqual([
      ['a0', 'b0', 'c0'],
      ['b1', 'c0'],
    ]);
    expect(broker.offsets.get('stock@t@0')).toBe(3);
  });

  it('in order: a dead letter holds up nothing that comes after it', async () => {
    const calls: string[][] = [];
    const { broker, clock } = await given(['a', 'b', 'c'], {
      consumeMode: 'KEY_ORDERED',
      listener: (messages) => {
        if (messages.length < 3) return undefined;
        calls.push(texts(messages));
        return [Outcome.ack, Outcome.toDeadLetter('bad'), Outcome.ack];
      },
    });
    await clock.advance(10_000);
    expect(calls).toEqual([['a', 'b', 'c']]);
    expect(broker.stored.map(({ properties }) => properties.get('DLQ_REASON'))).toEqual(['bad']);
    expect(broker.offsets.get('stock@t@0')).toBe(3);
  });
});

test.each(['CONCURRENTLY', 'ORDERLY', 'KEY_ORDERED'] as const)(
  '%s: what has used up its tries is a dead letter with the error of the last one as its reason',
  async (consumeMode) => {
    const listener = (): never => {
      throw new Error('no such customer');
    };
    const { broker } = await given(['a'], { consumeMode, maxReconsumeTimes: 0, listener });
    await sent(on.cluster);
    const [dead] = broker.stored;
    expect(dead).toMatchObject({ topic: '%RETRY%stock', reconsumeTimes: 1 });
    expect(dead!.properties.get('DLQ_REASON')).toBe('no such customer');
    expect(givenBack()).toEqual([]);
  },
);

describe.each(['CONCURRENTLY', 'ORDERLY', 'KEY_ORDERED'] as const)('consumeMessageBatchMaxWait, %s', (consumeMode) => {
  const waiting = { consumeMode, consumeMessageBatchMaxSize: 3, consumeMessageBatchMaxWait: 500 };

  it('lets a list fill up, and ends when it is full', async () => {
    const calls: string[][] = [];
    const fake = await given(['a'], { ...waiting, listener: (messages) => void calls.push(texts(messages)) });
    await fake.clock.advance(0);
    await fake.until('the first is here', () =>
      fake.broker.requests('PULL_MESSAGE').some(({ header }) => header['queueOffset'] === 1),
    );
    fake.broker.put('t', 0, 'b');
    await fake.clock.advance(499);
    expect(calls).toEqual([]);
    fake.broker.put('t', 0, 'c');
    fake.broker.put('t', 0, 'd');
    await fake.until('full', () => calls.length === 1);
    expect(calls).toEqual([['a', 'b', 'c']]);
    await fake.clock.advance(500);
    expect(calls).toEqual([['a', 'b', 'c'], ['d']]);
  });

  it('ends when the first has waited long enough', async () => {
    const calls: string[][] = [];
    const fake = await given(['a', 'b'], { ...waiting, listener: (messages) => void calls.push(texts(messages)) });
    await fake.until('here', () =>
      fake.broker.requests('PULL_MESSAGE').some(({ header }) => header['queueOffset'] === 2),
    );
    await fake.clock.advance(499);
    expect(calls).toEqual([]);
    await fake.clock.advance(1);
    expect(calls).toEqual([['a', 'b']]);
  });
});

describe('retryLater', () => {
  const listener = (): ListenerResult => Outcome.retryLater('47s');

  it('is of any length with a broker from 5.0 on: sent to the retry topic, with all that peers read', async () => {
    const fake = await given(['a'], { listener, maxReconsumeTimes: 5 }, MQVersion.V5_0_0);
    await sent(fake);
    const [copy] = fake.broker.stored;
    expect(copy).toMatchObject({ topic: '%RETRY%stock', reconsumeTimes: 1 });
    const properties = Object.fromEntries(copy!.properties);
    expect(properties).toMatchObject({ RETRY_TOPIC: 't', TIMER_DELIVER_MS: expect.stringMatching(/^\d+$/) });
    expect(properties['ORIGIN_MESSAGE_ID']).toBeTruthy();
    expect(properties['DELAY']).toBeUndefined();
    const ahead = Number(properties['TIMER_DELIVER_MS']) - fake.clock.now();
    expect(ahead).toBeGreaterThan(40_000);
    expect(ahead).toBeLessThanOrEqual(47_000);
    expect(fake.broker.requests('SEND_MESSAGE_V2')[0]!.header).toMatchObject({ j: 1, l: 5 });
    expect(givenBack()).toEqual([]);
  });

  it('is the nearest level with an older broker', async () => {
    const fake = await given(['a'], { listener }, MQVersion.V5_0_0 - 1);
    await sent(fake);
    // 1s 5s 10s 30s 1m: 47 s is 17 s beyond 30 s, and 13 s short of 1 m.
    expect(fake.broker.stored[0]!.properties.get('DELAY')).toBe('5');
    expect(fake.broker.stored[0]!.properties.has('TIMER_DELIVER_MS')).toBe(false);
  });

  it("is the nearest of Apache's levels where the broker refuses the time", async () => {
    const fake = await given([], { listener: () => Outcome.retryLater('4d') }, MQVersion.V5_0_0);
    fake.broker.next('SEND_MESSAGE_V2', () => ({ code: ResponseCode.MESSAGE_ILLEGAL, remark: 'too long' }));
    fake.broker.put('t', 0, 'a');
    await fake.clock.advance(2_000);
    expect(fake.broker.requests('CONSUMER_SEND_MSG_BACK').map(({ header }) => header['delayLevel'])).toEqual([18]);
  });

  it('forgets the timer of the try before: a broker would take it for a message that is due', async () => {
    const fake = await given([], { listener }, MQVersion.V5_0_0);
    const timed = {
      RETRY_TOPIC: 't',
      ORIGIN_MESSAGE_ID: 'first',
      TIMER_OUT_MS: '1',
      TIMER_ROLL_TIMES: '1',
      REAL_QID: '0',
    };
    fake.broker.put('%RETRY%stock', 0, 'a', { properties: timed, reconsumeTimes: 3 });
    await sent(fake);
    const names = [...fake.broker.stored[0]!.properties.keys()];
    expect(names.filter((name) => name.startsWith('TIMER_')).sort()).toEqual(['TIMER_DELIVER_MS']);
    expect(names).not.toContain('REAL_QID');
    expect(fake.broker.stored[0]!.properties.get('ORIGIN_MESSAGE_ID')).toBe('first');
    expect(fake.broker.stored[0]).toMatchObject({ reconsumeTimes: 4 });
  });

  it('is left to the broker when the tries are used up, and when it names a level', async () => {
    const fake = await given(['a'], { listener, maxReconsumeTimes: 0 }, MQVersion.V5_0_0);
    await fake.until('given back', () => givenBack().length === 1);
    expect(fake.broker.stored).toEqual([]);
  });

  it('in order is a pause of that length, however long', async () => {
    let calls = 0;
    const fake = await given(['a'], {
      consumeMode: 'ORDERLY',
      listener: () => (++calls === 1 ? Outcome.retryLater('2m') : undefined),
    });
    await fake.until('called', () => calls === 1);
    await fake.clock.advance(119_999);
    expect(calls).toBe(1);
    await fake.clock.advance(1);
    expect(calls).toBe(2);
  });

  it.each<[string, () => unknown]>([
    ['a word', () => Outcome.retryLater('soon')],
    ['less than nothing', () => Outcome.retryLater(-1)],
    ['no number', () => Outcome.retryLater(NaN)],
    ['no level', () => Outcome.retryLater({ level: 0 })],
    ['two years', () => Outcome.retryLater('731d')],
    ['a suspension of a week', () => Outcome.suspend('7d')],
  ])('refuses %s', (_what, make) => {
    expect(make).toThrow(InvalidOptionError);
  });
});

describe('toDeadLetter', () => {
  it('writes its reason down, and has the broker store the message among the dead letters', async () => {
    const reason = `bad\u0001card\n${'x'.repeat(2_000)}`;
    const fake = await given(['a'], { listener: () => Outcome.toDeadLetter(reason) }, MQVersion.V5_0_0);
    await sent(fake);
    const [copy] = fake.broker.stored;
    const properties = Object.fromEntries(copy!.properties);
    expect(properties).toMatchObject({ RETRY_TOPIC: 't', DLQ_ORIGIN_TOPIC: 't' });
    expect(properties['DLQ_REASON']).toMatch(/^bad card xxx+…$/);
    expect(properties['DLQ_REASON']).toHaveLength(1_000);
    // More tries than it may have: a broker makes that a dead letter, and the topic for it.
    expect(fake.broker.requests('SEND_MESSAGE_V2')[0]!.header).toMatchObject({ b: '%RETRY%stock', j: 1, l: 0 });
  });

  it('of an error without words has its name as the reason', () => {
    expect(Outcome.retry.because(new TypeError()).givenUp().reason).toBe('TypeError');
    expect(Outcome.toDeadLetter('').reason).toBeUndefined();
  });

  it('without a reason is what Apache does', async () => {
    const fake = await given(['a'], { listener: () => Outcome.toDeadLetter() }, MQVersion.V5_0_0);
    await fake.until('given back', () => givenBack().length === 1);
    expect(fake.broker.requests('CONSUMER_SEND_MSG_BACK')[0]!.header).toMatchObject({ delayLevel: -1 });
  });
});

describe('suspend', () => {
  it('in order is a pause in its place; elsewhere the message comes later', async () => {
    const fake = await given(['a'], { listener: () => Outcome.suspend('3s') }, MQVersion.V5_0_0);
    await sent(fake);
    expect(Number(fake.broker.stored[0]!.properties.get('TIMER_DELIVER_MS')) - fake.clock.now()).toBeLessThan(3_001);
  });
});

test('an outcome is known by its brand, not by its class: a process may load both module formats', () => {
  expect(Outcome.is({ [Symbol.for('nest-rocketmq.outcome')]: true, kind: 'ack' })).toBe(true);
  expect([undefined, null, 'ack', {}].some((each) => Outcome.is(each))).toBe(false);
});
