// Compiles the types that users get, the libraries' .d.ts included, in an app as strict as TypeScript can be.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';

jest.setTimeout(240_000);

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

const APP = `
import { startBroker } from '@nest-rocketmq/broker';
import type { Broker } from '@nest-rocketmq/broker';
import { RocketMQClient } from '@nest-rocketmq/client';
import type { Admin, MessageExt, Producer, PushConsumer, SendResult } from '@nest-rocketmq/client';
import { ManualClock, RocketMQError } from '@nest-rocketmq/remoting';
import {
  ClusterBackend,
  Ctx,
  Header,
  Keys,
  Payload,
  RocketMQContext,
  RocketMQMessageListener,
  RocketMQModule,
  RocketMQTemplate,
  defineTopic,
} from 'nest-rocketmq';
import type { Message, Topic } from 'nest-rocketmq';
import { Idempotent, RocketMQIdempotency, SqlIdempotencyStore } from 'nest-rocketmq/idempotency';
import { RocketMQOutboxModule } from 'nest-rocketmq/outbox';
import { openTelemetry } from 'nest-rocketmq/opentelemetry';
import { RocketMQHealthIndicator } from 'nest-rocketmq/terminus';
import { backendContract, consumed, rocketMQTesting } from 'nest-rocketmq/testing';
import type { INestApplicationContext } from '@nestjs/common';
import * as v from 'valibot';
import { z } from 'zod';
import { ClientsModule } from '@nestjs/microservices';
import type { CustomTransportStrategy } from '@nestjs/microservices';
import { RocketMQClientProxy, RocketMQRecordBuilder, RocketMQServer } from 'nest-rocketmq/microservices';
import { RocketMQCqrsModule, eventTo } from 'nest-rocketmq/cqrs';

class OrderPaid {
  constructor(readonly id: string) {}
}

export const strategy: CustomTransportStrategy = new RocketMQServer({ nameServer: '127.0.0.1:9876', group: 'shop' });
export const record = new RocketMQRecordBuilder({ id: 1 }).setKeys('k').setDelay('30m').build();
export const neighbours = [
  ClientsModule.register([{ name: 'SHOP', customClass: RocketMQClientProxy, options: { nameServer: 'host:9876' } }]),
  RocketMQCqrsModule.forRoot({ events: [eventTo(OrderPaid, 'order:paid', { sendOptions: ({ id }) => ({ keys: id }) })] }),
];

export async function main(): Promise<void> {
  const client = new RocketMQClient({ nameServer: '127.0.0.1:9876', clock: new ManualClock() });
  const admin: Admin = client.admin;
  await admin.createTopic({ topic: 'orders' });
  const producer: Producer = client.createProducer({ group: 'shop' });
  const consumer: PushConsumer = client.createPushConsumer({
    group: 'shop',
    subscriptions: [{ topic: 'orders' }],
    listener: (messages: MessageExt[]) => (messages.length > 0 ? 'CONSUME_SUCCESS' : 'RECONSUME_LATER'),
  });
  await consumer.start();
  const { msgId }: SendResult = await producer.send({ topic: 'orders', body: 'o1' });
  if (msgId === '') throw new RocketMQError('NO_ID', 'there is no id');
}

interface Order {
  id: string;
  total: number;
}
const OrderCreated = defineTopic<Order>('order:created');
const Parsed = defineTopic('order:parsed', {
  schema: z.object({ id: z.string(), at: z.string().transform((at) => new Date(at)) }),
});
const Checked: Topic<{ id: string }> = defineTopic('order:checked', { schema: v.object({ id: v.string() }) });

export class Orders {
  @RocketMQMessageListener({ topic: OrderCreated })
  plain(order: Order, context: RocketMQContext): string {
    return order.id + context.topic;
  }
  @RocketMQMessageListener({ topic: OrderCreated, consumerGroup: 'b' })
  decorated(@Keys() keys: readonly string[], @Payload() order: Order, @Ctx() context: RocketMQContext): void {
    void [keys, order, context];
  }
  @RocketMQMessageListener({ topic: OrderCreated, consumerGroup: 'c' })
  field(@Payload('total') total: number, @Header('attempt') attempt: string): void {
    void [total, attempt];
  }
  @RocketMQMessageListener({ topic: OrderCreated, batch: { size: 5 } })
  list(orders: Message<Order>[]): void {
    void orders;
  }
  @RocketMQMessageListener({ topic: Parsed })
  parsed({ at }: { at: Date }): number {
    return at.getTime();
  }
  @RocketMQMessageListener({ topic: OrderCreated, consumerGroup: 'd' })
  wide(order: unknown): void {
    void order;
  }
  @RocketMQMessageListener({ topic: 'order', consumerGroup: 'e' })
  untyped(order: Order): void {
    void order;
  }
}

@RocketMQMessageListener({ topic: OrderCreated, consumerGroup: 'f' })
export class OnClass {
  onMessage(order: Order): void {
    void order;
  }
}

export async function send(template: RocketMQTemplate, app: INestApplicationContext): Promise<void> {
  await template.send(OrderCreated, { id: '1', total: 5 }, { keys: '1' });
  await template.send(Parsed, { id: '1', at: '2026-11-27' });
  await template.send('order:created', { anything: true });
  await template.sendBatch(Checked, [{ id: '1' }]);
  await template.sendBatch('order', [1, 'two', { three: 3 }]);
  const paid: number = await template.transaction(OrderCreated, { id: '1', total: 5 }, () => 7);
  const answer = await template.request<{ stock: number }>('stock', { sku: paid });
  await template.syncSend(OrderCreated, { id: '1', total: answer.stock }, '5s', 3);
  await template.asyncSend('order', {});
  await template.syncSendOrderly('order', {}, 'key');
  await template.sendOneWayOrderly(OrderCreated, { id: '1', total: 5 }, 'key');
  const { stock } = await template.sendAndReceive<{ stock: number }>('stock', {}, 3000);
  await consumed(app, { topic: OrderCreated, key: String(stock) });
}

export class Ledger {
  constructor(readonly idempotency: RocketMQIdempotency) {}

  @Idempotent<{ id: string }>({ key: ({ id }) => id, ttl: '72h' })
  @RocketMQMessageListener({ topic: 'payment' })
  async take({ id }: { id: string }): Promise<void> {
    const { duplicate, result } = await this.idempotency.run(id, () => 7);
    const seven: number | undefined = duplicate ? undefined : result;
    if (seven !== 7) throw new RocketMQError('NOT_SEVEN', 'it is not 7');
  }
}

const store = new SqlIdempotencyStore({ query: async () => [] });
export const imports = [
  RocketMQModule.forRoot({ idempotency: { store }, hooks: [openTelemetry()] }),
  rocketMQTesting().module,
];
export const providers = [RocketMQHealthIndicator];
export const cases: string[] = backendContract(() => new ClusterBackend('127.0.0.1:9876')).map(({ name }) => name);
export const outbox = RocketMQOutboxModule.forRoot({ database: { query: async () => [] } });
export const start = (): Promise<Broker> => startBroker({ store: 'memory' });
`;

