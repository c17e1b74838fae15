import { describe, expect, test } from '@jest/globals';
import type { DiscoveredListener } from '../discovery/listener-explorer.js';
import { groupListeners } from './listener-groups.js';
import type { ListenerOptions } from '../discovery/listener-options.js';

function listener(name: string, options: Partial<ListenerOptions> = {}): DiscoveredListener {
  return { name, options: { topic: 'orders', ...options }, reading: { kind: 'json' }, handle: () => Promise.resolve() };
}

describe('listeners of one group', () => {
  test('share one consumer that subscribes to all their topics', () => {
    const groups = groupListeners([listener('A'), listener('B', { topic: 'payments', tags: 'failed' })], 'app');
    expect(groups).toHaveLength(1);
    expect(groups[0]!.group).toBe('app');
    expect(groups[0]!.subscriptions).toEqual([
      { topic: 'orders', expression: '*' },
      { topic: 'payments', expression: 'failed' },
    ]);
  });

  test('may divide a topic by tags, and each message finds its own', () => {
    const group = groupListeners(
      [listener('A', { tags: 'created' }), listener('B', { tags: ['paid', 'sent'] })],
      'app',
    )[0]!;
    expect(group.subscriptions).toEqual([{ topic: 'orders', expression: 'created || paid || sent' }]);
    expect(group.find('orders', 'created')?.name).toBe('A');
    expect(group.find('orders', 'sent')?.name).toBe('B');
    expect(group.find('orders', 'other')).toBeUndefined();
    expect(group.find('orders', undefined)).toBeUndefined();
    expect(group.find('payments', 'created')).toBeUndefined();
  });

  test('may write tags as an expression', () => {
    const group = groupListeners([listener('A', { selectorExpression: ' created||  paid ' })], 'app')[0]!;
    expect(group.subscriptions).toEqual([{ topic: 'orders', expression: 'created || paid' }]);
  });

  test('share the settings that one of them gives', () => {
    const group = groupListeners([listener('A', { concurrency: 3 }), listener('B', { topic: 'b' })], 'app')[0]!;
    expect(group.shared).toEqual({ concurrency: 3 });
  });
});

test('listeners of different groups have consumers of their own', () => {
  const groups = groupListeners([listener('A'), listener('B', { consumerGroup: 'other' })], 'app');
  expect(groups.map(({ group }) => group)).toEqual(['app', 'other']);
});

describe('on a cluster, listeners', () => {
  test('need a group of their own or of the module, and the error says how to set one', () => {
    const lone = [listener('A', { consumerGroup: 'other' }), listener('Orders.onCreated')];
    expect(() => groupListeners(lone, 'app', 'mq:9876')).toThrow(
      "Orders.onCreated has no group on the cluster mq:9876. Name this service: RocketMQModule.forRoot({ group: 'app', … }), " +
        'or give this listener a consumerGroup.',
    );
  });

  test('may each have their own', () => {
    const group = groupListeners([listener('A', { consumerGroup: 'mine' })], 'app', 'mq:9876')[0]!;
    expect(group.group).toBe('mine');
  });
});

describe('a conflict is refused with both names:', () => {
  test.each<[string, Partial<ListenerOptions>, Partial<ListenerOptions>, RegExp]>([
    ['both want every message', {}, {}, /both take messages of topic 'orders'/],
    ['one wants every message, one a tag', {}, { tags: 'paid' }, /both take messages/],
    ['both want one tag', { tags: ['a', 'b'] }, { tags: ['b', 'c'] }, /with tag 'b'/],
    ['SQL92 beside tags', { selectorType: 'SQL92', selectorExpression: 'a > 1' }, { tags: 'b' }, /both take/],
    ['different concurrency', { topic: 'a', concurrency: 1 }, { topic: 'b', concurrency: 2 }, /concurrency 1 and 2/],
    [
      'clustering and broadcasting',
      { topic: 'a', messageModel: 'CLUSTERING' },
      { topic: 'b', messageModel: 'BROADCASTING' },
      /messageModel/,
    ],
    [
      'different orders',
      { topic: 'a', consumeMode: 'ORDERLY' },
      { topic: 'b', consumeMode: 'KEY_ORDERED' },
      /consumeMode ORDERLY and KEY_ORDERED/,
    ],
    [
      'different pauses',
      { topic: 'a', suspendCurrentQueueTimeMillis: '1s' },
      { topic: 'b', suspendCurrentQueueTimeMillis: '2s' },
      /suspendCurrentQueueTimeMillis 1000 and 2000/,
    ],
    [
      'different redeliveries',
      { topic: 'a', maxReconsumeTimes: 1 },
      { topic: 'b', maxReconsumeTimes: 2 },
      /maxReconsumeTimes 1 and 2/,
    ],
  ])('%s', (_what, first, second, reason) => {
    const conflicting = () => groupListeners([listener('First', first), listener('Second', second)], 'app');
    expect(conflicting).toThrow(
      expect.objectContaining({ code: 'LISTENER_CONFLICT', message: expect.stringMatching(reason) }),
    );
    expect(conflicting).toThrow(/group 'app': First and Second/);
  });
});

