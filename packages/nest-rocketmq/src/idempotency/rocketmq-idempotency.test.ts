// Tests work that is run once by hand, and listeners with @Idempotent without a broker: leases, duplicates, stores that fail.
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { ModuleRef } from '@nestjs/core';
import { ManualClock } from '@nest-rocketmq/remoting/internal';
import type { RocketMQBackend } from '../backends/backend.js';
import type { RocketMQContext } from '../decorators/rocketmq-context.js';
import { RocketMQReply, isReply } from '../message/rocketmq-reply.js';
import { resolveOptions } from '../options/rocketmq.options.js';
import type { RocketMQModuleOptions } from '../options/rocketmq.options.js';
import type { IdempotencyEvent } from './idempotency-event.js';
import type { AnyIdempotentOptions } from './idempotent.js';
import { RocketMQIdempotency } from './rocketmq-idempotency.js';
import type { IdempotencyStore } from './stores/idempotency-store.js';
import { MemoryIdempotencyStore } from './stores/memory-idempotency-store.js';

/** Node's own name of it: events.getMaxListeners takes no signal of another realm, as Jest's is. */
const LISTENER_LIMIT = 'events.maxEventTargetListeners';

let clock: ManualClock;
let store: MemoryIdempotencyStore;
let events: IdempotencyEvent['kind'][];
let warnings: string[];
const services: RocketMQIdempotency[] = [];

beforeEach(() => {
  clock = new ManualClock();
  store = new MemoryIdempotencyStore({ clock });
  events = [];
  warnings = [];
  jest.spyOn(Logger.prototype, 'warn').mockImplementation((line: unknown) => void warnings.push(String(line)));
  jest.spyOn(Logger.prototype, 'error').mockImplementation((line: unknown) => void warnings.push(String(line)));
});

afterEach(async () => {
  await Promise.all(services.splice(0).map((service) => service.stop()));
  expect(clock.pending).toBe(0);
  jest.restoreAllMocks();
});

function serviceWith(idempotency: RocketMQModuleOptions['idempotency'] = { store }, more: RocketMQModuleOptions = {}) {
  const options = resolveOptions({ group: 'shop', embedded: { store: 'memory' }, idempotency, ...more }, {});
  const modules = {
    get: (token: unknown) => {
      if (token === 'STORE') return store;
      throw new TypeError('no such provider');
    },
  } as unknown as ModuleRef;
  const service = new RocketMQIdempotency(options, { clock } as unknown as RocketMQBackend, modules);
  service.events.subscribe(({ kind }) => events.push(kind));
  services.push(service);
  return service;
}

/** The store, with some of its steps replaced. */
function storeWith(steps: Partial<IdempotencyStore>): IdempotencyStore {
  return {
    claim: (id, owner, lease) => store.claim(id, owner, lease),
    extend: (id, owner, lease) => store.extend(id, owner, lease),
    complete: (id, owner, ttl, result) => store.complete(id, owner, ttl, result),
    release: (id, owner) => store.release(id, owner),
    find: (id) => store.find(id),
    forget: (id) => store.forget(id),
    ...steps,
  };
}

const down = (): Promise<never> => Promise.reject(new Error('the database is down'));

/** A promise and its resolver. */
function gate(): { open: () => void; passed: Promise<void> } {
  let open!: () => void;
  const passed = new Promise<void>((resolve) => (open = resolve));
  return { open, passed };
}

