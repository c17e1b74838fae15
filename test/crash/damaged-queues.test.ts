// Kills an idle stand-alone broker and damages its consume queues: it serves every message, logs what it repaired, and gives
// no queue offset twice. With CRASH_LONG=1 only, since it waits for a checkpoint; `queue-damage.test.ts` has the same in memory.
// QUEUE_DAMAGES sets the number of damages. Needs the build.
import {
  cpSync,
  existsSync,
  renameSync,
  rmSync,
  truncateSync,
  watch,
  writeFileSync,
  openSync,
  writeSync,
  closeSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ResponseCode, Requests } from '@nest-rocketmq/remoting/internal';
import { cleanUp } from '../interop/harness/clean-up.js';
import { temporaryFolder } from '../interop/harness/temporary.js';
import { BrokerProcess } from './broker-process.js';
import { QUEUES, TOPIC, readBack, sendOne } from './load.js';
import { isLong } from './tools.js';

afterAll(cleanUp);

const ways = Number(process.env['QUEUE_DAMAGES'] ?? 1);
const COUNT = 400;
/** Entries of a file. */
const UNITS = 30;
const FOLDER = `consumequeue/${TOPIC}`;
const file = (queueId: number, index: number): string =>
  `${FOLDER}/${queueId}/${String(index * UNITS * 20).padStart(20, '0')}`;

function zero(path: string, at: number, length: number): void {
  const descriptor = openSync(path, 'r+');
  writeSync(descriptor, Buffer.alloc(length), 0, length, at);
  closeSync(descriptor);
}

const DAMAGES: [string, (store: string) => void][] = [
  ['consumequeue is gone', (store) => rmSync(join(store, 'consumequeue'), { recursive: true })],
  ['200 bytes within a file are zeros', (store) => zero(join(store, file(0, 2)), 100, 200)],
  [
    'two queues have each other’s files',
    (store) => {
      renameSync(join(store, file(0, 1)), join(store, 'spare'));
      renameSync(join(store, file(1, 1)), join(store, file(0, 1)));
      renameSync(join(store, 'spare'), join(store, file(1, 1)));
    },
  ],
  ['the folder of a topic is gone', (store) => rmSync(join(store, FOLDER), { recursive: true })],
  ['the first file of a queue is gone', (store) => rmSync(join(store, file(0, 0)))],
  ['a file is cut to half', (store) => truncateSync(join(store, file(0, 1)), UNITS * 10)],
  [
    'the folder of a queue is a file',
    (store) => {
      rmSync(join(store, FOLDER, '0'), { recursive: true });
      writeFileSync(join(store, FOLDER, '0'), 'mine');
    },
  ],
];

/** Resolves when a checkpoint of the queues has been written. */
function checkpoint(store: string): Promise<void> {
  return new Promise((resolve) => {
    const watcher = watch(store, (_, name) => {
      if (name !== 'consumequeue.checkpoint' || !existsSync(join(store, name))) return;
      watcher.close();
      resolve();
    });
  });
}

async function bodiesAndNext(broker: BrokerProcess): Promise<[bodies: string[], next: (number | undefined)[]]> {
  const connection = await broker.connect();
  const bodies = await readBack(connection);
  const next: (number | undefined)[] = [];
  for (let queueId = 0; queueId < QUEUES; queueId++) {
    const { code, header } = await connection.request(Requests.GET_MAX_OFFSET, { topic: TOPIC, queueId });
    expect(code).toBe(ResponseCode.SUCCESS);
    next.push(Number(header.offset));
  }
  return [bodies.sort(), next];
}

/** A store that was killed when nothing had been sent for a while, and what it had. */
async function idleAndKilled(): Promise<{ store: string; conf: string; had: [string[], (number | undefined)[]] }> {
  const folder = temporaryFolder('damaged-queues');
  const [store, conf] = [join(folder, 'store'), join(folder, 'broker.conf')];
  writeFileSync(conf, `mappedFileSizeConsumeQueue=${UNITS * 20}\n`);
  const broker = await BrokerProcess.start({ store, conf });
  const connection = await broker.connect();
  for (let i = 0; i < COUNT; i++) await sendOne(connection, `body ${i}`, { queueId: i % QUEUES });
  await checkpoint(store);
  const had = await bodiesAndNext(broker);
  await broker.kill();
  return { store, conf, had };
}

(isLong ? describe : describe.skip)('a broker that was killed behind its last checkpoint', () => {
  let killed: Awaited<ReturnType<typeof idleAndKilled>>;
  beforeAll(async () => {
    killed = await idleAndKilled();
  });

  it.each(DAMAGES.slice(0, ways))('serves everything when %s, and logs what it repaired', async (_what, damage) => {
    const { store, conf, had } = killed;
    const copy = join(temporaryFolder('damaged-queues'), 'store');
    cpSync(store, copy, { recursive: true });
    damage(copy);
    const broker = await BrokerProcess.start({ store: copy, conf });
    await broker.child.line(new RegExp(`WARN.*topic ${TOPIC} queue 0 .*offsets? \\d+`), 10_000);
    expect(await bodiesAndNext(broker)).toEqual(had);
    await broker.kill();
  });
});
