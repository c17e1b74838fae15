// Tests typed topics with what an app asks for: the template's receive, and pull consumers.
import { afterEach, expect, test } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import {
  InjectPullConsumer,
  InvalidOptionError,
  MessageValidationError,
  RocketMQModule,
  RocketMQPullConsumer,
  defineTopic,
} from 'nest-rocketmq';
import type { MessageConverter, ReceivedOf, StandardSchema } from 'nest-rocketmq';
import { closeApps, startApp, unique } from './nest-harness.js';
import { WAIT, take } from './nest-polls.js';

const GOOD = { id: 'o1', at: '2026-11-27T00:00:00.000Z' };
const schema = z.object({ id: z.string(), at: z.iso.datetime().transform((at) => new Date(at)) });

/** Says later what it makes of a value, as a schema that asks a database. */
const later: StandardSchema<{ id: string }, { id: string; known: boolean }> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: async (value) => {
      const { id } = value as { id: unknown };
      return typeof id === 'string' ? { value: { id, known: true } } : { issues: [{ message: 'no id' }] };
    },
  },
};

afterEach(closeApps);

test('receive takes a typed topic: its tag filters, its schema makes the payload and gives its type', async () => {
  const topic = unique('typed');
  const Paid = defineTopic(`${topic}:paid`, { schema });
  const app = await startApp({}, { topics: [{ name: topic, queues: 1 }] });
  await app.template.send(`${topic}:refunded`, GOOD);
  await app.template.send(`${topic}:paid`, { id: 7 });
  await app.template.send(Paid, GOOD);
  const [bad, good] = await take(2, (max) => app.template.receive(Paid, { max, ...WAIT }));
  expect(() => bad!.payload).toThrow(MessageValidationError);
  expect(() => bad!.payload).toThrow(/the payload of topic typed.* does not fit its schema: id: /);
  const { id, at } = good!.payload;
  expect([id, at.getTime()]).toEqual(['o1', Date.parse(GOOD.at)]);
  // @ts-expect-error -- the payload's type is that of the schema's output
  expect(good!.payload.at.length).toBeUndefined();
});

test('receive takes the converter of a typed topic, and waits for a schema that validates later', async () => {
  const upper: MessageConverter = {
    encode: (payload) => ({ body: Buffer.from(JSON.stringify(payload).toUpperCase()) }),
    decode: ({ body }) => JSON.parse(body.toString().toLowerCase()) as unknown,
  };
  const Known = defineTopic(unique('typed'), { schema: later, converter: upper });
  const app = await startApp({}, { topics: [{ name: Known.topic, queues: 1 }] });
  await app.template.send(Known, { id: 'o1' });
  await app.template.send(Known.topic, 'no JSON');
  await app.template.send(Known.topic, { other: 1 });
  const [good, unreadable, bad] = await take(3, (max) => app.template.receive(Known, { max, ...WAIT }));
  expect(good!.payload).toEqual({ id: 'o1', known: true });
  expect(() => unreadable!.payload).toThrow(expect.objectContaining({ code: 'MESSAGE_DECODE' }));
  expect(() => bad!.payload).toThrow(/does not fit its schema: no id/);
});

test('a pull consumer takes typed topics, of one topic with several tags too, and reads each by its own', async () => {
  const topic = unique('typed');
  const Paid = defineTopic(`${topic}:paid`, { schema });
  const Known = defineTopic(`${topic}:known`, { schema: later });
  const Late = defineTopic(unique('late'), { schema: later });

  @Injectable()
  class Reports {
    constructor(@InjectPullConsumer() readonly paid: RocketMQPullConsumer<ReceivedOf<typeof Paid>>) {}
  }
  const consumer = {
    group: unique('typed'),
    topics: [Paid, Known],
    consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' as const,
  };
  const app = await startApp(
    { imports: [RocketMQModule.forFeature({ pullConsumers: [consumer] })], providers: [Reports] },
    {
      topics: [
        { name: topic, queues: 1 },
        { name: Late.topic, queues: 1 },
      ],
    },
  );
  const { paid } = app.module.get(Reports);
  await app.template.send(Paid, GOOD);
  await app.template.send(`${topic}:other`, GOOD);
  await app.template.send(Known, { id: 'o2' });
  const [first, second] = await take(2, (max) => paid.poll({ max, ...WAIT }));
  expect(first!.payload.at).toEqual(new Date(GOOD.at));
  expect(second!.payload).toEqual({ id: 'o2', known: true });
  await paid.subscribe(Late);
  await app.template.send(Late, { id: 'o3' });
  for await (const { payload } of paid) {
    expect(payload).toEqual({ id: 'o3', known: true });
    break;
  }
  await expect(paid.subscribe(Late, 'a')).rejects.toThrow(/option expression.*a typed topic, which filters by its tag/);
});

test('a topic that a pull consumer names twice is refused', async () => {
  const Paid = defineTopic('order:paid', { schema });
  const imports = [RocketMQModule.forFeature({ pullConsumers: [{ group: 'twice', topics: ['order', Paid] }] })];
  await expect(startApp({ imports })).rejects.toThrow(InvalidOptionError);
  await expect(startApp({ imports })).rejects.toThrow(/topics.*each topic once; 'order' is there twice/);
});