describe('run', () => {
  test('may be called many times at once: Node takes the many listeners of its signal for no leak', async () => {
    const listen = jest.spyOn(EventTarget.prototype, 'addEventListener');
    await serviceWith().run('k', () => 1);
    const signals = listen.mock.contexts as object[];
    const limits = signals.map((signal) => {
      const [limit] = Object.getOwnPropertySymbols(signal).filter((each) => each.description === LISTENER_LIMIT);
      return (signal as Record<symbol, unknown>)[limit!];
    });
    expect(limits).toEqual([0]);
  });

  test('does work once, and again after it has failed or been forgotten', async () => {
    const service = serviceWith();
    const work = jest.fn(() => 7);
    const failing = service.run('k', () => Promise.reject(new Error('half way')));
    await expect(failing).rejects.toThrow('half way');
    await expect(service.run('k', work)).resolves.toEqual({ duplicate: false, result: 7 });
    await expect(service.run('k', work)).resolves.toEqual({ duplicate: true, result: undefined });
    await expect(service.run('k', work, { scope: 'other' })).resolves.toMatchObject({ duplicate: false });
    await expect(service.forget('k')).resolves.toBe(true);
    await expect(service.run('k', work)).resolves.toMatchObject({ duplicate: false });
    expect(work).toHaveBeenCalledTimes(3);
    expect(events.slice(0, 5)).toEqual(['claimed', 'failed', 'claimed', 'completed', 'duplicate']);
  });

  test('refuses a second run while the first goes on, however long that takes: its lease is kept alive', async () => {
    const service = serviceWith();
    const { open, passed } = gate();
    const first = service.run('k', () => passed, { lease: '10s' });
    for (let minute = 0; minute < 10; minute++) {
      await clock.advance('1m');
      await expect(service.run('k', () => 1)).rejects.toMatchObject({ code: 'MESSAGE_IN_PROGRESS' });
    }
    open();
    await expect(first).resolves.toMatchObject({ duplicate: false });
    await expect(service.run('k', () => 1)).resolves.toMatchObject({ duplicate: true });
  });

  test('returns what the first run returned, if that is kept', async () => {
    const service = serviceWith({ store, storeResult: true });
    await service.run('k', () => ({ id: 'é', at: [1, null] }));
    await expect(service.run('k', () => 1)).resolves.toEqual({ duplicate: true, result: { id: 'é', at: [1, null] } });
  });

  test.each<[string, () => unknown, RegExp]>([
    ['one that JSON cannot write', () => 1n, /cannot be written as JSON/],
    ['a long one', () => 'x'.repeat(70_000), /longer than 65536 bytes/],
  ])('keeps no result that is %s, and says so: the work is done all the same', async (_what, work, reason) => {
    const service = serviceWith({ store, storeResult: true });
    await service.run('k', work);
    expect(warnings.join()).toMatch(reason);
    await expect(service.run('k', () => 1)).resolves.toEqual({ duplicate: true, result: undefined });
  });

  test('tells the work when its lease is lost, and fails: another owner may have done it', async () => {
    const service = serviceWith();
    let aborted = false;
    const { open, passed } = gate();
    const first = service.run('k', async ({ signal }) => {
      signal.addEventListener('abort', () => (aborted = true));
      await passed;
    });
    await Promise.resolve();
    await store.forget({ scope: 'shop', key: 'k' });
    await store.claim({ scope: 'shop', key: 'k' }, 'another', 60_000);
    await clock.advance('20s');
    expect(aborted).toBe(true);
    open();
    await expect(first).rejects.toMatchObject({ code: 'LEASE_LOST' });
    expect(events).toEqual(['claimed', 'leaseLost']);
    await expect(store.find({ scope: 'shop', key: 'k' })).resolves.toMatchObject({ state: 'processing' });
  });

  test('keeps no lease alive when the app has closed', async () => {
    const service = serviceWith();
    void service.run('k', () => new Promise(() => {}));
    await Promise.resolve();
    await service.stop();
    await clock.advance('1m');
    await expect(store.find({ scope: 'shop', key: 'k' })).resolves.toBeUndefined();
  });
});

describe('a store that is down', () => {
  test('keeps work from being begun', async () => {
    const work = jest.fn();
    const run = serviceWith({ store: storeWith({ claim: down }) }).run('k', work);
    await expect(run).rejects.toMatchObject({ code: 'IDEMPOTENCY_STORE', message: expect.stringContaining('is down') });
    expect(work).not.toHaveBeenCalled();
  });

  test("does not, with onStoreError 'callHandler'", async () => {
    const service = serviceWith({ store: storeWith({ claim: down }), onStoreError: 'callHandler' });
    await expect(service.run('k', () => 1)).resolves.toEqual({ duplicate: false, result: 1 });
    expect(warnings.join()).toMatch(/without a claim.*is down/);
    expect(events).toEqual(['storeFailed']);
  });

  test('when work has been done is asked once more, and then the work counts as done: again would be twice', async () => {
    let asked = 0;
    const onceDown = storeWith({ complete: (...step) => (asked++ === 0 ? down() : store.complete(...step)) });
    const service = serviceWith({ store: onceDown });
    await expect(service.run('k', () => 1)).resolves.toMatchObject({ duplicate: false });
    await expect(service.run('k', () => 1)).resolves.toMatchObject({ duplicate: true });
    const broken = serviceWith({ store: storeWith({ complete: down }) });
    await expect(broken.run('other', () => 1)).resolves.toEqual({ duplicate: false, result: 1 });
    expect(warnings.join()).toMatch(/is done, but the idempotency store did not record it: .*is down/);
  });

  test('when work has failed leaves the error that of the work', async () => {
    const service = serviceWith({ store: storeWith({ release: down }) });
    await expect(service.run('k', () => Promise.reject(new Error('half way')))).rejects.toThrow('half way');
    expect(warnings.join()).toMatch(/stays until its lease ends/);
  });

  test('while work goes on loses no lease by one failure', async () => {
    let asked = 0;
    const service = serviceWith({
      store: storeWith({ extend: (...step) => (asked++ === 0 ? down() : store.extend(...step)) }),
    });
    const { open, passed } = gate();
    const run = service.run('k', () => passed);
    await clock.advance('5m');
    open();
    await expect(run).resolves.toMatchObject({ duplicate: false });
  });
});

