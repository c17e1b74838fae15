// Holds what Apache's own tests of ordered consumption hold (table 5.3).
import { expect, test } from '@jest/globals';
import type { Producer } from '@nest-rocketmq/client';
import type { MessageQueue } from '@nest-rocketmq/remoting/internal';
import { byQueue, Reader } from './reader.js';
import type { Got } from './reader.js';
import type { Stage } from './stage.js';

const QUEUES = 4;
const EACH = 10;

interface Topic {
  topic: string;
  producer: Producer;
  queues: MessageQueue[];
  /** Sends the next `count` messages to each of these queues; the bodies are numbered in each. */
  send: (count: number, queues?: readonly MessageQueue[], tags?: (index: number) => string) => Promise<void>;
  /** All that was sent, by queue. */
  sent: Record<string, string[]>;
}

const keyOf = ({ brokerName, queueId }: MessageQueue): string => `${brokerName}:${queueId}`;

async function newTopic(stage: Stage, topic: string, count = QUEUES): Promise<Topic> {
  const client = await stage.newClient();
  const creating = client.admin.createTopic({ topic, queues: count });
  let created = false;
  void creating.then(() => (created = true));
  await stage.until('the topic', () => created);
  const producer = client.createProducer({ group: `${topic}_producer`, sendMsgTimeout: 20_000 });
  await producer.start();
  const queues = await producer.fetchPublishMessageQueues(topic);
  const sent: Record<string, string[]> = {};
  const send: Topic['send'] = async (many, to = queues, tags) => {
    for (let index = 0; index < many; index++) {
      for (const messageQueue of to) {
        const inQueue = (sent[keyOf(messageQueue)] ??= []);
        const body = `${keyOf(messageQueue)} ${inQueue.length}`;
        inQueue.push(body);
        await producer.send({ topic, body, ...(tags && { tags: tags(index) }) }, { messageQueue });
      }
    }
  };
  return { topic, producer, queues, send, sent };
}

const total = (sent: Record<string, string[]>): number => Object.values(sent).flat().length;