describe('an order among broadcasts', () => {
  test.each(['ORDERLY', 'KEY_ORDERED'] as const)('is refused with the name of the listener: %s', (consumeMode) => {
    const ordered = listener('Orders.take', { consumeMode, messageModel: 'BROADCASTING' });
    expect(() => groupListeners([ordered], 'app')).toThrow(
      expect.objectContaining({
        code: 'INVALID_LISTENER',
        message: expect.stringMatching(`^Orders.take: consumeMode ${consumeMode} with messageModel BROADCASTING`),
      }),
    );
  });

  test('is refused as well when two listeners of a group ask for the one and the other', () => {
    const two = [
      listener('A', { consumeMode: 'ORDERLY' }),
      listener('B', { topic: 'b', messageModel: 'BROADCASTING' }),
    ];
    expect(() => groupListeners(two, 'app')).toThrow(/^B: consumeMode ORDERLY with messageModel BROADCASTING/);
  });

  test("is refused as well when the order is the module's default, unless the listener has none", () => {
    const broadcast = listener('A', { messageModel: 'BROADCASTING' });
    expect(() => groupListeners([broadcast], 'app', undefined, 'ORDERLY')).toThrow(/ORDERLY \(the module's default\)/);
    const without = listener('A', { messageModel: 'BROADCASTING', consumeMode: 'CONCURRENTLY' });
    expect(groupListeners([without], 'app', undefined, 'ORDERLY')).toHaveLength(1);
  });
});

describe('a wrong option is refused with the name of the listener:', () => {
  test.each<[string, object | undefined, string]>([
    ['no topic', { topic: undefined }, 'topic of @RocketMQMessageListener on Bad'],
    ['a destination for a topic', { topic: 'orders:paid' }, 'topic of @RocketMQMessageListener on Bad'],
    ['an unknown option', { group: 'x' }, 'option group of @RocketMQMessageListener on Bad'],
    ['a group with a space', { consumerGroup: 'a b' }, 'consumerGroup of'],
    ['payload', { payload: 'xml' }, "'json' or 'string' or 'buffer'"],
    ['concurrency', { concurrency: 0 }, 'from 1 to 1000'],
    ['a tag with ||', { tags: ['a || b'] }, 'tags of'],
    ['no tag', { tags: [] }, "option tags of @RocketMQMessageListener on Bad is []; allowed: 'paid'"],
    ['an empty tag', { tags: '' }, "tags of @RocketMQMessageListener on Bad is ''"],
    ['an empty tag in a list', { tags: ['a', ''] }, 'one non-empty tag'],
    ['tags that are null', { tags: null }, 'tags of @RocketMQMessageListener on Bad is null'],
    ['tags that are a number', { tags: 7 }, 'tags of'],
    ['an empty expression', { selectorExpression: ' ' }, 'selectorExpression of'],
    ['an expression without a tag', { selectorExpression: '||' }, 'selectorExpression of'],
    ['an expression that is a list', { selectorExpression: ['a'] }, 'selectorExpression of'],
    [
      'SQL92 with an empty expression',
      { selectorType: 'SQL92', selectorExpression: ' ' },
      'needs a selectorExpression',
    ],
    ['a misspelt option', { tag: 'paid' }, 'the option is called tags'],
    [
      'minutes',
      { consumeTimeout: 15 },
      'option consumeTimeout of @RocketMQMessageListener on Bad is 15; allowed: a number',
    ],
    ['consumeFromWhere', { consumeFromWhere: 'LAST' }, 'CONSUME_FROM_LAST_OFFSET'],
    ['consumeMode', { consumeMode: 'orderly' }, "'CONCURRENTLY' or 'ORDERLY' or 'KEY_ORDERED'"],
    ['a pause that is too long', { suspendCurrentQueueTimeMillis: '1m' }, 'from 10 to 30000'],
    ['messageModel', { messageModel: 'ALL' }, "'CLUSTERING' or 'BROADCASTING'"],
    ['maxReconsumeTimes', { maxReconsumeTimes: '3' }, 'from -1 to'],
    ['no options', undefined, 'options of @RocketMQMessageListener on Bad'],
    ['tags and an expression', { tags: 'a', selectorExpression: 'b' }, 'Bad: set tags or selectorExpression'],
    ['SQL92 without an expression', { selectorType: 'SQL92' }, 'needs a selectorExpression'],
  ])('%s', (_what, options, message) => {
    const bad = { ...listener('Bad', options), ...(options === undefined && { options: options as never }) };
    expect(() => groupListeners([bad], 'app')).toThrow(message);
  });
});

test.each([
  ['one text', 'a || b'],
  ['a list', ['a', 'b']],
])('tags may be %s', (_form, tags) => {
  const group = groupListeners([listener('Tagged', { tags })], 'app')[0]!;
  expect(group.subscriptions).toEqual([{ topic: 'orders', expression: 'a || b' }]);
  expect(group.find('orders', 'b')?.name).toBe('Tagged');
  expect(group.find('orders', 'c')).toBeUndefined();
});

test('one length of time written in two ways is no contradiction', () => {
  const group = groupListeners(
    [
      listener('First', { tags: 'a', consumeTimeout: '1h' }),
      listener('Second', { tags: 'b', consumeTimeout: 3_600_000 }),
    ],
    'app',
  )[0]!;
  expect(group.shared).toEqual({ consumeTimeout: 60 });
});
