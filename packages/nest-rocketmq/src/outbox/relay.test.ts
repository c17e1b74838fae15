// Tests the relay on PostgreSQL (PGlite) with a producer that fails as the test wants, on a manual clock.
import type { PGlite } from '@electric-sql/pglite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  BatchSendFailedError,
  MessageTooLargeError,
  NameServerUnreachableError,
  SendSkippedError,
  TopicNotFoundError,
} from '@nest-rocketmq/client';
import type { BatchMessage, OutgoingMessage, SendOptions, SendResult } from '@nest-rocketmq/client';
import { ManualClock, ResponseCode, ResponseError } from '@nest-rocketmq/remoting/internal';
import { openTestDatabase } from '../../../../sample-app/test-kit/data-directory.js';
import type { TestDatabase } from '../../../../sample-app/test-kit/data-directory.js';
import { connect } from './adapters/find-adapter.js';
import type { Statement } from './dialects/outbox-dialect.js';
import { postgresDialect } from './dialects/postgres.js';
import type { OutboxEvent } from './outbox-events.js';
import { checkOutboxOptions } from './outbox-options.js';
import type { OutboxRelayOptions } from './outbox-options.js';
import { toRow } from './outbox-row.js';
import { OutboxStore } from './outbox-store.js';
import { Relay } from './relay.js';
import type { BatchProducer } from './row-sender.js';

const TABLE = 'rocketmq_outbox';
let opened: TestDatabase;
let database: PGlite;
let clock: ManualClock;
let store: OutboxStore;
let relays: Relay[];
let events: OutboxEvent[];

beforeAll(async () => {
  opened = await openTestDatabase();
  ({ database } = opened);
});

afterAll(async () => {
  await opened.close();
});

beforeEach(async () => {
  clock = new ManualClock();
  relays = [];
  events = [];
  await database.exec(`DROP TABLE IF EXISTS ${TABLE}`);
  store = new OutboxStore(connect('database', database), postgresDialect(TABLE), TABLE, clock);
  await store.createTable();
});

afterEach(async () => {
  await Promise.all(relays.map((relay) => relay.stop(() => Infinity)));
});

const answered = (code: number, remark: string): ResponseError =>
  new ResponseError(code, remark, 'broker:10911', 'a send');

const RESULT = { sendStatus: 'SEND_OK' } as SendResult;

/** A producer whose messages fail by `failureOf`. */
class FakeProducer implements BatchProducer {
  /** The ids of each request, in the order in which the requests are answered. */
  readonly requests: string[][] = [];
  failureOf: (message: OutgoingMessage) => unknown = () => undefined;
  answer: () => Promise<void> = async () => undefined;

  get sent(): string[] {
    return this.requests.flat();
  }

  async send(message: OutgoingMessage, _options?: SendOptions): Promise<SendResult> {
    await this.answer();
    const error = this.failureOf(message);
    if (error) throw error;
    this.requests.push([message.uniqKey!]);
    return RESULT;
  }

  /** As the client: a request for each sharding key, which fails as a whole and holds up those behind it. */
  async sendBatch(messages: readonly BatchMessage[]): Promise<SendResult[]> {
    await this.answer();
    const results: (SendResult | undefined)[] = messages.map(() => undefined);
    const failures: BatchSendFailedError['failures'][number][] = [];
    const runs = new Map<string, [BatchMessage, number][]>();
    for (const [index, message] of messages.entries()) {
      const lane = `${message.topic} ${message.shardingKey ?? ''}`;
      runs.set(lane, [...(runs.get(lane) ?? []), [message, index]]);
    }
    for (const run of runs.values()) {
      const errors = run.map(([message]) => this.failureOf(message));
      const error = errors.find(Boolean);
      if (error) failures.push(...run.map(([message, index], at) => ({ index, message, error: errors[at] || error })));
      else this.requests.push(run.map(([message]) => message.uniqKey!));
      if (!error) for (const [, index] of run) results[index] = RESULT;
    }
    if (failures.length > 0) throw new BatchSendFailedError(results, failures);
    return results as SendResult[];
  }
}

