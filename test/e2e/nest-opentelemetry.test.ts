// Tests the spans and metrics of an app's messages, as an OpenTelemetry SDK gets them.
import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, context, metrics, trace } from '@opentelemetry/api';
import type { Context, ContextManager } from '@opentelemetry/api';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import {
  InjectPullConsumer,
  Outcome,
  RocketMQContext,
  RocketMQLocalTransactionState,
  RocketMQMessageListener,
  RocketMQModule,
  RocketMQPullConsumer,
  RocketMQTransactionListener,
  deadLetters,
} from 'nest-rocketmq';
import { DURATION_BUCKETS, messageContext, openTelemetry } from 'nest-rocketmq/opentelemetry';
import type { OpenTelemetryOptions } from 'nest-rocketmq/opentelemetry';
import { consumed, failed } from 'nest-rocketmq/testing';
import { PATIENCE_MS, closeApps, startApp, unique } from './nest-harness.js';

const timeout = PATIENCE_MS;
const FIRST = { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' } as const;

/** As the SDK for Node has one. */
class AsyncContexts implements ContextManager {
  readonly #storage = new AsyncLocalStorage<Context>();
  active = (): Context => this.#storage.getStore() ?? ROOT_CONTEXT;
  with: ContextManager['with'] = (given, call, self, ...args) =>
    this.#storage.run(given, () => call.call(self as never, ...args));
  bind: ContextManager['bind'] = (_given, target) => target;
  enable = (): this => this;
  disable = (): this => (this.#storage.disable(), this);
}

let spans: InMemorySpanExporter;
let metricData: InMemoryMetricExporter;
let reader: PeriodicExportingMetricReader;
let tracerProvider: BasicTracerProvider;
let meterProvider: MeterProvider;

beforeEach(() => {
  spans = new InMemorySpanExporter();
  tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
  metricData = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  reader = new PeriodicExportingMetricReader({ exporter: metricData, exportIntervalMillis: 3_600_000 });
  meterProvider = new MeterProvider({ readers: [reader] });
  context.setGlobalContextManager(new AsyncContexts());
});

afterEach(async () => {
  await closeApps();
  context.disable();
  trace.disable();
  metrics.disable();
  await meterProvider.shutdown();
});

const hooks = (options: OpenTelemetryOptions = {}) => [openTelemetry({ tracerProvider, meterProvider, ...options })];
const named = (name: string): ReadableSpan[] => spans.getFinishedSpans().filter((span) => span.name === name);
const one = (name: string): ReadableSpan => {
  const found = named(name);
  expect([name, found.length]).toEqual([name, 1]);
  return found[0]!;
};

async function metric(name: string) {
  await reader.forceFlush();
  const all = metricData
    .getMetrics()
    .at(-1)!
    .scopeMetrics.flatMap(({ metrics }) => metrics);
  return all.find(({ descriptor }) => descriptor.name === name)!;
}

describe('a send and its listener', () => {
  it('are one trace, with the published names and attributes', async () => {
    const topic = unique('order');
    const inside: (string | undefined)[] = [];
    const properties: unknown[] = [];
    class Orders {
      @RocketMQMessageListener({ topic, ...FIRST })
      take(_order: unknown, message: RocketMQContext): void {
        inside.push(trace.getSpan(context.active())?.spanContext().spanId);
        properties.push(message.properties.get('traceparent'));
      }
    }
    const app = await startApp({ providers: [Orders] }, { hooks: hooks({ bodySize: true }), group: 'shop' });
    const done = consumed(app.module, { topic }, { timeout });
    const sent = await app.template.send(`${topic}:paid`, { id: 1 }, { keys: ['o1', 'c2'] });
    await app.elapse(done, '30s');
    await app.close();
    const send = one(`send ${topic}`);
    const process = one(`process ${topic}`);
    const { brokerName, queueId } = sent.messageQueue;
    const common = {
      'messaging.system': 'rocketmq',
      'messaging.destination.name': topic,
      'messaging.destination.partition.id': `${brokerName}:${queueId}`,
      'messaging.client.id': expect.any(String),
      'messaging.message.id': sent.msgId,
      'messaging.message.body.size': 8,
      'messaging.rocketmq.namespace': '',
      'messaging.rocketmq.message.type': 'normal',
      'messaging.rocketmq.message.tag': 'paid',
      'messaging.rocketmq.message.keys': ['o1', 'c2'],
      'server.address': expect.any(String),
      'server.port': expect.any(Number),
    };
    expect(send.attributes).toEqual({
      ...common,
      'messaging.operation.name': 'send',
      'messaging.operation.type': 'send',
    });
    expect(process.attributes).toEqual({
      ...common,
      'messaging.operation.name': 'process',
      'messaging.operation.type': 'process',
      'messaging.consumer.group.name': 'shop',
      'messaging.rocketmq.consumption_model': 'clustering',
    });
    expect([send.kind, process.kind]).toEqual([SpanKind.PRODUCER, SpanKind.CONSUMER]);
    const { traceId, spanId } = send.spanContext();
    expect(process.parentSpanContext).toMatchObject({ traceId, spanId, isRemote: true });
    expect([inside, properties]).toEqual([[process.spanContext().spanId], [`00-${traceId}-${spanId}-01`]]);
    expect([send.status.code, process.status.code, process.links]).toEqual([0, 0, []]);
  });

  it('can be linked instead, and pass a trace state on', async () => {
    const topic = unique('order');
    class Orders {
      @RocketMQMessageListener({ topic, ...FIRST })
      take(): void {}
    }
    const app = await startApp({ providers: [Orders] }, { hooks: hooks({ processSpan: 'link' }) });
    const done = consumed(app.module, { topic }, { timeout });
    const properties = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, tracestate: 'vendor=1' };
    const parent = messageContext({ properties: new Map(Object.entries(properties)) });
    await context.with(parent, () => app.template.send(topic, 1));
    await app.elapse(done, '30s');
    await app.close();
    const send = one(`send ${topic}`);
    const process = one(`process ${topic}`);
    expect(send.parentSpanContext).toMatchObject({ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) });
    expect(process.parentSpanContext).toBeUndefined();
    expect(process.links).toMatchObject([{ context: { spanId: send.spanContext().spanId, traceId: 'a'.repeat(32) } }]);
    expect(process.links[0]!.context.traceState?.serialize()).toBe('vendor=1');
  });

  it('that fails: the error stands in the span, and giving back and dead letters are in the same trace', async () => {
    const topic = unique('order');
    class OutOfStockError extends Error {}
    const group = unique('shop');
    class Orders {
      @RocketMQMessageListener({
        topic,
        consumerGroup: group,
        ...FIRST,
        retry: { maxReconsumeTimes: 1, backoff: '1s' },
      })
      take(): void {
        throw new OutOfStockError('none left');
      }
    }
    class Dead {
      @RocketMQMessageListener({ topic: deadLetters(group), consumerGroup: unique('dead'), ...FIRST })
      take(): Outcome {
        return Outcome.ack;
      }
    }
    const app = await startApp({ providers: [Orders, Dead] }, { hooks: hooks() });
    const twice = failed(app.module, { topic }, { times: 2, timeout });
    const dead = consumed(app.module, { topic: deadLetters(group) }, { timeout });
    await app.template.send(topic, 1);
    await app.elapse(Promise.all([twice, dead]), '5m');
    await app.close();
    const { traceId, spanId } = one(`send ${topic}`).spanContext();
    const tries = named(`process ${topic}`);
    expect(tries.map(({ attributes, status }) => [attributes['error.type'], status.code, status.message])).toEqual([
      ['OutOfStockError', SpanStatusCode.ERROR, 'none left'],
      ['OutOfStockError', SpanStatusCode.ERROR, 'none left'],
    ]);
    for (const each of tries) expect(each.parentSpanContext).toMatchObject({ traceId, spanId });
    expect(tries[0]!.events[0]!.attributes).toMatchObject({ 'exception.message': 'none left' });
    const back = named(`settle ${topic}`);
    expect(back.map(({ kind, events }) => [kind, events[0]!.name])).toEqual([
      [SpanKind.CLIENT, 'retry'],
      [SpanKind.CLIENT, expect.stringMatching(/retry|deadLetter/)],
    ]);
    expect(back.map(({ parentSpanContext }) => parentSpanContext!.spanId)).toEqual(
      tries.map((span) => span.spanContext().spanId),
    );
    expect(one(`process ${deadLetters(group)}`).parentSpanContext).toMatchObject({ traceId, spanId });
  });
});

