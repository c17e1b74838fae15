// Tests what the testing kit tells of typed topics and of destinations with a tag: the messages, their payloads and types.
import 'reflect-metadata';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { TestingModule } from '@nestjs/testing';
import { RocketMQTemplate, defineTopic } from 'nest-rocketmq';
import type { MessageConverter } from 'nest-rocketmq';
import { RocketMQTemplateFake, rocketMQTesting } from 'nest-rocketmq/testing';
import type { RocketMQTesting } from 'nest-rocketmq/testing';

interface Order {
  id: string;
}

/** Bodies that the module's converter cannot read. */
const backwards: MessageConverter = {
  encode: (payload) => ({ body: Buffer.from(JSON.stringify(payload)).reverse() }),
  decode: ({ body }) => JSON.parse(Buffer.from(body).reverse().toString()),
};

const Paid = defineTopic<Order>('order:paid');
const AnyOrder = defineTopic<Order>('order');
const Backwards = defineTopic<Order>('backwards:x', { converter: backwards });

type Asserting = Pick<RocketMQTesting, 'sent' | 'expectSent' | 'expectNothingSent'>;

let module: TestingModule | undefined;
beforeEach(() => Logger.overrideLogger(false));
afterEach(async () => {
  await module?.close();
  module = undefined;
});

async function withBroker(): Promise<{ template: RocketMQTemplate; kit: Asserting }> {
  const testing = rocketMQTesting({ group: 'shop' });
  module = await Test.createTestingModule({ imports: [testing.module] }).compile();
  await module.init();
  return { template: module.get(RocketMQTemplate), kit: testing };
}

function withFake(): Promise<{ template: RocketMQTemplate; kit: Asserting }> {
  const fake = new RocketMQTemplateFake();
  return Promise.resolve({ template: fake, kit: fake });
}

describe.each([
  ['with a broker', withBroker],
  ['by the fake of the template', withFake],
])('what was sent %s', (_what, start) => {
  test.each([
    ['a typed topic', Paid],
    ["'topic:tag'", 'order:paid'],
    ['{ topic, tag }', { topic: 'order', tag: 'paid' }],
  ])('to %s are the messages with its tag', async (_kind, destination) => {
    const { template, kit } = await start();
    await template.send('order:created', { id: 'o1' });
    await template.send(Paid, { id: 'o2' });
    expect(kit.sent(destination).map(({ payload }) => payload)).toEqual([{ id: 'o2' }]);
    expect(kit.expectSent(destination, { id: 'o2' }, { times: 1 }).tags).toBe('paid');
    expect(() => kit.expectSent(destination, { id: 'o1' })).toThrow(/no message to order:paid like \{ id: 'o1' \}/);
    expect(() => kit.expectNothingSent(destination)).toThrow(/1 message\(s\) were sent to order:paid/);
    kit.expectNothingSent('order:cancelled');
  });

  test.each([
    ['a typed topic', AnyOrder],
    ['a topic', 'order'],
    ['what has one', { topic: 'order' }],
  ])('to %s without a tag are all of its messages', async (_kind, destination) => {
    const { template, kit } = await start();
    for (const tag of ['created', 'paid']) await template.send({ topic: 'order', tag }, { id: tag });
    expect(kit.sent(destination)).toHaveLength(2);
  });

  test('to a typed topic has payloads of its type, read by its converter', async () => {
    const { template, kit } = await start();
    await template.send(Backwards, { id: 'o1' });
    const ids: string[] = kit.sent(Backwards).map(({ payload }) => payload.id);
    expect(ids).toEqual(['o1']);
    const { id } = kit.expectSent(Backwards, ({ id }) => id.startsWith('o')).payload;
    expect(id).toBe('o1');
    // @ts-expect-error payloads have no such field
    expect(() => kit.expectSent(Backwards, { idd: 'o1' })).toThrow();
  });
});