function startRelay(producer: BatchProducer, options: OutboxRelayOptions = {}, name = 'relay'): Relay {
  const checked = checkOutboxOptions({ database, relay: options }, 'test').relay!;
  const tell = (event: OutboxEvent): void => void events.push(event);
  const parts = { store, clock, options: checked, name, producer: async () => producer, tell };
  const relay = new Relay(parts, { pollInterval: 1_000, purgeInterval: 60_000 });
  relays.push(relay);
  relay.start();
  return relay;
}

const transaction = (): ReturnType<typeof connect> => connect('transaction', database);

async function write(id: string, message: Partial<OutgoingMessage> = {}, shardingKey?: string): Promise<void> {
  await store.insert(transaction(), toRow(id, { topic: 'order', body: id, ...message }, shardingKey, clock.now()));
}

async function statusOf(id: string): Promise<unknown> {
  const { rows } = await database.query(`SELECT status, attempts, error FROM ${TABLE} WHERE id = $1`, [id]);
  return rows[0];
}

interface PlanNode {
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly Plans?: readonly PlanNode[];
}

/** Of the plan's steps that read the table or an index of it, how many rows the one with the most reads. */
function mostRows(node: PlanNode): number {
  const rows = node['Actual Loops'] * (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0));
  const isRead = node['Relation Name'] !== undefined || node['Index Name'] !== undefined;
  return Math.max(isRead ? rows : 0, ...(node.Plans ?? []).map(mostRows));
}

const types = (): string[] => events.map(({ type }) => type);