describe('many messages', () => {
  it('sent at once have a create span each; a listener of lists has links to them', async () => {
    const topic = unique('order');
    class Orders {
      @RocketMQMessageListener({ topic, ...FIRST, batch: { size: 8 } })
      take(_orders: unknown[]): void {}
    }
    const app = await startApp({ providers: [Orders] }, { hooks: hooks(), topics: [{ name: topic, queues: 1 }] });
    const done = consumed(app.module, { topic }, { times: 3, timeout });
    await app.template.sendBatch(topic, [1, 2, 3]);
    await app.elapse(done, '30s');
    await app.close();
    const creates = named(`create ${topic}`);
    const ids = creates.map((span) => span.spanContext().spanId);
    const send = one(`send ${topic}`);
    expect([creates.length, send.kind, creates[0]!.kind]).toEqual([3, SpanKind.CLIENT, SpanKind.PRODUCER]);
    expect(send.attributes['messaging.batch.message_count']).toBe(3);
    expect(creates[0]!.attributes).toMatchObject({ 'messaging.operation.type': 'create' });
    expect(send.links.map((link) => link.context.spanId)).toEqual(ids);
    const calls = named(`process ${topic}`);
    expect(calls.flatMap(({ links }) => links.map((link) => link.context.spanId)).toSorted()).toEqual(ids.toSorted());
    const counts = calls.map(({ attributes }) => Number(attributes['messaging.batch.message_count']));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(3);
  });

  it('that are received by asking have one receive span, with links', async () => {
    const topic = unique('order');
    class Puller {
      constructor(@InjectPullConsumer() readonly orders: RocketMQPullConsumer<number>) {}
    }
    const pullConsumers = [{ group: unique('pull'), topics: [topic], ...FIRST }];
    const app = await startApp(
      { imports: [RocketMQModule.forFeature({ pullConsumers })], providers: [Puller] },
      { hooks: hooks(), topics: [{ name: topic, queues: 1 }] },
    );
    await app.template.send(topic, 1);
    await app.template.send(topic, 2);
    const { orders } = app.module.get(Puller);
    const got: unknown[] = [];
    while (got.length < 2) got.push(...(await app.elapse(orders.poll({ max: 2, timeout: '10s' }), '60s')));
    await app.close();
    const ids = named(`send ${topic}`).map((span) => span.spanContext().spanId);
    const receives = named(`receive ${topic}`);
    expect(receives.flatMap(({ links }) => links.map((link) => link.context.spanId))).toEqual(ids);
    expect(receives[0]).toMatchObject({ kind: SpanKind.CLIENT });
    expect(receives[0]!.attributes).toMatchObject({
      'messaging.operation.name': 'receive',
      'messaging.consumer.group.name': pullConsumers[0]!.group,
      'messaging.rocketmq.consumption_model': 'clustering',
    });
  });
});

