// A folder that Apache RocketMQ 5.5.0 wrote, and the list of what is in it.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '@nest-rocketmq/remoting/internal';
import { nodeFileSystem } from './files/node-file-system.js';
import { MessageStore } from './store.js';
import { HOST, bodyOf, message, parse, records } from '../../test-kit/store.js';

const FIXTURES = join(import.meta.dirname, '../../../../test/fixtures/store');

const COMPRESSED = 1;

interface GoldenRecord {
  phyOffset: number;
  size: number;
  topic: string;
  queueId: number;
  queueOffset: number;
  sysFlag: number;
  storeTimestamp: number;
  storedBodyLength: number;
  bodySha256: string;
  properties: Record<string, string>;
}

const golden = JSON.parse(readFileSync(join(FIXTURES, 'golden-clean.records.json'), 'utf8')) as GoldenRecord[];
let root: string;
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'golden-'));
  execFileSync('tar', ['-xzf', join(FIXTURES, 'golden-clean.tar.gz'), '-C', directory]);
  root = join(directory, 'store-clean');
});

afterEach(() => rmSync(directory, { recursive: true }));

function open(): Promise<MessageStore> {
  return MessageStore.open({
    fileSystem: nodeFileSystem(),
    root,
    clock: new ManualClock(),
    storeHost: HOST,
    mappedFileSizeCommitLog: 1_048_576,
    mappedFileSizeConsumeQueue: 2_000,
    maxHashSlotNum: 500,
    maxIndexNum: 2_000,
  });
}

/** Reads each message by its place in its queue, and compares it with what the list says. */
async function expectAllServed(store: MessageStore): Promise<void> {
  const byQueue = golden.filter(({ sysFlag }) => (sysFlag & 12) === 0 || (sysFlag & 12) === 8);
  for (const expected of byQueue) {
    const { topic, queueId, queueOffset, phyOffset, size } = expected;
    const result = await store.getMessage(topic, queueId, queueOffset, 1, 4_194_304);
    expect([topic, queueOffset, result.status, result.count]).toEqual([topic, queueOffset, 'FOUND', 1]);
    const [record] = records(result.body);
    const view = parse(record, phyOffset);
    expect([view.size, view.queueId, view.queueOffset, view.sysFlag]).toEqual([
      size,
      queueId,
      queueOffset,
      expected.sysFlag,
    ]);
    expect(view.storeTimestamp).toBe(expected.storeTimestamp);
    const stored = record.subarray(88, 88 + record.readInt32BE(84));
    expect(stored.length).toBe(expected.storedBodyLength);
    const body = expected.sysFlag & COMPRESSED ? inflateSync(stored) : stored;
    expect(createHash('sha256').update(body).digest('hex')).toBe(expected.bodySha256);
    // Compared here: jest takes seconds for a body of 600,000 bytes.
    expect((await store.readRecord(phyOffset))?.equals(record)).toBe(true);
  }
}

describe('a store that Apache wrote', () => {
  it('opens after a clean stop, and serves every record', async () => {
    const store = await open();
    expect(golden.length).toBeGreaterThan(200);
    await expectAllServed(store);
    expect(store.metrics).toMatchObject({ corruptRanges: 0, corruptRecords: 0 });
    await store.close();
  });

  it('opens after a kill, and serves every record', async () => {
    writeFileSync(join(root, 'abort'), '4194304');
    const store = await open();
    await expectAllServed(store);
    await store.close();
  });

  it.each(['consumequeue', 'index', 'checkpoint', 'abort.bak', 'lock'])(
    'serves every record without its %s',
    async (name) => {
      rmSync(join(root, name), { recursive: true });
      for (const aborted of [false, true]) {
        if (aborted) writeFileSync(join(root, 'abort'), '4194304');
        const store = await open();
        await expectAllServed(store);
        await store.close();
      }
    },
  );

  it('builds the same consume queues from the log as Apache did', async () => {
    let store = await open();
    const entries = async (one: MessageStore): Promise<Map<string, unknown>> => {
      const found = new Map<string, unknown>();
      for (const { topic, queueId } of one.queues())
        for (let index = 0; index < one.maxOffset(topic, queueId); index++)
          found.set(`${topic}/${queueId}/${index}`, await one.readConsumeQueue(topic, queueId, index));
      return found;
    };
    const before = await entries(store);
    await store.close();
    rmSync(join(root, 'consumequeue'), { recursive: true });
    store = await open();
    expect(await entries(store)).toEqual(before);
    await store.close();
  });

  it.each(['from the index that Apache wrote', 'from one of our own'])(
    'finds every message by its keys, %s',
    async (whose) => {
      if (whose === 'from one of our own') rmSync(join(root, 'index'), { recursive: true });
      const store = await open();
      for (const { topic, properties, phyOffset, sysFlag, size } of golden) {
        const keys = [properties['UNIQ_KEY'], ...(properties['KEYS']?.split(' ') ?? [])].filter((key) => key);
        for (const key of (sysFlag & 12) === 12 ? [] : keys) {
          const { records: found } = await store.queryByKey(topic, key, 64, 0, Number.MAX_SAFE_INTEGER);
          const wanted = await store.readRecord(phyOffset, size);
          expect([key, found.some((record) => record.equals(wanted!))]).toEqual([key, true]);
        }
      }
      await store.close();
    },
  );

  it('goes on where Apache stopped', async () => {
    let store = await open();
    const { topic, queueId } = golden[0];
    const next = store.maxOffset(topic, queueId);
    expect(store.append(message({ topic, queueId, body: 'ours' })).queueOffset).toBe(next);
    await store.close();
    store = await open();
    await expectAllServed(store);
    expect(bodyOf(records((await store.getMessage(topic, queueId, next, 1, 1_000)).body)[0])).toBe('ours');
    await store.close();
  });
});