describe('the relay', () => {
  test('sends what it finds in as few requests as possible, and keeps everything of a message', async () => {
    const messages: OutgoingMessage[] = [];
    const producer = new FakeProducer();
    producer.failureOf = (message) => void messages.push(message);
    const body = Buffer.from([0, 1, 255]);
    await write('a', { body, tags: 't', keys: ['k', 'l'], properties: { p: 'ü\u0000' } });
    await write('b', {}, 'key');
    await write('c', {}, 'key');
    startRelay(producer);
    await clock.advance(0);
    expect(producer.requests).toEqual([['a'], ['b', 'c']]);
    expect(messages[0]).toEqual({
      topic: 'order',
      body,
      tags: 't',
      keys: ['k', 'l'],
      properties: { p: 'ü\u0000' },
      uniqKey: 'a',
    });
    expect(messages[1]).toMatchObject({ uniqKey: 'b', shardingKey: 'key' });
  });

  test('takes at most so many messages and bytes at a time, and gives each its turn', async () => {
    for (const id of ['a', 'b', 'c', 'd', 'e']) await write(id, { body: 'x'.repeat(10) });
    await write('large', { body: 'x'.repeat(1_000) });
    const bySize = new FakeProducer();
    const claimed = async (batchSize: number, batchBytes: number): Promise<string[]> => {
      const claim = { relay: 'r', claimTimeout: 1_000, batchSize, batchBytes, pausedTopics: [], pausedLanes: [] };
      const rows = await store.claim(claim);
      await store.release(
        'r',
        rows.map((row) => ({ row, setAside: false, counts: false, error: undefined })),
      );
      return rows.map(({ id }) => id);
    };
    expect(await claimed(2, 1_000)).toEqual(['a', 'b']);
    expect(await claimed(100, 25)).toEqual(['c', 'd', 'e']);
    startRelay(bySize, { batchSize: 2, batchBytes: 1 });
    await clock.advance(0);
    expect(bySize.requests).toEqual([['large'], ['a'], ['b'], ['c'], ['d'], ['e']]);
  });

  test('gives each sharding key its turn, passes by those of others and paused ones, and finds all in the end', async () => {
    const claim = { relay: 'r', claimTimeout: 60_000, batchSize: 2, batchBytes: 9_999 };
    const claimed = async (pausedTopics: string[] = [], pausedLanes: string[] = []): Promise<string[]> =>
      (await store.claim({ ...claim, pausedTopics, pausedLanes })).map(({ id }) => id);
    for (let number = 0; number < 6; number++) await write(`a${number}`, {}, 'hot');
    for (let number = 0; number < 6; number++) await write(`n${number}`, { topic: 'nowhere' }, `k${number}`);
    for (const id of ['p0', 'p1', 'p2']) await write(id, {}, 'paused');
    await write('b', {}, 'late key');
    await write('z', { topic: 'z' });
    const paused = [['nowhere'], ['order:key:paused']] as const;
    expect(await claimed(['nowhere', 'order'])).toEqual(['z']);
    await store.markSent(['z']);
    const got: string[][] = [];
    for (let round = 0; round < 3; round++) {
      const ids = await claimed([...paused[0]], [...paused[1]]);
      got.push(ids);
      await store.markSent(ids.filter((id) => id !== 'a0'));
    }
    expect(got).toEqual([['b'], ['a0', 'a1'], []]);
    await store.markSent(['a0']);
    expect(await claimed([...paused[0]], [...paused[1]])).toEqual(['a2']);
  });

  const STATISTICS: [string, string][] = [
    ['none', 'SELECT 1'],
    ['those of a table where all was sent', `ANALYZE ${TABLE}`],
    ['fresh ones', `ANALYZE ${TABLE}`],
  ];

  test.each(STATISTICS)(
    'touches no more rows than it claims, however many are pending, with %s',
    async (which, analyze) => {
      const fill = (from: number, to: number, status: string): Promise<unknown> =>
        database.query(
          `INSERT INTO ${TABLE} (id, topic, lane, sharding_key, message, body, created_at, status) ` +
            `SELECT 'm' || g, 'order', 'order:key:' || g % 7, g % 7, '{}', '\\x00', now(), '${status}' ` +
            `FROM generate_series(${from}, ${to}) g`,
        );
      await fill(1, 300, which.includes('sent') ? 'SENT' : 'PENDING');
      if (which !== 'fresh ones') await database.exec(analyze);
      await fill(301, 6_000, 'PENDING');
      if (which === 'fresh ones') await database.exec(analyze);
      const claim = {
        relay: 'r',
        claimTimeout: 1,
        batchSize: 20,
        batchBytes: 9_999,
        pausedTopics: [],
        pausedLanes: [],
      };
      let plan: PlanNode | undefined;
      const run = async ({ sql, parameters }: Statement): Promise<[]> => {
        const explain = `EXPLAIN (ANALYZE, FORMAT JSON) ${sql}`;
        const { rows } = await database.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(explain, [...parameters]);
        plan = rows[0]!['QUERY PLAN'][0].Plan;
        return [];
      };
      await postgresDialect(TABLE).claim(run, claim, '');
      expect(mostRows(plan!)).toBe(20);
    },
  );

  test('is told of no message that another holds, and takes it over when that one has died', async () => {
    const claim = { claimTimeout: 1, batchSize: 9, batchBytes: 9_999, pausedTopics: [], pausedLanes: [] };
    await write('a', {}, 'k');
    await write('b', {}, 'k');
    expect(await store.claim({ ...claim, claimTimeout: 60_000, batchSize: 1, relay: 'dead' })).toHaveLength(1);
    expect(await store.claim({ ...claim, relay: 'other' })).toEqual([]);
    await database.exec(`UPDATE ${TABLE} SET claimed_until = now() - interval '1 ms' WHERE id = 'a'`);
    expect((await store.claim({ ...claim, relay: 'other' })).map(({ id }) => id)).toEqual(['a', 'b']);
  });

  test('does not overtake, in a sharding key, what another relay took before an older one was committed', async () => {
    const claim = { claimTimeout: 60_000, batchSize: 9, batchBytes: 9_999, pausedTopics: [], pausedLanes: [] };
    for (const id of ['late', 'b', 'c']) await write(id, {}, 'k');
    await database.exec(
      `UPDATE ${TABLE} SET claimed_by = 'other', claimed_until = now() + interval '1 h' WHERE id = 'b'`,
    );
    expect((await store.claim({ ...claim, relay: 'me' })).map(({ id }) => id)).toEqual(['late']);
    const { rows } = await database.query(`SELECT claimed_by FROM ${TABLE} WHERE id = 'c'`);
    expect(rows).toEqual([{ claimed_by: null }]);
  });
});