/** What only a client may construct: each line must be an error. */
const REFUSED = `
import * as client from '@nest-rocketmq/client';

// @ts-expect-error
new client.Producer();
// @ts-expect-error
new client.PushConsumer();
// @ts-expect-error
new client.Admin();

import { RocketMQMessageListener, RocketMQTemplate, defineTopic } from 'nest-rocketmq';
import type { RocketMQContext } from 'nest-rocketmq';
import { z } from 'zod';

const OrderCreated = defineTopic<{ id: string; total: number }>('order:created');
const Parsed = defineTopic('order', { schema: z.object({ at: z.string().transform((at) => new Date(at)) }) });

export class Orders {
  // @ts-expect-error
  @RocketMQMessageListener({ topic: OrderCreated })
  other(order: { name: string }, context: RocketMQContext): void {
    void [order, context];
  }
  // @ts-expect-error -- it is given a Date
  @RocketMQMessageListener({ topic: Parsed })
  unparsed(order: { at: string }): void {
    void order;
  }
  // @ts-expect-error -- a misspelt option
  @RocketMQMessageListener({ topic: OrderCreated, consumeGroup: 'g' })
  misspelt(order: { id: string }): void {
    void order;
  }
}

// @ts-expect-error
@RocketMQMessageListener({ topic: OrderCreated })
export class OnClass {
  onMessage(order: { name: string }): void {
    void order;
  }
}

export async function send(template: RocketMQTemplate): Promise<void> {
  // @ts-expect-error
  await template.send(OrderCreated, { id: 1, total: 5 });
  // @ts-expect-error -- a send takes the text
  await template.send(Parsed, { at: new Date() });
  // @ts-expect-error
  await template.sendBatch(OrderCreated, [{ id: '1' }]);
  // @ts-expect-error
  await template.syncSend(OrderCreated, 'text');
  // @ts-expect-error -- a callback, as in Java
  await template.asyncSend('order', {}, () => undefined);
  // @ts-expect-error -- a misspelt option
  await template.send(OrderCreated, { id: '1', total: 5 }, { key: '1' });
}
`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'types-'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
});
afterEach(() => rmSync(folder, { recursive: true }));

test.each(['commonjs', 'module'])('compile without skipLibCheck in a strict app of type %s', (type) => {
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2022',
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noPropertyAccessFromIndexSignature: true,
    skipLibCheck: false,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    noEmit: true,
    types: ['node'],
  };
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'app', private: true, type }));
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['app.ts', 'refused.ts'] }));
  writeFileSync(join(folder, 'app.ts'), APP);
  writeFileSync(join(folder, 'refused.ts'), REFUSED);
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  const { stdout } = spawnSync(process.execPath, [compiler, '-p', folder], { encoding: 'utf8' });
  expect(stdout).toBe('');
});