describe('a transaction', () => {
  it.each([
    ['COMMIT_MESSAGE', () => undefined],
    ['ROLLBACK_MESSAGE', () => Promise.reject(new Error('no'))],
  ])('is one span from the half message to %s', async (state, work) => {
    const topic = unique('order');
    const app = await startApp({}, { hooks: hooks() });
    await app.template.transaction(topic, 1, work).catch(() => undefined);
    await app.close();
    const send = one(`send ${topic}`);
    expect(send.attributes['messaging.rocketmq.message.type']).toBe('transaction');
    expect(send.events.map(({ name }) => name)).toEqual(['half message stored', state]);
  });
});

it('a transaction that the broker asks about is settled within the trace of its message', async () => {
  const topic = unique('order');
  @RocketMQTransactionListener({ topic })
  class Checks {
    checkLocalTransaction(): RocketMQLocalTransactionState {
      return RocketMQLocalTransactionState.COMMIT;
    }
  }
  class Orders {
    @RocketMQMessageListener({ topic, ...FIRST })
    take(): void {}
  }
  const app = await startApp({ providers: [Checks, Orders] }, { hooks: hooks() });
  const done = consumed(app.module, { topic }, { timeout });
  const transaction = await app.template.beginTransaction(topic, 1);
  await transaction.leaveUnknown();
  await app.elapse(done, '3m');
  await app.close();
  const { traceId, spanId } = one(`send ${topic}`).spanContext();
  expect(one(`send ${topic}`).events.map(({ name }) => name)).toEqual(['half message stored', 'UNKNOW']);
  const settle = one(`settle ${topic}`);
  expect(settle.parentSpanContext).toMatchObject({ traceId, spanId });
  expect([settle.kind, settle.events[0]!.name]).toEqual([SpanKind.CLIENT, 'COMMIT_MESSAGE']);
  expect(one(`process ${topic}`).attributes['messaging.rocketmq.message.type']).toBe('transaction');
});

it('a request is one trace with its listener and its reply', async () => {
  const topic = unique('price');
  class Prices {
    @RocketMQMessageListener({ topic, ...FIRST, reply: true })
    price(item: number): number {
      return item * 2;
    }
  }
  const app = await startApp({ providers: [Prices] }, { hooks: hooks() });
  expect(await app.elapse(app.template.request(topic, 21, { timeout }), '30s')).toBe(42);
  await app.close();
  const send = one(`send ${topic}`);
  const process = one(`process ${topic}`);
  const reply = spans.getFinishedSpans().find(({ name }) => /^send .*REPLY_TOPIC/.test(name))!;
  expect(process.parentSpanContext!.spanId).toBe(send.spanContext().spanId);
  expect(reply.parentSpanContext!.spanId).toBe(process.spanContext().spanId);
  expect(process.attributes['messaging.message.conversation_id']).toMatch(/./);
});

