// Tests that clients and a broker which have met many faults hold no more than before: timers, streams, listeners, memory.
// FAULT_SEED plays a run again; FAULT_RUNS makes it longer.
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { Requests } from '@nest-rocketmq/remoting/internal';
import { ANSWER_FAULTS, REQUEST_FAULTS } from './faulty-links.js';
import { Misdeeds, usedHeap } from './leaks.js';
import { GROUP, TOPIC } from './scenarios.js';
import { Stage } from './stage.js';

jest.setTimeout(600_000);
const SEED = Number(process.env['FAULT_SEED'] ?? Date.now() % 1_000_000);
const ROUNDS = Number(process.env['FAULT_RUNS'] ?? 1) > 1 ? 60 : 20;
/** What the second half of the rounds may add to the heap. */
const MOST_GROWTH = 1.08;

const NAMES = [
  'SEND_MESSAGE_V2',
  'PULL_MESSAGE',
  'HEART_BEAT',
  'LOCK_BATCH_MQ',
  'GET_CONSUMER_LIST_BY_GROUP',
  'UPDATE_CONSUMER_OFFSET',
  'GET_ROUTEINFO_BY_TOPIC',
  'CONSUMER_SEND_MSG_BACK',
] as const;

let misdeeds: Misdeeds;
beforeAll(() => void (misdeeds = new Misdeeds()));
afterAll(() => misdeeds.stop());

it(`a client that has met many faults holds what it has held after a few (seed ${SEED})`, async () => {
  const stage = await Stage.open(SEED);
  const { random, links, clock } = stage;
  const client = stage.newClient();
  const producer = client.createProducer({ group: 'p' });
  await stage.done(producer.start());
  await stage.done(client.admin.createTopic({ topic: TOPIC, queues: 1 }));
  let handled = 0;
  const consumer = client.createPushConsumer({
    group: GROUP,
    subscriptions: [{ topic: TOPIC }],
    consumeMode: 'ORDERLY',
    listener: () => void handled++,
  });
  await stage.done(consumer.start());
  const rounds = async (count: number): Promise<{ heap: number; timers: number; streams: number }> => {
    for (let i = 0; i < count; i++) {
      stage.arm(random.pick([...REQUEST_FAULTS, ...ANSWER_FAULTS]), Requests[random.pick(NAMES)].code);
      await stage.settled(producer.send({ topic: TOPIC, body: 'x' }));
      await clock.advance(35_000);
    }
    links.disarm();
    // Beyond every time-out, and every late answer.
    await clock.advance(200_000);
    await stage.done(producer.send({ topic: TOPIC, body: 'x' }));
    await clock.advance(1_000);
    return { heap: usedHeap(), timers: clock.pending, streams: links.open };
  };
  const before = await rounds(ROUNDS);
  const count = handled;
  const after = await rounds(ROUNDS);
  expect(handled).toBeGreaterThan(count + ROUNDS / 2);
  expect(after.streams).toBeLessThanOrEqual(2);
  expect(after.timers).toBeLessThanOrEqual(before.timers + 2);
  expect(after.heap / before.heap).toBeLessThan(MOST_GROWTH);
  expect(await stage.close()).toEqual([]);
  expect(misdeeds.found).toEqual([]);
});
