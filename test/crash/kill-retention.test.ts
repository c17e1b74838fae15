// Kills a broker at its n-th unlink while it deletes expired files of the log, of queues and of the index. CRASH_STEP=1
// takes every n, as CI does; the default takes some. Needs the build and strace.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, jest } from '@jest/globals';
import { Requests, ResponseCode, decodeRecords } from '@nest-rocketmq/remoting/internal';
import type { Connection } from '@nest-rocketmq/remoting/internal';
import { startBroker } from '@nest-rocketmq/broker/internal';
import { cleanUp } from '../interop/harness/clean-up.js';
import { temporaryFolder } from '../interop/harness/temporary.js';
import { connectTo } from './in-process.js';
import { killAt, live } from './life.js';
import { QUEUES, pull, sendOne } from './load.js';
import { withStrace } from './tools.js';

const LIFE = join(import.meta.dirname, 'retention-life.mjs');
const step = Number(process.env['CRASH_STEP'] ?? 0);
const SIZES = { mappedFileSizeCommitLog: 65_536, mappedFileSizeConsumeQueue: 100, maxHashSlotNum: 5, maxIndexNum: 7 };
const TOPIC = 'life';
/** Without CRASH_STEP: between files of the log, between that and the queues, within these, within the index. */
const SAMPLES = [3, 5, 7, 11];
/** The lock of the first round, and the first file of the log. */
const NOTHING_REMOVED = 2;
const AT_ONCE = 2;
const HOUR_MS = 3_600_000;

jest.setTimeout(HOUR_MS);
afterEach(cleanUp);
const strace = withStrace();

interface Found {
  /** `id queue offset position`, as a life says it. */
  messages: string[];
  /** Answer to a pull from the very beginning, by queue. */
  tooEarly: number[];
}

async function offset(connection: Connection, which: 'MIN' | 'MAX', queueId: number): Promise<number> {
  const { header } = await connection.request(Requests[`GET_${which}_OFFSET`], { topic: TOPIC, queueId });
  return header.offset ?? -1;
}

/** Throws unless each queue gives all from its minimum to its maximum, without a gap. */
async function readQueue(connection: Connection, queueId: number): Promise<string[]> {
  const min = await offset(connection, 'MIN', queueId);
  const max = await offset(connection, 'MAX', queueId);
  const found: string[] = [];
  while (found.length < max - min) {
    const { code, remark, body } = await pull(connection, { topic: TOPIC, queueId, offset: min + found.length });
    const messages = decodeRecords(body);
    if (messages.length === 0) throw new Error(`queue ${queueId}, ${min + found.length}: ${code} ${remark}`);
    for (const message of messages) {
      expect(message.queueOffset).toBe(min + found.length);
      const text = message.body.toString();
      const [id] = text.split(':', 1);
      if (text !== `${id}:`.padEnd(text.length, id)) throw new Error(`altered: ${text.slice(0, 40)}`);
      found.push(`${id} ${queueId} ${message.queueOffset} ${message.physicalOffset}`);
    }
  }
  return found;
}

/** Opens the store in this process, reads it, uses it and closes it. */
async function reopen(store: string): Promise<Found> {
  const broker = await startBroker({ store, ...SIZES });
  const connection = await connectTo(broker);
  const found: Found = { messages: [], tooEarly: [] };
  for (let queueId = 0; queueId < QUEUES; queueId++) {
    found.messages.push(...(await readQueue(connection, queueId)));
    const min = await offset(connection, 'MIN', queueId);
    const { code, header } = await pull(connection, { topic: TOPIC, queueId, offset: 0 });
    found.tooEarly.push(min === 0 ? ResponseCode.PULL_OFFSET_MOVED : code);
    expect(header.nextBeginOffset).toBeGreaterThanOrEqual(min);
  }
  expect(await sendOne(connection, 'more', { topic: TOPIC })).toBe(0);
  connection.close();
  await broker.stop();
  return found;
}

/** Where the files of the log begin that are left. */
const firstPosition = (store: string): number => Math.min(...readdirSync(join(store, 'commitlog')).map(Number));

/** Whether it was killed. */
async function killedAt(n: number, folder: string, flush: string): Promise<boolean> {
  const store = join(folder, `at-${n}`);
  const { acknowledged, killed } = await live(LIFE, [store, flush, 'p'], killAt(n, 'unlink,unlinkat'));
  const first = firstPosition(store);
  const { messages, tooEarly } = await reopen(store);
  const kept = acknowledged.filter((one) => Number(one.split(' ')[3]) >= first);
  const lost = kept.filter((one) => !messages.includes(one));
  // One was under way at most.
  const strange = messages.filter((one) => !acknowledged.includes(one)).slice(1);
  expect({ n, lost, strange, tooEarly }).toEqual({
    n,
    lost: [],
    strange: [],
    tooEarly: tooEarly.map(() => ResponseCode.PULL_OFFSET_MOVED),
  });
  expect({ n, count: messages.length }).toEqual({ n, count: new Set(messages).size });
  if (n > NOTHING_REMOVED) expect({ n, first }).not.toEqual({ n, first: 0 });
  return killed;
}

describe(`a broker that is killed at its n-th removal of an old file${strace.note}`, () => {
  const modes = step > 0 ? ['sync', 'async'] : ['async'];
  strace.it.each(modes)('has all that is in the files left, and says where that begins (flush %s)', async (flush) => {
    const folder = temporaryFolder('kill-retention');
    if (step === 0) {
      const killed = await Promise.all(SAMPLES.map((n) => killedAt(n, folder, flush)));
      expect(killed).toEqual(SAMPLES.map(() => true));
      return;
    }
    let most = 0;
    for (let through = false; !through;) {
      const points = Array.from({ length: AT_ONCE }, (_, i) => most + 1 + i * step);
      through = (await Promise.all(points.map((n) => killedAt(n, folder, flush)))).includes(false);
      most += AT_ONCE * step;
    }
    expect(most).toBeGreaterThan(SAMPLES.length);
  });
});