export function declareOrderTests(stageOf: () => Stage): void {
  test('T058: each queue is seen in the order of its sends', async () => {
    const stage = stageOf();
    const { topic, send, sent } = await newTopic(stage, 'T058');
    const reader = await Reader.start(stage, { group: 'T058_reader', topic });
    await send(EACH);
    await stage.until('all', () => reader.got.length === total(sent));
    expect(byQueue(reader.got)).toEqual(sent);
  });

  test('T059: what goes to one queue stays in order', async () => {
    const stage = stageOf();
    const { topic, queues, send, sent } = await newTopic(stage, 'T059');
    const reader = await Reader.start(stage, { group: 'T059_reader', topic });
    await send(20, queues.slice(1, 2));
    await stage.until('all', () => reader.got.length === 20);
    expect(byQueue(reader.got)).toEqual(sent);
  });

  test('T060: queues keep their order when messages go to some of them at random', async () => {
    const stage = stageOf();
    const { topic, queues, send, sent } = await newTopic(stage, 'T060');
    const reader = await Reader.start(stage, { group: 'T060_reader', topic });
    const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
    for (let round = 0, state = seed; round < 30; round++) {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      await send(
        1,
        queues.filter((_queue, index) => (state >>> (8 + index)) & 1),
      );
    }
    await stage.until(`all, seed ${seed}`, () => reader.got.length === total(sent));
    expect({ seed, ...byQueue(reader.got) }).toEqual({ seed, ...sent });
  });

  test.each([
    ['*', ['A', 'B']],
    ['A', ['A']],
    ['B', ['B']],
    ['A || B', ['A', 'B']],
    ['A||C', ['A']],
  ])('T061: the order is kept for a subscription to %s', async (expression, wanted) => {
    const stage = stageOf();
    const name = `T061_${expression.replace(/\W/g, '_').replace('*', 'all')}${wanted.length}`;
    const { topic, send, sent } = await newTopic(stage, name);
    const other = await Reader.start(stage, { group: `${name}_other`, topic, expression: 'B' });
    const reader = await Reader.start(stage, { group: `${name}_reader`, topic, expression });
    const tagOf = (index: number): string => 'AB'.charAt(index % 2);
    await send(EACH, undefined, tagOf);
    const expected = (tags: string[]): Record<string, string[]> =>
      Object.fromEntries(
        Object.entries(sent).map(([queue, bodies]) => [
          queue,
          bodies.filter((_body, index) => tags.includes(tagOf(index))),
        ]),
      );
    await stage.until('all', () => reader.got.length === total(expected(wanted)));
    await stage.until("the other group's", () => other.got.length === total(expected(['B'])));
    expect(byQueue(reader.got)).toEqual(expected(wanted));
    expect(byQueue(other.got)).toEqual(expected(['B']));
  });

  test.each([2, 4])('T062: %i consumers have equal shares, and each queue keeps its order', async (count) => {
    const stage = stageOf();
    const on = await newTopic(stage, `T062_${count}`, 8);
    const { send, sent } = on;
    const got = await startShared(stage, on, count);
    const before = got.length;
    await send(EACH);
    await stage.until('all', () => counted(stage, got).length === total(sent));
    expect(byQueue(counted(stage, got))).toEqual(sent);
    expect(shares(got.slice(before))).toEqual(Array.from({ length: count }, () => 8 / count));
  });

  test.each([2, 3])('T063: of %i consumers one goes, and the others get everything, in order', async (count) => {
    const stage = stageOf();
    const on = await newTopic(stage, `T063_${count}`, 6);
    const { send, sent } = on;
    const got = await startShared(stage, on, count);
    await send(EACH);
    const { reader: first } = got.at(-1)!;
    // It goes in the midst of its work.
    const going = first.stop();
    let gone = false;
    void going.then(() => (gone = true));
    await send(EACH);
    await stage.until('it is gone', () => gone);
    const before = got.length;
    await send(EACH);
    await stage.until('all', () => counted(stage, got).length >= total(sent));
    expect(byQueue(counted(stage, got))).toEqual(sent);
    expect(got.slice(before).some(({ reader }) => reader === first)).toBe(false);
  });

  test('T064: each of two broadcasting consumers gets all, in order', async () => {
    const stage = stageOf();
    const { topic, send, sent } = await newTopic(stage, 'T064');
    const options = { group: 'T064_reader', topic, messageModel: 'BROADCASTING' } as const;
    const readers = [await Reader.start(stage, options), await Reader.start(stage, options)];
    await send(EACH);
    for (const reader of readers) {
      await stage.until('all', () => reader.got.length === total(sent));
      expect(byQueue(reader.got)).toEqual(sent);
    }
  });

  test('a message that fails is tried again in its place, and then lies in the dead letter queue', async () => {
    const stage = stageOf();
    const { topic, queues, send } = await newTopic(stage, 'orderly_dead');
    const tries: string[] = [];
    await Reader.start(stage, {
      group: 'orderly_dead_reader',
      topic,
      maxReconsumeTimes: 2,
      suspendCurrentQueueTimeMillis: 100,
      listener: ([message]) => {
        const body = message!.body.toString();
        tries.push(`${body} try ${message!.reconsumeTimes}`);
        return body.endsWith(' 1') ? 'SUSPEND_CURRENT_QUEUE_A_MOMENT' : 'SUCCESS';
      },
    });
    await send(3, queues.slice(0, 1));
    await stage.until('all', () => tries.length === 5);
    const queue = keyOf(queues[0]!);
    expect(tries).toEqual([
      `${queue} 0 try 0`,
      `${queue} 1 try 0`,
      `${queue} 1 try 1`,
      `${queue} 1 try 2`,
      `${queue} 2 try 0`,
    ]);
    const dead = await Reader.start(stage, { group: 'orderly_dead_letters', topic: '%DLQ%orderly_dead_reader' });
    await stage.until('the dead letter', () => dead.got.length === 1);
    expect(dead.bodies).toEqual([`${queue} 1`]);
  });

  test('KEY_ORDERED keeps the order of each sharding key, whatever fails meanwhile', async () => {
    const stage = stageOf();
    const { topic, producer } = await newTopic(stage, 'key_ordered');
    const got: Record<string, string[]> = {};
    let failures = 0;
    await Reader.start(stage, {
      group: 'key_ordered_reader',
      topic,
      consumeMode: 'KEY_ORDERED',
      suspendCurrentQueueTimeMillis: 50,
      listener: ([message]) => {
        const [key, step] = message!.body.toString().split(' ') as [string, string];
        if (message!.reconsumeTimes === 0 && Number(step) % 3 === 1) {
          failures++;
          throw new Error('the first try fails');
        }
        (got[key] ??= []).push(step);
      },
    });
    const keys = Array.from({ length: 20 }, (_, index) => `key-${index}`);
    for (let step = 0; step < 6; step++) {
      await Promise.all(keys.map((key) => producer.send({ topic, body: `${key} ${step}` }, { shardingKey: key })));
    }
    await stage.until('all', () => total(got) === 120);
    expect(got).toEqual(Object.fromEntries(keys.map((key) => [key, ['0', '1', '2', '3', '4', '5']])));
    expect(failures).toBe(40);
  });
}

/** Starts consumers of one group, and sends until each has its share. @returns all that they get */
async function startShared(stage: Stage, { topic, send, sent }: Topic, count: number): Promise<Got[]> {
  const got: Got[] = [];
  for (let index = 0; index < count; index++) await Reader.start(stage, { group: `${topic}_reader`, topic, into: got });
  for (let sharing = 0; sharing !== count;) {
    await send(1);
    const round = new Set(Object.values(sent).map((inQueue) => inQueue.at(-1)!));
    const ofRound = (): Got[] => got.filter(({ body }) => round.has(body));
    // A queue that is being handed over is consumed when that is done.
    await stage.until('a round', () => ofRound().length >= round.size);
    const equal = new Set(shares(ofRound()));
    sharing = equal.size === 1 ? shares(ofRound()).length : 0;
    if (sharing !== count) await stage.pass(500);
  }
  return got;
}

/**
 * What counts where queues change hands. On Apache's broker, a pull that brings an older offset along may undo a newer one: the
 * next owner of the queue begins there.
 */
function counted(stage: Stage, got: readonly Got[]): readonly Got[] {
  if (stage.isVirtual) return got;
  const firsts = new Map(got.toReversed().map((each) => [each.body, each]));
  return got.filter((each) => firsts.get(each.body) === each);
}

/** How many queues each reader has got messages of. */
function shares(got: readonly Got[]): number[] {
  const queues = new Map<Reader, Set<string>>();
  for (const { reader, queue } of got) {
    const some = queues.get(reader) ?? new Set();
    queues.set(reader, some.add(queue));
  }
  return [...queues.values()].map(({ size }) => size);
}
