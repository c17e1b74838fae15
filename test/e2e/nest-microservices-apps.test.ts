// Tests how apps are put together with Nest's microservices: enhancers, hybrid apps, microservices of their own, shutdown.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Controller, Inject, Injectable, ParseIntPipe, Scope, UseGuards } from '@nestjs/common';
import type { CanActivate, ExecutionContext, NestInterceptor, PipeTransform } from '@nestjs/common';
import { CONTEXT, ClientsModule, EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import type { AsyncMicroserviceOptions, ClientProxy, RequestContext } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { firstValueFrom, tap } from 'rxjs';
import {
  EmbeddedBackend,
  NAME_SERVER_ENV,
  RocketMQListeners,
  RocketMQMessageListener,
  RocketMQModule,
  RocketMQTemplate,
} from 'nest-rocketmq';
import type { RocketMQContext, RocketMQModuleOptions } from 'nest-rocketmq';
import { RocketMQClientProxy, RocketMQRecord, RocketMQServer } from 'nest-rocketmq/microservices';
import type { RocketMQStatus } from 'nest-rocketmq/microservices';
import { consumed, failed } from 'nest-rocketmq/testing';
import { PATIENCE_MS, PATIENT, closeApps, onCluster, startApp, unique } from './nest-harness.js';

const timeout = PATIENCE_MS;
const FIRST = { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' } as const;

let topic: string;
const closing: { close(): unknown }[] = [];
const stopping: EmbeddedBackend[] = [];

beforeEach(() => {
  topic = unique('rpc');
});

afterEach(async () => {
  for (const each of closing.splice(0)) await each.close();
  await closeApps();
  for (const each of stopping.splice(0)) await each.stop();
});

/** The cluster, or a broker for one test that several connections share. */
async function connection(): Promise<RocketMQModuleOptions> {
  const group = unique('rpc');
  if (onCluster) return { group, nameServer: process.env[NAME_SERVER_ENV], ...PATIENT };
  const broker = new EmbeddedBackend({ store: 'memory' }, { log: () => {}, warn: () => {}, error: () => {} });
  const nameServer = await broker.start();
  stopping.push(broker);
  const start = (): Promise<string> => Promise.resolve(nameServer);
  return { group, backend: { name: 'embedded', dial: broker.dial, start, stop: () => Promise.resolve() } };
}

test('guards, interceptors and pipes run as for any microservice, and a request scope has the message; a denied event fails', async () => {
  const seen: unknown[] = [];
  class Denies implements CanActivate {
    canActivate(context: ExecutionContext): boolean {
      seen.push(context.getType());
      return context.switchToRpc().getData() !== 'denied';
    }
  }
  class Counts implements NestInterceptor {
    intercept: NestInterceptor['intercept'] = (_context, next) => next.handle().pipe(tap((value) => seen.push(value)));
  }
  @Injectable({ scope: Scope.REQUEST })
  class Unit {
    constructor(@Inject(CONTEXT) readonly request: RequestContext) {}
  }
  @Controller()
  class Handlers {
    constructor(private readonly unit: Unit) {}
    @MessagePattern(topic, { ...FIRST, retry: { maxReconsumeTimes: 0 } })
    answer(@Payload('n', ParseIntPipe) n: number): unknown {
      return { n, topic: (this.unit.request.getContext() as unknown as RocketMQContext).topic };
    }
    @UseGuards(Denies)
    @EventPattern(`${topic}-guarded`, { ...FIRST, consumerGroup: unique('guarded') })
    guarded(_event: unknown): void {
      seen.push('called');
    }
  }
  Reflect.defineMetadata('design:paramtypes', [Unit], Handlers);
  const app = await startApp({ controllers: [Handlers], providers: [Unit] });
  const server = new RocketMQServer({ listeners: app.module.get(RocketMQListeners) });
  closing.push(server);
  const microservice = app.module.createNestMicroservice({ strategy: server });
  microservice.useGlobalInterceptors(new Counts());
  await microservice.listen();
  const answer = app.template.request(topic, { n: '7' }, { timeout });
  await expect(app.elapse(answer, '60s')).resolves.toEqual({ n: 7, topic });
  expect(seen).toEqual([{ n: 7, topic }]);
  const denied = failed(app.module, { topic: `${topic}-guarded` }, { timeout });
  await app.template.send(`${topic}-guarded`, 'denied');
  const { error } = await app.elapse(denied, '60s');
  expect(String(error)).toMatch(/Forbidden resource/);
  expect(seen).toEqual([{ n: 7, topic }, 'rpc']);
});

test('a microservice has a connection of its own, tells its status, and ends once its handlers have', async () => {
  let started!: () => void;
  let finish!: () => void;
  const running = new Promise<void>((resolve) => (started = resolve));
  const finished = new Promise<void>((resolve) => (finish = resolve));
  @Controller()
  class Handlers {
    @EventPattern(topic, FIRST)
    async take(_event: unknown): Promise<void> {
      started();
      await finished;
    }
  }
  const options = await connection();
  const server = new RocketMQServer(options);
  const statuses: RocketMQStatus[] = [];
  server.status.subscribe((status) => statuses.push(status));
  const consumptions: string[] = [];
  server.on('consumed', (consumption) => consumptions.push(consumption.context.topic));
  expect(() => server.unwrap()).toThrow(/after the microservice has begun to listen/);
  const clients = ClientsModule.register([{ name: 'CLIENT', customClass: RocketMQClientProxy, options }]);
  const module = await Test.createTestingModule({ imports: [clients], controllers: [Handlers] }).compile();
  const microservice = module.createNestMicroservice({ strategy: server });
  await microservice.listen();
  expect(server.unwrap()).toBeInstanceOf(RocketMQListeners);
  const client = module.get<RocketMQClientProxy>('CLIENT');
  const clientStatuses: RocketMQStatus[] = [];
  client.status.subscribe((status) => clientStatuses.push(status));
  expect(() => client.unwrap()).toThrow(/after connect/);
  await firstValueFrom(client.emit(topic, 1));
  expect(client.unwrap()).toBeInstanceOf(RocketMQTemplate);
  await running;
  const closed = microservice.close();
  finish();
  await closed;
  expect(consumptions).toEqual([topic]);
  expect(statuses).toEqual(['connecting', 'connected', 'disconnected']);
  expect(clientStatuses).toEqual(['connecting', 'connected', 'disconnected']);
});

test("a hybrid app gives its strategy the app's own connection by injection, and starts to listen when it has bootstrapped", async () => {
  const got: unknown[] = [];
  @Controller()
  class Handlers {
    @EventPattern(topic, FIRST)
    take(payload: unknown): void {
      got.push(payload);
    }
  }
  class AddsOne implements PipeTransform {
    transform = (value: unknown): unknown => (typeof value === 'number' ? value + 1 : value);
  }
  const { backend, ...options } = await connection();
  const rocketmq = RocketMQModule.forRoot({ ...options, ...(backend && { backend }) });
  const clients = ClientsModule.registerAsync([
    {
      name: 'CLIENT',
      inject: [RocketMQTemplate],
      useFactory: (template: RocketMQTemplate) => ({ customClass: RocketMQClientProxy, options: { template } }),
    },
  ]);
  const module = await Test.createTestingModule({ imports: [rocketmq, clients], controllers: [Handlers] }).compile();
  const app = module.createNestApplication({ logger: false });
  closing.push(app);
  app.useGlobalPipes(new AddsOne());
  app.connectMicroservice<AsyncMicroserviceOptions>(
    {
      inject: [RocketMQListeners],
      useFactory: (listeners: RocketMQListeners) => ({ strategy: new RocketMQServer({ listeners }) }),
    },
    { inheritAppConfig: true },
  );
  await app.startAllMicroservices();
  await app.init();
  const done = consumed(app, { topic }, { timeout });
  await firstValueFrom(app.get<ClientProxy>('CLIENT').emit(topic, 1));
  await done;
  expect(got).toEqual([2]);
});

test('a microservice that is closed takes its patterns out of the app, whose listeners go on', async () => {
  const got: string[] = [];
  @Controller()
  class Handlers {
    @EventPattern(`${topic}-pattern`, FIRST)
    pattern(_event: unknown): void {
      got.push('pattern');
    }
    @RocketMQMessageListener({ topic: `${topic}-listener`, consumerGroup: unique('listener'), ...FIRST })
    listener(): void {
      got.push('listener');
    }
  }
  const app = await startApp({ controllers: [Handlers] });
  const server = new RocketMQServer({ listeners: app.module.get(RocketMQListeners) });
  await app.module.createNestMicroservice({ strategy: server }).listen();
  await server.close();
  const done = consumed(app.module, { topic: `${topic}-listener` }, { timeout });
  await app.template.send(`${topic}-pattern`, 1);
  await app.template.send(`${topic}-listener`, 1);
  await app.elapse(done, '60s');
  expect(got).toEqual(['listener']);
});

async function refusedBy(handlers: new () => object): Promise<unknown> {
  const app = await startApp({ controllers: [handlers] });
  const server = new RocketMQServer({ listeners: app.module.get(RocketMQListeners) });
  closing.push(server);
  try {
    await app.module.createNestMicroservice({ strategy: server }).listen();
  } catch (error) {
    return error;
  }
  throw new Error('it was not refused');
}

test('patterns that cannot be served are refused at the start, with the remedy', async () => {
  class Wrong {
    @EventPattern(topic, { concurency: 1 })
    take(_event: unknown): void {}
  }
  class Lists {
    @EventPattern(topic, { batch: { size: 2 } })
    take(_event: unknown): void {}
  }
  class Alike {
    @EventPattern('order.sum')
    a(_event: unknown): void {}
    @EventPattern('order_sum')
    b(_event: unknown): void {}
  }
  class Twice {
    @MessagePattern(topic)
    a(): void {}
    @MessagePattern(topic)
    b(): void {}
  }
  class Different {
    @EventPattern(topic, { concurrency: 1 })
    a(_event: unknown): void {}
    @EventPattern(topic, { concurrency: 2 })
    b(_event: unknown): void {}
  }
  class Overlapping {
    @EventPattern(topic)
    all(_event: unknown): void {}
    @EventPattern(`${topic}:paid`)
    paid(_event: unknown): void {}
  }
  class NoTopic {
    @EventPattern('order created')
    take(_event: unknown): void {}
  }
  const cases: [new () => object, RegExp][] = [
    [Wrong, /@EventPattern\('rpc.*the option is called concurrency/],
    [Lists, /option batch .*one message at a time/],
    [
      Alike,
      /@EventPattern\('order_sum'\): its pattern means topic 'order_sum', as that of @EventPattern\('order.sum'\)/,
    ],
    [Twice, /two handlers would answer/],
    [Different, /option concurrency is another than/],
    [Overlapping, /Give them different tags, or one of them a consumerGroup/],
    [NoTopic, /'order created'; allowed: a topic/],
  ];
  for (const [handlers, expected] of cases) {
    Controller()(handlers);
    expect(String(await refusedBy(handlers))).toMatch(expected);
  }
  expect(() => new RocketMQServer({ listeners: {} as never })).toThrow(/app.get\(RocketMQListeners\)/);
  expect(() => new RocketMQClientProxy({ template: {} as never })).toThrow(/app.get\(RocketMQTemplate\)/);
});

test('a request that is given up is not waited for any more', async () => {
  const app = await startApp({});
  const client = new RocketMQClientProxy({ template: app.template });
  const subscription = client.send(topic, new RocketMQRecord(1, { timeout: '60s' })).subscribe();
  await app.template.send(topic, 2);
  while (app.template.requestCounts.pending === 0) await new Promise(setImmediate);
  subscription.unsubscribe();
  while (app.template.requestCounts.pending > 0) await new Promise(setImmediate);
  expect(app.template.requestCounts).toMatchObject({ answered: 0, failed: 1 });
});