/** What a listener reads of its context. */
function contextOf(fields: Partial<RocketMQContext> & { uniqKey?: string } = {}): RocketMQContext {
  const { uniqKey = 'UNIQ1', properties, ...rest } = fields;
  const all = new Map([...(properties ?? []), ...(uniqKey === '' ? [] : [['UNIQ_KEY', uniqKey] as const])]);
  return {
    topic: 'order',
    tags: undefined,
    keys: [],
    group: 'mails',
    msgId: uniqKey,
    properties: all,
    ...rest,
  } as never;
}

function listenerWith(options: AnyIdempotentOptions, handle: (payload: unknown) => unknown = () => 'sent') {
  const service = serviceWith();
  const called = jest.fn(async (payload: unknown) => handle(payload));
  const listener = service.listener('SendMail.onMessage (MailModule)', options).around(called);
  return { service, called, listener };
}

describe('a listener', () => {
  test.each<[string, Partial<RocketMQContext>, Partial<RocketMQContext>, number]>([
    ['with one key: by it', { keys: ['o1'], msgId: '1' }, { keys: ['o1'], msgId: '2' }, 1],
    ['with one key and another tag', { keys: ['o1'], tags: 'created' }, { keys: ['o1'], tags: 'paid' }, 2],
    ['with one key in another topic', { keys: ['o1'] }, { keys: ['o1'], topic: 'refund' }, 2],
    ['with one key for another group', { keys: ['o1'] }, { keys: ['o1'], group: 'bills' }, 2],
  ])('recognises a message %s', async (_what, first, second, calls) => {
    const { called, listener } = listenerWith({});
    await listener({}, contextOf({ ...first, properties: new Map() }));
    await listener({}, contextOf({ ...second, properties: new Map() }));
    expect(called).toHaveBeenCalledTimes(calls);
  });

  test('recognises a message with several keys, or none, by its UNIQ_KEY', async () => {
    const { called, listener } = listenerWith({});
    for (const uniqKey of ['a', 'b', 'a']) await listener({}, contextOf({ keys: ['o1', 'o2'], uniqKey }));
    for (const uniqKey of ['a', 'c']) await listener({}, contextOf({ uniqKey }));
    expect(called).toHaveBeenCalledTimes(3);
  });

  test('is called unprotected for a message without any key, and warns once', async () => {
    const { called, listener } = listenerWith({});
    for (let count = 0; count < 3; count++) await listener({}, contextOf({ uniqKey: '' }));
    expect(called).toHaveBeenCalledTimes(3);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/SendMail\.onMessage.*not protected/);
  });

  test('takes its key from the payload, its scope and its store by their options', async () => {
    const { called, listener } = listenerWith({
      key: (order) => (order as { id: string }).id,
      scope: 's',
      store: 'STORE',
    });
    for (const id of ['o1', 'o1', 'o2']) await listener({ id }, contextOf());
    expect(called).toHaveBeenCalledTimes(2);
    await expect(store.find({ scope: 's', key: 'o1' })).resolves.toMatchObject({ state: 'done' });
  });

  test('has the default scope that the documentation names: consumer group, class and method', async () => {
    const { listener } = listenerWith({});
    await listener({}, contextOf({ keys: ['o1'], tags: 'paid' }));
    const id = { scope: 'mails/SendMail.onMessage', key: 'order:paid/o1' };
    await expect(store.find(id)).resolves.toMatchObject({ state: 'done' });
  });

  test("is called for a duplicate with onDuplicate 'callHandler', and can tell", async () => {
    const seen: boolean[] = [];
    const service = serviceWith();
    const listener = service.listener('A.b', { onDuplicate: 'callHandler' }).around(async (_payload, context) => {
      seen.push(service.isDuplicate(context as RocketMQContext));
    });
    for (let count = 0; count < 2; count++) await listener({}, contextOf());
    expect(seen).toEqual([false, true]);
  });

  test('is replaced for a duplicate by the function onDuplicate, whose failure is a failed delivery', async () => {
    const onDuplicate = jest.fn((payload: unknown) => {
      if (payload === 'bad') throw new Error('cannot say so');
      return 'said so';
    });
    const { called, listener } = listenerWith({ onDuplicate });
    await listener('first', contextOf());
    await expect(listener('again', contextOf())).resolves.toBe('said so');
    await expect(listener('bad', contextOf())).rejects.toThrow('cannot say so');
    expect(called).toHaveBeenCalledTimes(1);
  });

  test('returns what it has returned before, with storeResult', async () => {
    const { listener } = listenerWith({ storeResult: true }, () => ({ reply: 1 }));
    await listener({}, contextOf());
    await expect(listener({}, contextOf())).resolves.toEqual({ reply: 1 });
  });

  test('answers a request that comes twice with the same reply, with storeResult', async () => {
    const reply = new RocketMQReply({ price: 1 }, { keys: 'p1' });
    const { called, listener } = listenerWith({ storeResult: true }, () => reply);
    await listener({}, contextOf());
    const again = await listener({}, contextOf());
    expect(isReply(again)).toBe(true);
    expect(again).toEqual(reply);
    expect(called).toHaveBeenCalledTimes(1);
  });

  test('with a short ttl is warned about at the start', () => {
    listenerWith({ ttl: '1h' });
    expect(warnings.join()).toMatch(/ttl is 3600000 ms, but the broker keeps messages for 259200000 ms/);
  });

  test.each<[AnyIdempotentOptions, RegExp]>([
    [{ lease: '10ms' }, /option lease of @Idempotent on A\.b/],
    [{ ttl: -1 }, /option ttl of/],
    [{ scope: '' }, /option scope of/],
    [{ key: 'id' as never }, /option key of.*\(order\) => order\.id/],
    [{ mode: 'later' as never }, /option mode of/],
    [{ onDuplicate: 'drop' as never }, /option onDuplicate of/],
    [{ store: 'OTHER' }, /option store of.*token of a provider/],
    [{ store: {} as never }, /option store of.*claim\(\)/],
    [{ mode: 'transactional' }, /option store of.*SqlIdempotencyStore/],
    [{ mode: 'transactional', storeResult: true }, /option storeResult of/],
    [{ bloom: { expectedKeys: 0 } }, /option bloom\.expectedKeys of/],
    [{ bloom: { expectedKeys: 10, falsePositiveRate: 1 } }, /option bloom\.falsePositiveRate of/],
    [
      { bloom: { expectedKeys: 900_000_000, falsePositiveRate: 1e-9 } },
      /option bloom\.expectedKeys of.*268435456 bytes/,
    ],
    [{ tll: 1 } as never, /the option is called ttl/],
  ])('with the options %j is refused', (options, reason) => {
    expect(() => serviceWith().listener('A.b', options)).toThrow(reason);
  });
});

