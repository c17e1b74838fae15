// Kills a broker at its n-th system call, for one n after another until a run completes. CRASH_STEP=1 takes every n, as CI
// does; the default takes some. Needs the build and strace.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, jest } from '@jest/globals';
import { Requests, decodeRecords } from '@nest-rocketmq/remoting/internal';
import { startBroker } from '@nest-rocketmq/broker/internal';
import { cleanUp } from '../interop/harness/clean-up.js';
import { temporaryFolder } from '../interop/harness/temporary.js';
import { connectTo } from './in-process.js';
import { killAt, live } from './life.js';
import { pull, sendOne } from './load.js';
import { withStrace } from './tools.js';

const LIFE = join(import.meta.dirname, 'broker-life.mjs');
const step = Number(process.env['CRASH_STEP'] ?? 0);
const SIZES = { mappedFileSizeCommitLog: 65_536, mappedFileSizeConsumeQueue: 100, maxHashSlotNum: 5, maxIndexNum: 7 };
const QUEUES = 4;
const AT_ONCE = 2;
const HOUR_MS = 3_600_000;
/** The calls that change something, and one point of each that is tried without CRASH_STEP. strace counts each by itself. */
const CALLS: [call: string, sample: number][] = [
  ['openat', 170],
  ['pwrite64', 12],
  ['ftruncate', 9],
  ['rename', 4],
  ['unlink', 3],
  ['mkdir', 5],
  ['fsync', 10],
  ['fdatasync', 8],
];

jest.setTimeout(HOUR_MS);
afterEach(cleanUp);
const strace = withStrace();

/** How many such calls are made on the busiest thread before a life begins. */
async function countCalls(folder: string, call: string): Promise<number> {
  const trace = join(folder, 'trace');
  writeFileSync(trace, '');
  const options = ['-o', trace, '-e', `trace=${call}`, '-e', 'signal=none'];
  await live(LIFE, [join(folder, 'none'), 'sync', 'counted', 'nothing'], options);
  const perThread = new Map<string, number>();
  for (const line of readFileSync(trace, 'utf8').split('\n')) {
    if (!/^\d+ +\w+\(/.test(line)) continue;
    const thread = line.split(' ', 1)[0]!;
    perThread.set(thread, (perThread.get(thread) ?? 0) + 1);
  }
  return Math.max(0, ...perThread.values());
}

function storeOf(folder: string, name: string, image: string | undefined): string {
  const store = join(folder, name);
  mkdirSync(folder, { recursive: true });
  if (image) cpSync(image, store, { recursive: true });
  return store;
}

/** Opens the store in this process; resolves with the ids of all that is there, in no order. */
async function reopen(store: string): Promise<string[]> {
  const broker = await startBroker({ store, ...SIZES });
  const connection = await connectTo(broker);
  const ids: string[] = [];
  for (let queueId = 0; queueId < QUEUES; queueId++) {
    for (let offset = 0; ;) {
      const { header, body } = await pull(connection, { topic: 'life', queueId, offset });
      for (const message of decodeRecords(body)) ids.push(idOf(message.body.toString()));
      const { nextBeginOffset = 0, maxOffset = 0 } = header;
      if (nextBeginOffset >= maxOffset) break;
      offset = nextBeginOffset;
    }
  }
  const place = { consumerGroup: 'g', topic: 'life', queueId: 0 };
  const { offset = 0 } = (await connection.request(Requests.QUERY_CONSUMER_OFFSET, place)).header;
  if (!Number.isInteger(offset) || offset > 4) throw new Error(`the offset is ${offset}`);
  expect(await sendOne(connection, 'more', { topic: 'life' })).toBe(0);
  connection.close();
  await broker.stop();
  return ids;
}

/** Throws unless all of the body is as it was sent. */
function idOf(body: string): string {
  const id = body.split(':', 1)[0]!;
  if (body !== `${id}:`.padEnd(body.length, id)) throw new Error(`altered: ${body.slice(0, 40)}`);
  return id;
}

interface Sweep {
  folder: string;
  flush: string;
  call: string;
  image: string | undefined;
  before: string[];
}

/** Whether the run got through. */
async function tryOut(n: number, { folder, flush, call, image, before }: Sweep): Promise<boolean> {
  const store = storeOf(folder, `at-${n}`, image);
  const { acknowledged, killed } = await live(LIFE, [store, flush, `life${n}`, 'stop'], killAt(n, call));
  const found = await reopen(store);
  const promised = [...before, ...acknowledged];
  const lost = promised.filter((id) => !found.includes(id));
  const strange = found.filter(
    (id) => !promised.includes(id) && !id.startsWith(`life${n}-`) && !id.startsWith('before-'),
  );
  expect({ n, lost, strange, count: found.length }).toEqual({ n, lost: [], strange: [], count: new Set(found).size });
  return !killed;
}

async function sweep(what: Sweep, sample: number): Promise<void> {
  if (step === 0) {
    await tryOut(sample, what);
    return;
  }
  const startup = await countCalls(what.folder, what.call);
  // The program does nothing before; modules are loaded in a number of calls that may differ by a few.
  for (let n = Math.max(1, startup - 3), through = false; !through; n += AT_ONCE * step) {
    const runs = await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => tryOut(n + i * step, what)));
    through = runs.some(Boolean);
  }
}

describe(`a broker that is killed at its n-th system call${strace.note}`, () => {
  const both = CALLS.flatMap(([call, sample], i) => [
    { call, sample, flush: 'sync', from: 'a new store', always: i % 2 === 0 },
    { call, sample, flush: 'async', from: 'a store that was killed', always: i % 2 === 1 },
  ]);
  const cases = both.filter(({ always }) => always || step > 0);
  strace.it.each(cases)('$call, flush $flush, from $from, starts again with all that it acknowledged', async (one) => {
    const { call, sample, flush, from } = one;
    const folder = temporaryFolder('crash-points');
    const killed = from === 'a new store' ? undefined : join(folder, 'image');
    const before = killed ? await live(LIFE, [killed, flush, 'before', 'die']) : undefined;
    await sweep({ folder, flush, call, image: killed, before: before?.acknowledged ?? [] }, sample);
  });
});
