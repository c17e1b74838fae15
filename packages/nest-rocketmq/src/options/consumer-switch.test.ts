import { describe, expect, test } from '@jest/globals';
import { ConsumerSwitch } from './consumer-switch.js';
import type { ConsumersOption } from './consumer-switch.js';

const of = (given?: ConsumersOption, env?: string): ConsumerSwitch =>
  ConsumerSwitch.of(given, env === undefined ? {} : { ROCKETMQ_CONSUMERS: env });

describe('the consumers of a process', () => {
  test.each<[string, ConsumersOption | undefined, string | undefined, Record<string, boolean>]>([
    ['all by default', undefined, undefined, { 'shop.order': true, shop: true }],
    ['none', false, undefined, { 'shop.order': false, shop: false }],
    ['all but a group', { mail: false }, undefined, { mail: false, 'mail.order': false, shop: true }],
    ['one group only', { '*': false, mail: true }, undefined, { 'mail.order': true, shop: false }],
    [
      'a group without a topic',
      { shop: { order: false } },
      undefined,
      { 'shop.order': false, 'shop.mail': true, shop: true },
    ],
    [
      'a group with one topic only',
      { shop: { '*': false, order: true } },
      undefined,
      { 'shop.order': true, 'shop.x': false, shop: true },
    ],
    ['a group without any topic', { shop: { '*': false } }, undefined, { 'shop.order': false, shop: false }],
    ['none, by the environment', undefined, 'false', { shop: false }],
    ['all, by the environment', undefined, ' true ', { shop: true }],
    ['those that the environment lists', undefined, 'mail, audit', { mail: true, audit: true, shop: false }],
    ['by the option, which goes before the environment', true, 'false', { shop: true }],
    ['all with an empty environment variable', undefined, '', { shop: true }],
  ])('run: %s', (_what, given, env, expected) => {
    const consumers = of(given, env);
    const found = Object.keys(expected).map((path) => {
      const [group, topic] = path.split('.') as [string, string | undefined];
      return [path, consumers.isOn(group, topic)];
    });
    expect(Object.fromEntries(found)).toEqual(expected);
  });

  test('that nobody has are named', () => {
    const known = new Map([['shop', new Set(['order'])]]);
    const given = { '*': true, mial: false, shop: { order: false, ordre: false, '*': true } };
    expect(of(given).unknown(known)).toEqual(['mial', 'shop.ordre']);
    expect(of({ shop: false }).unknown(known)).toEqual([]);
  });

  test.each([
    ['no', /option consumers is 'no'.*true, false, or an object/],
    [[], /option consumers/],
    [{ shop: 'no' }, /option consumers\.shop is 'no'/],
    [{ shop: { order: 0 } }, /option consumers\.shop/],
  ])('are refused when they are %j', (given, reason) => {
    expect(() => of(given as never)).toThrow(reason);
  });
});