describe('while no broker answers', () => {
  test('the relay waits longer each time, nothing is set aside, and all is sent in order afterwards', async () => {
    const producer = new FakeProducer();
    let tries = 0;
    producer.failureOf = () => (tries++, new NameServerUnreachableError(['ns:9876'], []));
    for (const id of ['a', 'b', 'c']) await write(id, {}, 'k');
    startRelay(producer, { maxAttempts: 2 });
    await clock.advance('10m');
    expect(events.filter(({ type }) => type === 'outage').slice(0, 7)).toMatchObject(
      [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000].map((retryIn) => ({ retryIn })),
    );
    expect(tries).toBeLessThan(100);
    producer.failureOf = () => undefined;
    await clock.advance('30s');
    expect(producer.sent).toEqual(['a', 'b', 'c']);
    expect(await statusOf('a')).toMatchObject({ status: 'SENT', attempts: 0, error: null });
  });

  test('of one topic, other topics go on', async () => {
    const producer = new FakeProducer();
    producer.failureOf = ({ topic }) => topic === 'away' && answered(ResponseCode.SERVICE_NOT_AVAILABLE, 'stopping');
    await write('a', { topic: 'away' });
    await write('b');
    const relay = startRelay(producer);
    await clock.advance(0);
    await write('c');
    relay.wake();
    await clock.advance(0);
    expect(producer.sent).toEqual(['b', 'c']);
    producer.failureOf = () => undefined;
    await clock.advance('1m');
    expect(producer.sent).toEqual(['b', 'c', 'a']);
  });
});

describe('what cannot be sent', () => {
  test('is set aside at once with its error, and holds up neither its batch nor its sharding key', async () => {
    const producer = new FakeProducer();
    producer.failureOf = ({ uniqKey }) => uniqKey === 'bad' && new MessageTooLargeError('order', 9, 1);
    for (const id of ['a', 'bad', 'b']) await write(id, {}, 'k');
    await write('c');
    startRelay(producer);
    await clock.advance(0);
    expect(producer.sent.toSorted()).toEqual(['a', 'b', 'c']);
    expect(producer.sent.filter((id) => id !== 'c')).toEqual(['a', 'b']);
    expect(await statusOf('bad')).toEqual({
      status: 'FAILED',
      attempts: 1,
      error: expect.stringMatching(/MessageTooLarge/),
    });
    expect(types().filter((type) => type !== 'sent')).toEqual(['failed']);
    expect(await store.failed(9)).toMatchObject([{ id: 'bad', topic: 'order', shardingKey: 'k', attempts: 1 }]);
  });

  test('because its topic does not exist is tried some times, and holds up no other topic', async () => {
    const producer = new FakeProducer();
    producer.failureOf = ({ topic }) => topic === 'nowhere' && new TopicNotFoundError(topic, ['ns']);
    await write('bad', { topic: 'nowhere' });
    const relay = startRelay(producer, { maxAttempts: 3 });
    await clock.advance(0);
    await write('a');
    relay.wake();
    await clock.advance('1s');
    expect(producer.sent).toEqual(['a']);
    expect(await statusOf('bad')).toMatchObject({ status: 'PENDING', attempts: 2 });
    await clock.advance('1m');
    expect(await statusOf('bad')).toMatchObject({ status: 'FAILED', attempts: 3 });
    producer.failureOf = () => undefined;
    expect(await store.retry(['bad', 'unknown'])).toBe(1);
    await clock.advance('1m');
    expect(producer.sent).toEqual(['a', 'bad']);
  });

  test('in one message of a topic holds up its sharding key until it is set aside, and no other message', async () => {
    const producer = new FakeProducer();
    producer.failureOf = ({ uniqKey }) => uniqKey === 'bad' && answered(ResponseCode.SYSTEM_ERROR, 'no');
    await write('bad', {}, 'k');
    await write('b', {}, 'k');
    startRelay(producer, { maxAttempts: 2 });
    await clock.advance(0);
    await write('c', {}, 'other');
    await write('d');
    await clock.advance('999ms');
    expect(producer.sent.toSorted()).toEqual([]);
    await clock.advance('1ms');
    expect(producer.sent.toSorted()).toEqual(['b', 'c', 'd']);
    expect(await statusOf('bad')).toMatchObject({ status: 'FAILED', attempts: 2 });
  });
});