describe('the store of the module', () => {
  test('is in memory with the embedded broker, which is said if that broker keeps its messages', async () => {
    const service = serviceWith({}, { embedded: { store: 'data' } });
    await service.run('k', () => 1);
    await expect(service.run('k', () => 1)).resolves.toMatchObject({ duplicate: true });
    expect(warnings.join()).toMatch(/kept in memory, and forgotten at a restart/);
  });

  test('must be named on a cluster, whose instances have to share it', async () => {
    const service = serviceWith({}, { embedded: undefined, nameServer: '127.0.0.1:9876' });
    await expect(service.run('k', () => 1)).rejects.toThrow(
      /option idempotency\.store of RocketMQIdempotency\.run.*SqlIdem/,
    );
  });

  test('is purged from time to time, in batches, until the app closes', async () => {
    const purge = jest.fn((limit: number) => Promise.resolve(purge.mock.calls.length === 1 ? limit : 0));
    const service = serviceWith({ store: storeWith({ purge }), purgeInterval: '10m' });
    await service.run('k', () => 1);
    await clock.advance('25m');
    expect(purge.mock.calls).toEqual([[1000], [1000], [1000]]);
    await service.stop();
    await clock.advance('25m');
    expect(purge).toHaveBeenCalledTimes(3);
  });

  test('is not asked about new keys behind a Bloom filter, and always about those that may be done', async () => {
    const find = jest.fn(store.find.bind(store));
    const service = serviceWith({ store: storeWith({ find }), bloom: { expectedKeys: 100 } });
    const work = jest.fn();
    for (const key of ['1', '2', '1', '2']) await service.run(key, work);
    expect(find.mock.calls.map(([{ key }]) => key)).toEqual(['1', '2']);
    expect(work).toHaveBeenCalledTimes(2);
    // Done by another instance: the filter has never seen it, and the claim decides.
    await store.claim({ scope: 'shop', key: '3' }, 'another', 1_000);
    await store.complete({ scope: 'shop', key: '3' }, 'another', 1_000_000);
    await expect(service.run('3', work)).resolves.toMatchObject({ duplicate: true });
  });

  test('has one Bloom filter for all calls with the same settings, and not one for each call', async () => {
    const claim = jest.fn(store.claim.bind(store));
    const service = serviceWith({ store: storeWith({ claim }) });
    for (let call = 0; call < 3; call++) await service.run('k', () => 1, { bloom: { expectedKeys: 100 } });
    expect(claim).toHaveBeenCalledTimes(1);
  });
});
