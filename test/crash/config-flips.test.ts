// Tests a stopped broker in whose configuration file one bit is flipped. The files are JSON without a checksum, as Apache's
// are, so some flips leave a valid file with other content. FLIP_SEED sets which bit of each byte is flipped, FLIPS how many
// bytes of each file.
import { afterEach, describe, expect, it } from '@jest/globals';
import { ManualClock, Requests, ResponseCode, encodeProperties, silentLogger } from '@nest-rocketmq/remoting/internal';
import { memoryFileSystem, startBroker } from '@nest-rocketmq/broker/internal';
import type { Broker, MemoryFileSystem } from '@nest-rocketmq/broker/internal';
import type { Connection } from '@nest-rocketmq/remoting/internal';
import { connectTo } from './in-process.js';
import { QUEUES, TOPIC, pull, readBack, sendOne } from './load.js';
import { Random } from './random.js';
import { ROOT, copyOf, flip } from './store-on.js';

const CONFIGS = ['topics.json', 'subscriptionGroup.json', 'consumerOffset.json', 'delayOffset.json'];
const COUNT = 40;
const SIZES = { mappedFileSizeCommitLog: 65_536, mappedFileSizeConsumeQueue: 400, maxHashSlotNum: 20, maxIndexNum: 60 };
const seed = Number(process.env['FLIP_SEED'] ?? Date.now() % 1_000_000);
const flips = Math.ceil(Number(process.env['FLIPS'] ?? 50) / 4);
const MINUTES = 60_000;
/** The answers that a pull may get from a topic whose configuration has changed. */
const REFUSALS: ReadonlySet<number> = new Set([
  ResponseCode.TOPIC_NOT_EXIST,
  ResponseCode.NO_PERMISSION,
  ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
  ResponseCode.SYSTEM_ERROR,
  ResponseCode.INVALID_PARAMETER,
]);

let broker: Broker | undefined;
afterEach(async () => {
  await broker?.stop();
  broker = undefined;
});

const bodyAt = (i: number): string => `message ${i}`;
const all = Array.from({ length: COUNT }, (_, i) => bodyAt(i)).sort();

/** A broker's files after two lives, so that there are backups: with topics, a group, offsets, a delayed message. */
async function used(): Promise<MemoryFileSystem> {
  const files = memoryFileSystem();
  for (let life = 0; life < 2; life++) {
    const clock = new ManualClock();
    const running = await startBroker({ clock, fileSystem: files, store: ROOT, ...SIZES });
    const connection = await connectTo(running);
    await sendOne(connection, 'due', { topic: 'delayed', properties: encodeProperties([['DELAY', '1']]) });
    await clock.advance(2_000);
    for (let i = life; i < COUNT; i += 2) await sendOne(connection, bodyAt(i), { queueId: i % QUEUES });
    // Its first pull makes the group.
    await pull(connection, { offset: 0 });
    const place = { consumerGroup: 'crash-readers', topic: TOPIC, queueId: 0, commitOffset: 4 + life };
    expect((await connection.request(Requests.UPDATE_CONSUMER_OFFSET, place)).code).toBe(0);
    await running.stop();
  }
  return files;
}

/** As an operator does who sees that a topic is not what it was. */
async function repair(connection: Connection): Promise<void> {
  const topic = { topic: TOPIC, defaultTopic: 'TBW102', readQueueNums: QUEUES, writeQueueNums: QUEUES, perm: 6 };
  const reply = await connection.request(Requests.UPDATE_AND_CREATE_TOPIC, {
    ...topic,
    topicFilterType: 'SINGLE_TAG',
    order: false,
  });
  expect(reply.code).toBe(0);
  const group = { groupName: 'crash-readers', consumeEnable: true };
  const body = Buffer.from(JSON.stringify(group));
  expect((await connection.request(Requests.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, {}, { body })).code).toBe(0);
}

type Outcome = 'served' | 'served when repaired';

/** Starts on the files and reads all back. Throws unless that goes as it should. */
async function outcomeOf(fileSystem: MemoryFileSystem): Promise<Outcome> {
  broker = await startBroker({ clock: new ManualClock(), fileSystem, store: ROOT, logger: silentLogger, ...SIZES });
  const connection = await connectTo(broker);
  let refused = REFUSALS.has((await pull(connection, { offset: 0 })).code);
  if (refused) await repair(connection);
  expect((await readBack(connection)).sort()).toEqual(all);
  if (REFUSALS.has(await sendOne(connection, 'more'))) {
    refused = true;
    await repair(connection);
    expect(await sendOne(connection, 'more')).toBe(ResponseCode.SUCCESS);
  }
  await broker.stop();
  broker = undefined;
  return refused ? 'served when repaired' : 'served';
}

describe(`one flipped bit in the configuration of a broker (seed ${seed})`, () => {
  it.each(CONFIGS)(
    '%s: it starts with that or the backup, and has all messages',
    async (name) => {
      const random = new Random(seed);
      const whole = await used();
      const path = `${ROOT}/config/${name}`;
      const size = whole.statSync(path)?.size ?? 0;
      expect(size).toBeGreaterThan(0);
      const every = Math.max(1, Math.floor(size / flips));
      for (let byte = random.integer(0, every - 1); byte < size; byte += every) {
        const bit = random.integer(0, 7);
        const files = copyOf(whole);
        flip(files, path, byte, bit);
        const outcome = await outcomeOf(files).catch((error: unknown) => error);
        expect({ byte, bit, outcome }).toEqual({ byte, bit, outcome: expect.stringMatching(/^served/) });
      }
    },
    5 * MINUTES,
  );

  it.each(CONFIGS)('%s and its backup: it starts with what it finds again, and has all messages', async (name) => {
    const random = new Random(seed + 1);
    const whole = await used();
    const paths = ['', '.bak'].map((end) => `${ROOT}/config/${name}${end}`);
    for (let i = 0; i < flips; i++) {
      const files = copyOf(whole);
      const places = paths.map((path) => [path, random.integer(0, (files.statSync(path)?.size ?? 1) - 1)] as const);
      const bit = random.integer(0, 7);
      for (const [path, byte] of places) flip(files, path, byte, bit);
      const outcome = await outcomeOf(files).catch((error: unknown) => error);
      expect({ places, bit, outcome }).toEqual({ places, bit, outcome: expect.stringMatching(/^served/) });
    }
  });
});
