// Tests typed topics: their schemas on both sides, their converters, and payloads that are instances of a class.
import { afterEach, describe, expect, test } from '@jest/globals';
import { Injectable, UsePipes, ValidationPipe } from '@nestjs/common';
import { Type } from 'class-transformer';
import { IsInt } from 'class-validator';
import * as v from 'valibot';
import { z } from 'zod';
import {
  InvalidOptionError,
  MessageValidationError,
  Outcome,
  RocketMQContext,
  RocketMQLocalTransactionState,
  RocketMQMessageListener,
  RocketMQTransactionListener,
  batchMessage,
  deadLetters,
  defineTopic,
} from 'nest-rocketmq';
import type { Message, MessageConverter, RetryOptions, StandardSchema } from 'nest-rocketmq';
import { consumed, failed } from 'nest-rocketmq/testing';
import { PATIENCE_MS, closeApps, startApp, unique } from './nest-harness.js';
import type { TestApp } from './nest-harness.js';

const timeout = PATIENCE_MS;

afterEach(closeApps);

/** As arktype makes its schemas: a function, whose interface is a property of it. */
const callable: StandardSchema<{ id: string; at: string }, { id: string; at: Date }> = Object.assign(() => undefined, {
  '~standard': {
    version: 1 as const,
    vendor: 'arktype',
    validate: async (value: unknown) => {
      const { id, at } = value as { id?: unknown; at: string };
      if (typeof id !== 'string') return { issues: [{ message: 'must be a string', path: ['id'] }] };
      return { value: { id, at: new Date(at) } };
    },
  },
});

const SCHEMAS = [
  ['zod', z.object({ id: z.string(), at: z.string().transform((at) => new Date(at)) })],
  [
    'valibot',
    v.object({
      id: v.string(),
      at: v.pipe(
        v.string(),
        v.transform((at) => new Date(at)),
      ),
    }),
  ],
  ['a function with an asynchronous check, as arktype has', callable],
] as const;

const GOOD = { id: 'o1', at: '2026-11-27T00:00:00.000Z' };

describe.each(SCHEMAS)('a schema of %s', (_library, schema) => {
  test('checks what is sent, and makes what is received', async () => {
    const Created = defineTopic(`${unique('typed')}:created`, {
      schema: schema as StandardSchema<typeof GOOD, { at: Date }>,
    });
    const consumerGroup = unique('group');
    const received: unknown[] = [];
    const reasons: unknown[] = [];

    @Injectable()
    class Orders {
      @RocketMQMessageListener({ topic: Created, consumerGroup })
      take(order: { at: Date }, context: RocketMQContext): void {
        received.push([order, context.tags]);
      }

      @RocketMQMessageListener({ topic: deadLetters(consumerGroup), consumerGroup: unique('dead') })
      dead(_order: unknown, { properties, reconsumeTimes }: RocketMQContext): void {
        reasons.push([properties.get('DLQ_REASON'), reconsumeTimes]);
      }
    }

    const app = await startApp({ providers: [Orders] });
    const bad = { id: 7, at: GOOD.at } as never;
    await expect(app.template.send(Created, bad)).rejects.toThrow(MessageValidationError);
    await expect(app.template.send(Created, bad)).rejects.toThrow(
      new RegExp(`the payload for topic ${Created.topic} does not fit its schema: id: `),
    );
    await expect(app.template.sendBatch(Created, [GOOD, batchMessage(bad)])).rejects.toThrow(
      /^payload 1 of the batch: /,
    );
    await expect(app.template.transaction(Created, bad, () => undefined)).rejects.toThrow(MessageValidationError);
    await expect(app.template.request(Created, bad)).rejects.toThrow(MessageValidationError);
    await expect(app.template.sendOneWay(Created, bad)).rejects.toThrow(MessageValidationError);

    const good = consumed(app.module, { topic: Created }, { timeout });
    const dead = consumed(app.module, { topic: deadLetters(consumerGroup) }, { timeout });
    await app.template.send(Created, GOOD);
    await app.template.send({ topic: Created.topic, tag: 'created' }, bad); // another service, which knows no schema
    await app.template.send(`${Created.topic}:other`, GOOD); // the topic's tag filters
    await app.elapse(Promise.all([good, dead]), '120s');
    expect(received).toEqual([[{ id: 'o1', at: new Date(GOOD.at) }, 'created']]);
    expect(reasons).toEqual([[expect.stringMatching(/^MessageValidationError: .*: id: /), 0]]);
  });

  test('checks each message of a batch listener', async () => {
    const Created = defineTopic(unique('typed'), { schema: schema as StandardSchema<typeof GOOD, { at: Date }> });
    const received: unknown[] = [];

    @Injectable()
    class Orders {
      @RocketMQMessageListener({
        topic: Created,
        batch: { size: 10, wait: '100ms' },
        retry: { onInvalid: Outcome.ack },
      })
      take(messages: Message<{ at: Date }>[]): void {
        received.push(...messages.map(({ payload }) => payload));
      }
    }

    const app = await startApp({ providers: [Orders] }, { topics: [{ name: Created.topic, queues: 1 }] });
    const done = consumed(app.module, { topic: Created.topic }, { times: 3, timeout });
    for (const payload of [GOOD, { id: 7 }, GOOD]) await app.template.send(Created.topic, payload);
    await app.elapse(done, '60s');
    const order = { id: 'o1', at: new Date(GOOD.at) };
    expect(received).toEqual([order, order]);
  });
});

