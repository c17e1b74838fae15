// A broker is killed at its n-th system call, for one n after the other until a run gets through. CRASH_STEP=1 takes
// every n, as the check of a submission does; else some of them. Needs the build, and strace.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, jest } from '@jest/globals';
import { Requests, decodeRecords } from '@nest-rocketmq/remoting';
import { startBroker } from '@nest-rocketmq/broker';
import { startChild } from '../interop/harness/children.js';
import { cleanUp } from '../interop/harness/clean-up.js';
import { temporaryFolder } from '../interop/harness/temporary.js';
import { connectTo } from './in-process.js';
import { pull, sendOne } from './load.js';
import { withStrace } from './tools.js';

const LIFE = join(import.meta.dirname, 'broker-life.mjs');
const step = Number(process.env['CRASH_STEP'] ?? 0);
/** Without CRASH_STEP: so many points for each of the cases. */
const SAMPLES = 2;
const SIZES = { mappedFileSizeCommitLog: 65_536, mappedFileSizeConsumeQueue: 100, maxHashSlotNum: 5, maxIndexNum: 7 };
const QUEUES = 4;
const AT_ONCE = 2;
const HOUR_MS = 3_600_000;
/** strace counts for each thread by itself, and so each kind by itself: libuv's threads sync, the main one does the rest. */
const KINDS: [name: string, calls: string][] = [
  ['changes a file or folder', '?open,openat,pwrite64,pwritev,ftruncate,?rename,?renameat,?renameat2,?unlink,?unlinkat,?rmdir,?mkdir,?mkdirat'],
  ['syncs data', 'fdatasync'],
  ['syncs a file or folder', 'fsync'],
];

jest.setTimeout(HOUR_MS);
afterEach(cleanUp);
const strace = withStrace();

interface Life {
  acknowledged: string[];
  killed: boolean;
}

async function live(store: string, flush: string, options: { prefix: string; end?: string; strace?: string[] }): Promise<Life> {
  const acknowledged: string[] = [];
  const onLine = (line: string): void => {
    const [, id] = /^acknowledged (.*)$/.exec(line) ?? [];
    if (id) acknowledged.push(id);
    else throw new Error(line);
  };
  const program = [process.execPath, LIFE, store, flush, options.prefix, options.end ?? 'stop'];
  const [command, ...args] = [...(options.strace ? ['strace', '-f', '-qq', ...options.strace] : []), ...program];
  // One thread of the pool, so that there is an order.
  const env = { NODE_OPTIONS: '', UV_THREADPOOL_SIZE: '1' };
  const { code, signal } = await startChild('a life', command, args, { onLine, env }).exited;
  const killed = signal === 'SIGKILL' || code === 137;
  if (!killed && code !== 0) throw new Error(`it ended with ${code ?? signal}`);
  return { acknowledged, killed };
}

/** How many such calls a run makes on its busiest thread. */
async function countCalls(folder: string, calls: string, end: string, image: string | undefined): Promise<number> {
  const trace = join(folder, 'trace');
  const store = storeOf(folder, 'counted', image);
  writeFileSync(trace, '');
  await live(store, 'sync', { prefix: 'counted', end, strace: ['-o', trace, '-e', `trace=${calls}`, '-e', 'signal=none'] });
  const perThread = new Map<string, number>();
  for (const line of readFileSync(trace, 'utf8').split('\n')) {
    if (!/^\d+ +\w+\(/.test(line)) continue;
    const [thread] = line.split(' ', 1);
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
    for (let offset = 0; ; ) {
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
  const [id] = body.split(':', 1);
  if (body !== `${id}:`.padEnd(body.length, id)) throw new Error(`altered: ${body.slice(0, 40)}`);
  return id;
}

interface Sweep {
  folder: string;
  flush: string;
  calls: string;
  image: string | undefined;
  before: string[];
}

/** Whether the run got through. */
async function killAt(n: number, { folder, flush, calls, image, before }: Sweep): Promise<boolean> {
  const store = storeOf(folder, `at-${n}`, image);
  const inject = ['-o', '/dev/null', '-e', `trace=${calls}`, '-e', `inject=${calls}:signal=SIGKILL:when=${n}`];
  const { acknowledged, killed } = await live(store, flush, { prefix: `life${n}`, strace: inject });
  const found = await reopen(store);
  const promised = [...before, ...acknowledged];
  const lost = promised.filter((id) => !found.includes(id));
  const strange = found.filter((id) => !promised.includes(id) && !id.startsWith(`life${n}-`) && !id.startsWith('before-'));
  expect({ n, lost, strange, count: found.length }).toEqual({ n, lost: [], strange: [], count: new Set(found).size });
  return !killed;
}

async function sweep(what: Sweep): Promise<void> {
  const { folder, calls, image } = what;
  const startup = await countCalls(folder, calls, 'nothing', undefined);
  const all = await countCalls(folder, calls, 'stop', image);
  if (step === 0) {
    for (let i = 1; i <= SAMPLES; i++) await killAt(startup + Math.round(((all - startup) * (i - 0.5)) / SAMPLES), what);
    return;
  }
  // The program does nothing before; modules are loaded in a number of calls that may differ by a few.
  for (let n = Math.max(1, startup - 3), through = false; !through; n += AT_ONCE * step) {
    const runs = await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => killAt(n + i * step, what)));
    through = runs.some(Boolean);
  }
}

describe(`a broker that is killed at its n-th system call${strace.note}`, () => {
  const cases = KINDS.flatMap(([name, calls]) => [
    { name, calls, flush: 'sync', from: 'a new store' },
    { name, calls, flush: 'async', from: 'a store that was killed' },
  ]);
  strace.it.each(cases)('that $name, flush $flush, from $from, starts again with all that it acknowledged', async ({ calls, flush, from }) => {
    const folder = temporaryFolder('crash-points');
    const killed = from === 'a new store' ? undefined : join(folder, 'image');
    const before = killed ? await live(killed, flush, { prefix: 'before', end: 'die' }) : undefined;
    await sweep({ folder, flush, calls, image: killed, before: before?.acknowledged ?? [] });
  });
});
