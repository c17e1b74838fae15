import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  MessageProperty,
  Requests,
  ResponseCode,
  SysFlag,
  decodeOffsetMsgId,
  decodeRecords,
  handlerTable,
} from '@nest-rocketmq/remoting/internal';
import type { HeaderOf } from '@nest-rocketmq/remoting/internal';
import { NoBlockingCalls } from '../test-kit/blocking-calls.js';
import { TestBroker } from '../test-kit/broker.js';
import type { TestClient } from '../test-kit/broker.js';
import type { BrokerOptions } from './config/broker-options.js';

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const COUNT = 100;
const QUEUE = { topic: 't', queueId: 0 };
const QUEUE_FILE = '/store/consumequeue/t/0/00000000000000000000';
/** Files roll, and the index gets several of them. */
const OPTIONS: BrokerOptions = {
  mappedFileSizeCommitLog: 65_536,
  mappedFileSizeConsumeQueue: 400,
  maxHashSlotNum: 50,
  maxIndexNum: 100,
  maxMessageSize: 16_384,
};

type End = HeaderOf<typeof Requests.END_TRANSACTION>;
type Check = HeaderOf<typeof Requests.CHECK_TRANSACTION_STATE>;

let running: TestBroker;
afterEach(() => running.stop());

interface Life {
  guard: NoBlockingCalls;
  client: TestClient;
  checks: Check[];
  /** The verdict that commits the half that was sent first. */
  verdict: End;
}

async function connected(checks: Check[]): Promise<TestClient> {
  const table = handlerTable({ CHECK_TRANSACTION_STATE: ({ header }) => void checks.push(header) });
  const client = await running.client(table);
  await client.produce('producer', 'p');
  await client.subscribe('me', 'g', { t: '*', late: '*' });
  return client;
}

async function sendHalf(client: TestClient, key: string): Promise<End> {
  const properties = { TRAN_MSG: 'true', PGROUP: 'p', UNIQ_KEY: key };
  const { header } = await client.send('t', { sysFlag: SysFlag.TRANSACTION_PREPARED, body: key, properties });
  return {
    producerGroup: 'p',
    tranStateTableOffset: header.queueOffset ?? -1,
    commitLogOffset: decodeOffsetMsgId(header.msgId ?? '').physicalOffset,
    commitOrRollback: SysFlag.TRANSACTION_COMMIT,
    msgId: key,
  };
}

/** A broker that was started on files with messages, halves and delayed messages, none of which it has in memory. */
async function started(): Promise<Life> {
  const guard = new NoBlockingCalls();
  running = await TestBroker.start({ fileSystem: guard.fileSystem, ...OPTIONS });
  const checks: Check[] = [];
  let client = await connected(checks);
  const verdict = await sendHalf(client, 'first');
  await sendHalf(client, 'second');
  await client.send('late', { body: 'late', properties: { [MessageProperty.DELAY]: '4' } });
  for (let i = 0; i < COUNT; i++) {
    const properties = { UNIQ_KEY: `u${i}`, KEYS: `k${i}` };
    await client.send('t', { body: `${i}`.padEnd(1_000), tags: i % 2 ? 'odd' : 'even', properties });
    await running.clock.advance(10);
  }
  await running.restart();
  client = await connected(checks);
  guard.started = true;
  return { guard, client, checks, verdict };
}

/** Bodies of all messages of the queue, by their first word. */
async function pulled(client: TestClient, expression = '*'): Promise<string[]> {
  const found: string[] = [];
  for (let offset = 0; ;) {
    const { code, header, body } = await client.pull('t', { offset, expression });
    if (code === ResponseCode.PULL_NOT_FOUND) return found;
    found.push(...decodeRecords(body).map((record) => record.body.toString().trim()));
    offset = header.nextBeginOffset ?? offset;
  }
}

const numbers = (every = 1, first = 0): string[] =>
  Array.from({ length: COUNT }, (_, i) => `${i}`).filter((_, i) => i % every === first);