describe('what a ValidationPipe refuses', () => {
  class Line {
    @IsInt()
    quantity!: number;
  }

  /** An app whose listener of lines has a ValidationPipe, and the reasons of its dead letters. */
  async function validating(
    retry: RetryOptions,
  ): Promise<{ app: TestApp; topic: string; dead: string; reasons: unknown[] }> {
    const topic = unique('validated');
    const consumerGroup = unique('group');
    const reasons: unknown[] = [];

    @Injectable()
    class Orders {
      @UsePipes(new ValidationPipe({ transform: true }))
      @RocketMQMessageListener({ topic, consumerGroup, retry })
      take(line: Line): void {
        expect(line).toBeInstanceOf(Line);
      }

      @RocketMQMessageListener({ topic: deadLetters(consumerGroup), consumerGroup: unique('dead') })
      dead(_line: unknown, { properties }: RocketMQContext): void {
        reasons.push(properties.get('DLQ_REASON'));
      }
    }
    return { app: await startApp({ providers: [Orders] }), topic, dead: deadLetters(consumerGroup), reasons };
  }

  test('goes to the dead letters at once, with the reason', async () => {
    const { app, topic, dead, reasons } = await validating({});
    const good = consumed(app.module, { topic }, { timeout });
    const letter = consumed(app.module, { topic: dead }, { timeout });
    await app.template.send(topic, { quantity: 2 });
    await app.template.send(topic, { quantity: 'two' });
    await app.elapse(Promise.all([good, letter]), '120s');
    expect(reasons).toEqual([expect.stringMatching(/BadRequestException: .*quantity must be an integer number/)]);
  });

  test('has the outcome that the option says', async () => {
    const { app, topic, reasons } = await validating({ onInvalid: Outcome.ack });
    const dropped = consumed(app.module, { topic }, { timeout });
    await app.template.send(topic, { quantity: 'two' });
    await app.elapse(dropped, '60s');
    expect(reasons).toEqual([]);
  });
});

test('a topic and a listener have converters of their own', async () => {
  /** As text with a mark, so that each can be told. */
  const marked = (mark: string): MessageConverter => ({
    encode: (payload) => ({ body: Buffer.from(`${mark}${String(payload)}`) }),
    decode: ({ body }) => {
      const text = body.toString();
      if (!text.startsWith(mark)) throw new Error(`no ${mark}`);
      return text.slice(mark.length);
    },
  });
  const ByTopic = defineTopic<string>(unique('by-topic'), { converter: marked('T') });
  const byListener = unique('by-listener');
  const received: string[] = [];

  @Injectable()
  class Texts {
    @RocketMQMessageListener({ topic: ByTopic })
    topic(text: string): void {
      received.push(text);
    }

    @RocketMQMessageListener({ topic: byListener, messageConverter: marked('L') })
    listener(text: string): void {
      received.push(text);
    }
  }

  const app = await startApp({ providers: [Texts] });
  const both = Promise.all([
    consumed(app.module, { topic: ByTopic.topic }, { timeout }),
    consumed(app.module, { topic: byListener }, { timeout }),
  ]);
  await app.template.send(ByTopic, 'a');
  await app.template.send(byListener, Buffer.from('Lb'));
  await app.elapse(both, '60s');
  expect(received.sort()).toEqual(['a', 'b']);
});