test('what was skipped behind a failed message of its queue is sent after it', async () => {
  const producer = new FakeProducer();
  let isAway = true;
  producer.failureOf = ({ uniqKey }) => {
    if (!isAway) return undefined;
    const cause = answered(ResponseCode.SYSTEM_BUSY, 'busy');
    return uniqKey === 'a' ? cause : new SendSkippedError('order', 'broker-a', 0, { cause });
  };
  for (const id of ['a', 'b']) await write(id, {}, 'k');
  startRelay(producer);
  await clock.advance(0);
  expect(await statusOf('b')).toEqual({ status: 'PENDING', attempts: 0, error: null });
  isAway = false;
  await clock.advance('1s');
  expect(producer.sent).toEqual(['a', 'b']);
});

test('several relays keep the order of each sharding key, whatever fails', async () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
  let state = seed;
  const random = (limit: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  const producers = [0, 1, 2].map(() => new FakeProducer());
  const all: string[] = [];
  for (const producer of producers) {
    producer.answer = async () => {
      for (let turn = random(5); turn > 0; turn--) await new Promise((resolve) => setImmediate(resolve));
    };
    producer.failureOf = () => (random(8) === 0 ? answered(ResponseCode.SYSTEM_BUSY, 'busy') : undefined);
    producer.requests.push = (...requests) => all.push(...requests.flat());
  }
  const started = producers.map((producer, index) =>
    startRelay(producer, { batchSize: 3 + index, retryDelay: 10, maxRetryDelay: 20 }, `relay-${index}`),
  );
  const keys = ['x', 'y', 'z'];
  for (let number = 0; number < 60; number++) {
    const key = keys[random(keys.length)]!;
    await write(`${key}-${number}`, {}, key);
    if (random(3) === 0) for (const relay of started) relay.wake();
  }
  for (let step = 0; step < 200 && new Set(all).size < 60; step++) await clock.advance(20);
  for (const key of keys) {
    const numbers = [...new Set(all)].filter((id) => id.startsWith(key)).map((id) => Number(id.slice(2)));
    expect([seed, numbers]).toEqual([seed, numbers.toSorted((a, b) => a - b)]);
  }
  expect([seed, new Set(all).size]).toEqual([seed, 60]);
});

describe('the table', () => {
  test('loses sent messages once they are old, in small steps, and nothing else', async () => {
    const producer = new FakeProducer();
    producer.failureOf = ({ uniqKey }) => uniqKey === 'bad' && new MessageTooLargeError('order', 9, 1);
    for (const id of ['a', 'b', 'c', 'bad']) await write(id);
    startRelay(producer, { retention: '10m', purgeBatchSize: 2 });
    await clock.advance('9m');
    expect(types()).not.toContain('purged');
    await clock.advance('2m');
    expect(events.filter(({ type }) => type === 'purged')).toEqual([
      { type: 'purged', count: 2 },
      { type: 'purged', count: 1 },
    ]);
    const { rows } = await database.query(`SELECT id FROM ${TABLE}`);
    expect(rows).toEqual([{ id: 'bad' }]);
  });

  test('says how many messages wait, and how long', async () => {
    expect(await store.status()).toEqual({ pending: 0, failed: 0, oldestAge: 0 });
    await write('a');
    await clock.advance('90s');
    await write('b');
    expect(await store.status()).toEqual({ pending: 2, failed: 0, oldestAge: 90_000 });
  });
});

test('a database that cannot be told what was sent is told later, and nothing is sent twice', async () => {
  const producer = new FakeProducer();
  await write('a');
  const markSent = store.markSent.bind(store);
  let isAway = true;
  store.markSent = (ids) => (isAway && ids.length > 0 ? Promise.reject(new Error('connection lost')) : markSent(ids));
  startRelay(producer);
  await clock.advance(0);
  expect(types()).toEqual(['sent', 'outage']);
  isAway = false;
  await clock.advance('1s');
  expect(producer.sent).toEqual(['a']);
  expect(await statusOf('a')).toMatchObject({ status: 'SENT' });
});

test('a relay that stops sends what is pending first', async () => {
  const producer = new FakeProducer();
  const relay = startRelay(producer);
  await clock.advance(0);
  for (const id of ['a', 'b', 'c']) await write(id);
  await relay.stop(() => 0);
  expect(producer.sent).toEqual(['a', 'b', 'c']);
  expect(clock.pending).toBe(0);
});