it.each([
  ['delay', { delay: '10s' }, 'messaging.rocketmq.message.delivery_timestamp'],
  ['delay', { delayLevel: 3 }, 'messaging.rocketmq.message.delay_time_level'],
  ['fifo', { shardingKey: 'c1' }, 'messaging.rocketmq.message.group'],
])('a message of type %s %j says so', async (type, options, attribute) => {
  const topic = unique('order');
  const app = await startApp({}, { hooks: hooks() });
  await app.template.send(topic, 1, options);
  expect(one(`send ${topic}`).attributes).toMatchObject({
    'messaging.rocketmq.message.type': type,
    [attribute]: expect.anything(),
  });
});

it('a send that fails has the reason as error.type', async () => {
  const app = await startApp({}, { hooks: hooks(), producer: { maxMessageSize: 10 } });
  const topic = unique('order');
  await expect(app.template.send(topic, 'x'.repeat(20))).rejects.toThrow('maxMessageSize');
  expect(one(`send ${topic}`)).toMatchObject({
    attributes: { 'error.type': 'MESSAGE_TOO_LARGE' },
    status: { code: SpanStatusCode.ERROR },
  });
});

it('metrics have the published names, units, buckets and attributes', async () => {
  const topic = unique('order');
  class Orders {
    @RocketMQMessageListener({ topic, ...FIRST })
    take(): void {}
  }
  const app = await startApp({ providers: [Orders] }, { hooks: hooks(), group: 'shop' });
  const done = consumed(app.module, { topic }, { timeout });
  await app.template.send(topic, 1);
  await app.elapse(done, '30s');
  await app.close();
  const attributes = { 'messaging.system': 'rocketmq', 'messaging.destination.name': topic };
  const sending = { ...attributes, 'messaging.operation.name': 'send', 'messaging.operation.type': 'send' };
  const processing = { ...attributes, 'messaging.operation.name': 'process', 'messaging.consumer.group.name': 'shop' };
  const buckets = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
  expect(DURATION_BUCKETS).toEqual(buckets);
  for (const [name, labels] of [
    ['messaging.client.operation.duration', sending],
    ['messaging.process.duration', processing],
  ] as const) {
    const { descriptor, dataPoints } = await metric(name);
    expect(descriptor.unit).toBe('s');
    expect(dataPoints[0]).toMatchObject({ attributes: labels, value: { count: 1, buckets: { boundaries: buckets } } });
    expect(dataPoints[0]!.attributes).not.toHaveProperty('messaging.message.id');
  }
  for (const [name, labels] of [
    ['messaging.client.sent.messages', sending],
    ['messaging.client.consumed.messages', processing],
  ] as const) {
    const { descriptor, dataPoints } = await metric(name);
    expect(descriptor.unit).toBe('{message}');
    expect(dataPoints).toMatchObject([{ attributes: labels, value: 1 }]);
  }
});

it('an SDK that is registered after the app has started is used, and without one messages stay as they are', async () => {
  const topic = unique('order');
  const seen: unknown[] = [];
  class Orders {
    @RocketMQMessageListener({ topic, ...FIRST })
    take(_order: unknown, message: RocketMQContext): void {
      seen.push(message.properties.has('traceparent'));
    }
  }
  const app = await startApp({ providers: [Orders] }, { hooks: [openTelemetry()] });
  const first = consumed(app.module, { topic }, { timeout });
  await app.template.send(topic, 1);
  await app.elapse(first, '30s');
  trace.setGlobalTracerProvider(tracerProvider);
  metrics.setGlobalMeterProvider(meterProvider);
  const second = consumed(app.module, { topic }, { timeout });
  await app.template.send(topic, 2);
  await app.elapse(second, '30s');
  expect(seen).toEqual([false, true]);
  expect(named(`send ${topic}`)).toHaveLength(1);
  expect((await metric('messaging.client.sent.messages')).dataPoints).toMatchObject([{ value: 1 }]);
});

it.each([
  [{ processSpan: 'sibling' }, 'processSpan'],
  [{ tracerProvider: {} }, 'tracerProvider'],
  [{ sampler: 1 }, 'sampler'],
  [7, 'options'],
])('options that are wrong are refused: %j', (options, name) => {
  expect(() => openTelemetry(options as OpenTelemetryOptions)).toThrow(name);
});