describe('a broker that has started', () => {
  it('blocks nothing with pulls of old and of new messages, with a filter and without, and of damaged queues', async () => {
    const { guard, client } = await started();
    expect(await pulled(client)).toEqual(numbers());
    expect(await pulled(client, 'odd')).toEqual(numbers(2, 1));
    await client.send('t', { body: 'new' });
    expect(await pulled(client)).toEqual([...numbers(), 'new']);
    guard.files.files.get(QUEUE_FILE)?.write(Buffer.alloc(20), 0, 20, 100);
    expect(await pulled(client)).toEqual([...numbers(), 'new']);
    expect(guard.refused).toEqual([]);
  });

  it('blocks nothing with queries by key, id and time, and figures', async () => {
    const { guard, client } = await started();
    const { connection } = client;
    const range = { maxNum: 10, beginTimestamp: 0, endTimestamp: running.clock.now() + 1 };
    for (const i of [0, 50, COUNT - 1]) {
      const { body } = await connection.request(Requests.QUERY_MESSAGE, { topic: 't', key: `k${i}`, ...range });
      const [{ physicalOffset, storeTimestamp, queueOffset }] = decodeRecords(body);
      const viewed = await connection.request(Requests.VIEW_MESSAGE_BY_ID, { offset: physicalOffset });
      expect(decodeRecords(viewed.body)[0].body.toString().trim()).toBe(`${i}`);
      const at = { ...QUEUE, timestamp: storeTimestamp };
      const { header } = await connection.request(Requests.SEARCH_OFFSET_BY_TIMESTAMP, at);
      expect(header.offset).toBe(queueOffset);
    }
    const earliest = await connection.request(Requests.GET_EARLIEST_MSG_STORETIME, QUEUE);
    expect(earliest.header.timestamp).toBeGreaterThan(0);
    const group = { consumerGroup: 'new', ...QUEUE };
    expect((await connection.request(Requests.QUERY_CONSUMER_OFFSET, group)).header.offset).toBe(0);
    expect((await connection.request(Requests.GET_BROKER_RUNTIME_INFO, {})).code).toBe(ResponseCode.SUCCESS);
    expect((await connection.request(Requests.GET_CONSUME_STATS, { consumerGroup: 'g', topic: 't' })).code).toBe(0);
    expect(guard.refused).toEqual([]);
  });

  it('blocks nothing with transactions, questions about them, delays and messages that are given back', async () => {
    const { guard, client, checks, verdict } = await started();
    const { connection } = client;
    expect((await connection.request(Requests.END_TRANSACTION, verdict)).code).toBe(ResponseCode.SUCCESS);
    expect(await pulled(client)).toEqual([...numbers(), 'first']);
    const { body } = await client.pull('t', { offset: 0, group: 'g' });
    const [{ physicalOffset: offset }] = decodeRecords(body);
    const back = { offset, group: 'g', delayLevel: 1 };
    expect((await connection.request(Requests.CONSUMER_SEND_MSG_BACK, back)).code).toBe(ResponseCode.SUCCESS);
    await running.clock.advance(100 * SECOND);
    expect((await client.messages('late')).map((late) => late.body.toString())).toEqual(['late']);
    expect((await client.messages('%RETRY%g', { group: 'g' })).map((again) => again.body.toString().trim())).toEqual([
      '0',
    ]);
    expect(checks.map(({ msgId }) => msgId)).toContain('second');
    expect(guard.refused).toEqual([]);
  });

  it('blocks nothing but the one write of its log with sends, checkpoints, new files, old files and a stop', async () => {
    const { guard, client } = await started();
    for (let i = 0; i < COUNT; i++) {
      const properties = { UNIQ_KEY: `v${i}`, KEYS: `l${i}` };
      await client.send(`fresh${i % 3}`, { body: `${i}`.padEnd(2_000), properties });
      await running.clock.advance(SECOND);
    }
    await client.connection.request(Requests.DELETE_TOPIC_IN_BROKER, { topic: 'fresh1' });
    const before = guard.files.listSync('/store/commitlog').length;
    // All files are old: they go in the hour of deleteWhen.
    await running.clock.advance(25 * HOUR);
    expect(guard.files.listSync('/store/commitlog').length).toBeLessThan(before);
    // The first one was idle for too long.
    await (await running.client()).send('t');
    await running.stop();
    expect([guard.refused, [...guard.allowed]]).toEqual([[], ['writeSync']]);
    expect(guard.files.statSync('/store/abort')).toBeUndefined();
  });

  it('blocks nothing when a write fails, and what it has left is overwritten', async () => {
    const { guard, client } = await started();
    await client.send('t', { body: 'before' });
    const paths = [...guard.files.files.keys()].filter((path) => path.includes('/commitlog/'));
    const log = guard.files.files.get(paths.sort().at(-1)!)!;
    const write = log.write.bind(log);
    let part = 50;
    log.write = (source, offset, _length, position) => {
      if (part === 0) throw new Error('ENOSPC');
      const taken = write(source, offset, part, position);
      part = 0;
      log.write = write;
      log.write = () => {
        log.write = write;
        throw new Error('ENOSPC');
      };
      return taken;
    };
    expect((await client.send('t', { body: 'lost' })).code).toBe(ResponseCode.SERVICE_NOT_AVAILABLE);
    expect((await client.send('t', { body: 'after' })).code).toBe(ResponseCode.SUCCESS);
    expect((await pulled(client)).slice(-2)).toEqual(['before', 'after']);
    expect(guard.refused).toEqual([]);
  });
});

describe('the files of a broker', () => {
  it('are reached in one place, but for what is read before the start', () => {
    const root = fileURLToPath(new URL('.', import.meta.url));
    const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) =>
      /(?<!\.test)\.ts$/.test(name),
    );
    const direct = files.filter((name) => readFileSync(join(root, name), 'utf8').includes("from 'node:fs"));
    expect(direct.sort()).toEqual(['main.ts', join('store', 'files', 'node-file-system.ts')].sort());
  });
});
