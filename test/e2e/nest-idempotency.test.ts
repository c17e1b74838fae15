// Tests listeners with @Idempotent in whole apps: duplicates, failures, two instances, and an instance that dies on the way.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { TestingModule } from '@nestjs/testing';
import { Outcome, RocketMQContext, RocketMQListeners, RocketMQMessageListener, RocketMQTemplate } from 'nest-rocketmq';
import type { Message, MessageListenerOptions } from 'nest-rocketmq';
import { Idempotent, MemoryIdempotencyStore, REPLAY_PROPERTY } from 'nest-rocketmq/idempotency';
import type { IdempotencyStore, IdempotentOptions } from 'nest-rocketmq/idempotency';
import { consumed, failed } from 'nest-rocketmq/testing';
import { PATIENCE_MS, onCluster, unique } from './nest-harness.js';
import { SharedBroker } from './shared-broker.js';

const timeout = PATIENCE_MS;

/** In real time on a cluster, a retry after Apache's 10 s would be most of this file's time. */
const SOON = { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET', retry: { backoff: '1s' } } as const;

interface Order {
  id: string;
}

let broker: SharedBroker;
let topic: string;
/** 'A o1' for each call of a listener, with the name of its app. */
let calls: string[];

beforeEach(() => {
  broker = new SharedBroker();
  topic = unique('once');
  calls = [];
});

afterEach(() => broker.stop());

type Handle = (order: Order, context: RocketMQContext) => unknown;

interface Setting {
  name?: string;
  store?: IdempotencyStore;
  listener?: Partial<MessageListenerOptions>;
  idempotent?: IdempotentOptions<Order>;
  shutdownTimeout?: string;
}

function start(
  { name = 'A', store = new MemoryIdempotencyStore({ clock: broker.clock }), ...setting }: Setting,
  handle: Handle = () => undefined,
  outcome: Handle = () => undefined,
) {
  class Orders {
    @Idempotent<Order>(setting.idempotent)
    @RocketMQMessageListener({ ...SOON, topic, ...setting.listener })
    async take(order: Order, context: RocketMQContext): Promise<unknown> {
      calls.push(`${name} ${order.id}`);
      await handle(order, context);
      return outcome(order, context);
    }
  }
  return broker.start([Orders], { idempotency: { store }, shutdownTimeout: setting.shutdownTimeout });
}

/** The ids of the messages that these apps have consumed: one that has gone back and forth between them counts once. */
function consumedBy(...apps: TestingModule[]): ReadonlySet<string> {
  const ids = new Set<string>();
  for (const app of apps) {
    app.get(RocketMQListeners).consumptions.subscribe(({ outcome, context }) => {
      if (outcome === 'consumed') ids.add(context.msgId);
    });
  }
  return ids;
}

describe.each(['CONCURRENTLY', 'ORDERLY'] as const)('a listener that consumes %s', (consumeMode) => {
  const listener = { consumeMode };

  test('is called once for an order that its producer has sent three times, and for each other order', async () => {
    const app = await start({ listener });
    const all = consumed(app, { topic }, { timeout, times: 5 });
    for (const id of ['o1', 'o1', 'o2', 'o1', 'o3']) {
      await app.get(RocketMQTemplate).send(topic, { id }, { keys: id, shardingKey: id });
    }
    await broker.elapse(all, 60_000);
    expect(calls.toSorted()).toEqual(['A o1', 'A o2', 'A o3']);
  });

  test('is called again for a message that it has failed: a retry is no duplicate until it is done', async () => {
    let failures = 0;
    const app = await start({ listener }, () => {
      if (++failures === 1) throw new Error('not yet');
    });
    const done = consumed(app, { topic }, { timeout, times: 1 });
    const template = app.get(RocketMQTemplate);
    await template.send(topic, { id: 'o1' }, { keys: 'o1', shardingKey: 'o1' });
    await broker.elapse(done, 60_000);
    const again = consumed(app, { topic }, { timeout });
    await template.send(topic, { id: 'o1' }, { keys: 'o1', shardingKey: 'o1' });
    await broker.elapse(again, 60_000);
    expect(calls).toEqual(['A o1', 'A o1']);
  });

  test('is not called while another owner works on the order, and then is: its lease ends without a sign of life', async () => {
    const store = new MemoryIdempotencyStore({ clock: broker.clock });
    const order = { scope: 'orders', key: 'o1' };
    await store.claim(order, 'somebody who dies', 3_600_000);
    const app = await start({ listener, store, idempotent: { scope: 'orders', key: ({ id }) => id } });
    const refused = failed(app, { topic }, { timeout });
    const done = consumed(app, { topic }, { timeout });
    await app.get(RocketMQTemplate).send(topic, { id: 'o1' }, { shardingKey: 'o1' });
    await expect(broker.elapse(refused, 60_000)).resolves.toMatchObject({ error: { code: 'MESSAGE_IN_PROGRESS' } });
    expect(calls).toEqual([]);
    // Its last sign of life. On a cluster, time has passed until the order was delivered.
    await store.extend(order, 'somebody who dies', 1_000);
    await broker.elapse(done, 60_000);
    expect(calls).toEqual(['A o1']);
  });
});

test('two instances of the app take each order once, however its copies are spread over them', async () => {
  const store = new MemoryIdempotencyStore({ clock: broker.clock });
  const slowly = () => new Promise((resolve) => setImmediate(resolve));
  const apps = [await start({ name: 'A', store }, slowly), await start({ name: 'B', store }, slowly)];
  const ids = Array.from({ length: 20 }, (_, at) => `o${at}`);
  const done = consumedBy(...apps);
  const template = apps[0]!.get(RocketMQTemplate);
  for (const id of [...ids, ...ids, ...ids]) await template.send(topic, { id }, { keys: id });
  await broker.until(() => done.size === 3 * ids.length, 'all deliveries');
  expect(calls.map((call) => call.split(' ')[1]!).toSorted()).toEqual(ids.toSorted());
});

test('an instance that dies leaves to the other one what it has claimed, and not what it has recorded as done', async () => {
  const shared = new MemoryIdempotencyStore({ clock: broker.clock });
  const never = (): Promise<never> => new Promise(() => {});
  const died = new Set<string>();
  const dies = (key: string): Promise<never> => {
    died.add(key);
    return never();
  };
  /** The store as a process has it that dies at the step which is the key of its message. */
  const dying: IdempotencyStore = {
    claim: async (id, owner, lease) => {
      const claim = await shared.claim(id, owner, lease);
      return id.key === 'claim' ? dies(id.key) : claim;
    },
    extend: (id, owner, lease) => (died.has(id.key) ? never() : shared.extend(id, owner, lease)),
    complete: async (id, owner, ttl) => {
      if (id.key === 'before the record') return dies(id.key);
      const isDone = await shared.complete(id, owner, ttl);
      return id.key === 'before the ack' ? dies(id.key) : isDone;
    },
    release: (id, owner) => shared.release(id, owner),
    find: (id) => shared.find(id),
    forget: (id) => shared.forget(id),
  };
  const idempotent = { scope: 'orders', key: ({ id }: Order) => id, lease: onCluster ? '5s' : '1s' };
  const keys = ['claim', 'within the handler', 'before the record', 'before the ack'];
  const first = await start({ name: 'A', store: dying, idempotent, shutdownTimeout: '1ms' }, async ({ id }) => {
    if (id === 'within the handler') await dies(id);
  });
  for (const id of keys) await first.get(RocketMQTemplate).send(topic, { id });
  await broker.until(() => died.size === keys.length, `only ${[...died].join(', ')}`);

  const second = await start({ name: 'B', store: shared, idempotent });
  const done = consumedBy(second);
  await first.close();
  await broker.until(() => done.size === keys.length, 'deliveries to the second instance');
  expect(calls.toSorted()).toEqual([
    'A before the ack',
    'A before the record',
    'A within the handler',
    'B before the record',
    'B claim',
    'B within the handler',
  ]);
});

describe('a batch listener', () => {
  function startBatch(idempotent: IdempotentOptions<Order>, handle: (messages: Message<Order>[]) => unknown) {
    class Orders {
      @Idempotent<Order>(idempotent)
      // One list at a time: what is in progress can only be in the same list.
      @RocketMQMessageListener({ ...SOON, topic, batch: { size: 32, wait: '1s' }, concurrency: 1 })
      take(messages: Message<Order>[]): unknown {
        calls.push(...messages.map(({ payload }) => payload.id));
        return handle(messages);
      }
    }
    const store = new MemoryIdempotencyStore({ clock: broker.clock });
    return broker.start([Orders], { topics: [{ name: topic, queues: 1 }], idempotency: { store } });
  }

  test('is given each order once: duplicates are left out, also those within one list', async () => {
    const app = await startBatch({}, () => undefined);
    const failures: unknown[] = [];
    app.get(RocketMQListeners).consumptions.subscribe(({ error }) => error && failures.push(error));
    const all = consumed(app, { topic }, { timeout, times: 6 });
    for (const id of ['o1', 'o2', 'o1', 'o3', 'o2', 'o1']) {
      await app.get(RocketMQTemplate).send(topic, { id }, { keys: id });
    }
    await broker.elapse(all, 60_000);
    expect(calls.toSorted()).toEqual(['o1', 'o2', 'o3']);
    expect(failures).toEqual([]);
  });

  test('is given again only what it has failed', async () => {
    // A busy cluster may give the first tries as several lists.
    const isFirst = (id: string) => (message: Message<Order>) =>
      message.payload.id === id && message.context.reconsumeTimes === 0;
    const app = await startBatch({}, (messages) => {
      messages.find(isFirst('bad'))?.fail(new Error('not yet'));
      return messages.map((message) => (isFirst('later')(message) ? Outcome.retry : Outcome.ack));
    });
    const first = consumed(app, { topic }, { timeout, times: 2 });
    const second = consumed(app, { topic }, { timeout, times: 4 });
    for (const id of ['good', 'bad', 'later', 'fine']) {
      await app.get(RocketMQTemplate).send(topic, { id }, { keys: id });
    }
    await broker.elapse(Promise.all([first, second]), 60_000);
    expect(calls.toSorted()).toEqual(['bad', 'bad', 'fine', 'good', 'later', 'later']);
  });
});

test('a message that its listener gives back by an Outcome is not done', async () => {
  const app = await start({}, undefined, (_order, { reconsumeTimes }) =>
    reconsumeTimes === 0 ? Outcome.retryLater('1s') : Outcome.ack,
  );
  const done = consumed(app, { topic }, { timeout });
  await app.get(RocketMQTemplate).send(topic, { id: 'o1' }, { keys: 'o1' });
  await broker.elapse(done, 60_000);
  expect(calls).toEqual(['A o1', 'A o1']);
});

test('a replay on purpose is worked on once more, and once only', async () => {
  const app = await start({});
  const template = app.get(RocketMQTemplate);
  const replay = { keys: 'o1', properties: { [REPLAY_PROPERTY]: 'true' } };
  for (const options of [{ keys: 'o1' }, { keys: 'o1' }, replay, { keys: 'o1' }]) {
    const taken = consumed(app, { topic }, { timeout });
    await template.send(topic, { id: 'o1' }, options);
    await broker.elapse(taken, 60_000);
  }
  expect(calls).toEqual(['A o1', 'A o1']);
});