test('a payload is an instance of the class that the listener names', async () => {
  class Item {
    quantity = 0;
  }
  class Order {
    @Type(() => Item)
    items: Item[] = [];
    get total(): number {
      return this.items.reduce((sum, { quantity }) => sum + quantity, 0);
    }
  }
  const topic = unique('instances');
  const received: unknown[] = [];

  @RocketMQMessageListener({ topic, payload: Order })
  class Orders {
    onMessage(order: Order): void {
      received.push(order, order.total, order.items[0] instanceof Item);
    }
  }

  const app = await startApp({ providers: [Orders] });
  const done = consumed(app.module, { topic }, { timeout });
  await app.template.send(topic, { items: [{ quantity: 2 }, { quantity: 3 }] });
  await app.elapse(done, '60s');
  expect(received).toEqual([expect.any(Order), 5, true]);
});

describe('is refused with the remedy', () => {
  test.each([
    ['a schema of no library', () => defineTopic('t', { schema: {} as never }), /schema .*Standard Schema/],
    [
      'a converter without its methods',
      () => defineTopic('t', { converter: {} as never }),
      /encode\(\) and decode\(\)/,
    ],
    ['a misspelt option', () => defineTopic('t', { shema: 1 } as never), /the option is called schema/],
    ['no topic', () => defineTopic('no topic'), /destination/],
  ])('%s', (_what, define, message) => {
    expect(define).toThrow(InvalidOptionError);
    expect(define).toThrow(message);
  });

  test('tags beside those of the topic', async () => {
    const Paid = defineTopic(`${unique('t')}:paid`);
    class Orders {
      @RocketMQMessageListener({ topic: Paid, tags: 'refunded' })
      take(): void {}
    }
    await expect(startApp({ providers: [Orders] })).rejects.toThrow(
      /its topic has the tag 'paid' already\. Leave tags out/,
    );
  });

  test('an outcome that is none', async () => {
    class Orders {
      @RocketMQMessageListener({ topic: unique('t'), retry: { onInvalid: 'ack' as never } })
      take(): void {}
    }
    await expect(startApp({ providers: [Orders] })).rejects.toThrow(/onInvalid .* is 'ack'; allowed: an Outcome/);
  });
});

test('an error of the schema itself is no verdict on the payload', async () => {
  const topic = unique('broken');
  const broken: StandardSchema = {
    '~standard': { version: 1, vendor: 'own', validate: () => Promise.reject(new TypeError('no database')) },
  };
  class Orders {
    @RocketMQMessageListener({ topic: defineTopic(topic, { schema: broken }) })
    take(): void {}
  }
  const app = await startApp({ providers: [Orders] });
  const failure = failed(app.module, { topic }, { timeout });
  await app.template.send(topic, {});
  expect((await app.elapse(failure, '60s')).error).toMatchObject({ name: 'TypeError', message: 'no database' });
});

test('a transaction listener of a typed topic is given what its schema and converter make of the half message', async () => {
  const converter: MessageConverter = {
    encode: (payload) => ({ body: Buffer.from(`~${JSON.stringify(payload)}`) }),
    decode: ({ body }) => JSON.parse(body.subarray(1).toString()) as unknown,
  };
  const schema = z.object({ at: z.string().transform((at) => new Date(at)) });
  const Paid = defineTopic(unique('paid'), { schema, converter });
  const checked: unknown[] = [];

  @RocketMQTransactionListener({ topic: Paid })
  class Payments {
    executeLocalTransaction(): RocketMQLocalTransactionState {
      return RocketMQLocalTransactionState.UNKNOWN;
    }
    checkLocalTransaction(payment: unknown): RocketMQLocalTransactionState {
      checked.push(payment);
      return RocketMQLocalTransactionState.COMMIT;
    }
  }
  class Orders {
    @RocketMQMessageListener({ topic: Paid })
    take(): void {}
  }

  const app = await startApp({ providers: [Payments, Orders] });
  const done = consumed(app.module, { topic: Paid }, { timeout });
  await app.template.sendMessageInTransaction(Paid, { at: GOOD.at });
  await app.elapse(done, '180s');
  expect(checked[0]).toEqual({ at: new Date(GOOD.at) });
});
