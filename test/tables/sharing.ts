// Holds what Apache's own tests of broadcasting, and of groups whose members come and go, hold (tables 5.7 and 5.9).
import { expect, test } from '@jest/globals';
import type { Producer } from '@nest-rocketmq/client';
import type { MessageQueue } from '@nest-rocketmq/remoting/internal';
import { Reader } from './reader.js';
import type { ReaderOptions } from './reader.js';
import type { Stage } from './stage.js';

const BROADCASTS = 16;
const QUEUES = 8;
/** Of messages that are sent until a group has divided its queues, which takes one or two. */
const MOST_ROUNDS = 60;
/** As long as somebody could wait who should get nothing, ms. */
const NOTHING_COMES_MS = 1_000;

interface Topic {
  topic: string;
  send: (count: number) => Promise<string[]>;
  queues: MessageQueue[];
}

async function newTopic(stage: Stage, topic: string): Promise<Topic> {
  const client = await stage.newClient();
  let created = false;
  void client.admin.createTopic({ topic, queues: QUEUES }).then(() => (created = true));
  await stage.until('the topic', () => created);
  const producer: Producer = client.createProducer({ group: `${topic}_producer`, sendMsgTimeout: 20_000 });
  await producer.start();
  const queues = await producer.fetchPublishMessageQueues(topic);
  let sent = 0;
  const send = async (count: number): Promise<string[]> => {
    const bodies = Array.from({ length: count }, () => `${topic} ${sent++}`);
    for (const [index, body] of bodies.entries()) {
      await producer.send({ topic, body }, { messageQueue: queues[index % queues.length]! });
    }
    return bodies;
  };
  return { topic, send, queues };
}

const sorted = (bodies: readonly string[]): string[] => bodies.toSorted();

export function declareBroadcastTests(stageOf: () => Stage): void {
  /** Broadcasting, and by Apache's default: only what is sent from now on. */
  const listening = async (name: string, options: Partial<ReaderOptions> = {}): Promise<Reader> =>
    Reader.start(stageOf(), {
      group: `${name}_group`,
      topic: name,
      consumeMode: 'CONCURRENTLY',
      messageModel: 'BROADCASTING',
      consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
      ...options,
    });
  const all = async (bodies: string[], ...readers: Reader[]): Promise<void> => {
    for (const reader of readers) {
      await stageOf().until('all', () => reader.got.length >= bodies.length);
    }
    await stageOf().pass(NOTHING_COMES_MS);
    for (const reader of readers) expect(sorted(reader.bodies)).toEqual(sorted(bodies));
  };

  test('T108: both members of a broadcasting group get all, once', async () => {
    const { topic, send } = await newTopic(stageOf(), 'T108');
    const readers = [await listening(topic), await listening(topic)];
    await all(await send(BROADCASTS), ...readers);
  });

  test('T109: both of two groups get all, once', async () => {
    const { topic, send } = await newTopic(stageOf(), 'T109');
    const readers = [await listening(topic), await listening(topic, { group: 'T109_other' })];
    await all(await send(BROADCASTS), ...readers);
  });

  test('T110: a member that comes after all is consumed gets nothing of it', async () => {
    const { topic, send } = await newTopic(stageOf(), 'T110');
    const first = await listening(topic);
    await all(await send(BROADCASTS), first);
    const second = await listening(topic);
    await all([], second);
  });

  test('T111: a member that comes later gets what is sent from then on', async () => {
    const { topic, send } = await newTopic(stageOf(), 'T111');
    const first = await listening(topic);
    const before = await send(BROADCASTS);
    await all(before, first);
    const second = await listening(topic);
    const after = await send(BROADCASTS);
    await all(after, second);
    await all([...before, ...after], first);
  });

  test('T112: when one member leaves, the other goes on, and gets all once', async () => {
    const { topic, send } = await newTopic(stageOf(), 'T112');
    const [stays, leaves] = [await listening(topic), await listening(topic)];
    const before = await send(BROADCASTS);
    await all(before, stays, leaves);
    let left = false;
    void leaves.stop().then(() => (left = true));
    const during = await send(BROADCASTS);
    await stageOf().until('it has left', () => left);
    await all([...before, ...during, ...(await send(BROADCASTS))], stays);
  });

  test('T113: what fails at one member is not tried again, and does not disturb the other', async () => {
    const { topic, send } = await newTopic(stageOf(), 'T113');
    const tries: string[] = [];
    const fails = ([message]: { body: Buffer }[]): 'RECONSUME_LATER' => {
      tries.push(message!.body.toString());
      return 'RECONSUME_LATER';
    };
    const other = await listening(topic);
    await listening(topic, { listener: fails });
    const bodies = await send(BROADCASTS);
    await all(bodies, other);
    expect(sorted(tries)).toEqual(sorted(bodies));
  });
}

/** @param all also the rows that differ in the number of members only, and cost a real cluster time */
export function declareBalanceTests(stageOf: () => Stage, all = true): void {
  const some = <T>(rows: T[]): T[] => (all ? rows : rows.slice(0, 1));
  const member = (topic: string, options: Partial<ReaderOptions> = {}): Promise<Reader> =>
    Reader.start(stageOf(), { group: `${topic}_group`, topic, consumeMode: 'CONCURRENTLY', ...options });
  const total = (readers: readonly Reader[]): number => readers.reduce((sum, { got }) => sum + got.length, 0);
  const bodiesOf = (readers: readonly Reader[]): string[] => readers.flatMap(({ bodies }) => bodies);
  /** How many queues' messages each is given of so many to each queue. */
  const sharesOf = async (readers: readonly Reader[], topic: Topic, each: number): Promise<number[]> => {
    const before = readers.map(({ got }) => got.length);
    await topic.send(QUEUES * each);
    await stageOf().until('all', () => total(readers) - sum(before) >= QUEUES * each);
    return readers.map(({ got }, index) => (got.length - before[index]!) / each);
  };
  /** No share differs by more than one queue. */
  const areEqual = (shares: readonly number[]): boolean =>
    Math.max(...shares) - Math.min(...shares) <= (QUEUES % shares.length === 0 ? 0 : 1);
  const balanced = async (readers: readonly Reader[], topic: Topic): Promise<void> => {
    // On a busy machine it takes its time until the queues are divided.
    for (let round = 0; round < MOST_ROUNDS && !areEqual(await sharesOf(readers, topic, 1)); round++) {
      await stageOf().pass(500);
    }
    const shares = await sharesOf(readers, topic, 25);
    expect(sum(shares)).toBe(QUEUES);
    expect({ shares, areEqual: areEqual(shares) }).toEqual({ shares, areEqual: true });
  };
  const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);

  test.each(some([2, 4]))('T142: %i members have equal shares', async (count) => {
    const topic = await newTopic(stageOf(), `T142_${count}`);
    const readers: Reader[] = [];
    for (let i = 0; i < count; i++) readers.push(await member(topic.topic));
    await balanced(readers, topic);
  });

  test.each(some([3, 2]))('T143: of %i members one leaves, and the others share all', async (count) => {
    const topic = await newTopic(stageOf(), `T143_${count}`);
    const readers: Reader[] = [];
    for (let i = 0; i < count; i++) readers.push(await member(topic.topic));
    await balanced(readers, topic);
    await ended(stageOf(), readers.shift()!.stop());
    await balanced(readers, topic);
  });

  test('T144: a member hears within 30 s that another one has joined', async () => {
    const { topic, queues } = await newTopic(stageOf(), 'T144');
    const heard: string[] = [];
    const messageQueueListener = (of: string, all: readonly MessageQueue[], mine: readonly MessageQueue[]): void => {
      if (of === topic) heard.push(`${mine.length} of ${all.length}`);
    };
    await member(topic, { messageQueueListener });
    await stageOf().until('its own', () => heard.length > 0);
    expect(heard).toEqual([`${queues.length} of ${queues.length}`]);
    await member(topic);
    await stageOf().until('fewer', () => heard.length > 1, 30_000);
    expect(heard.at(-1)).toBe(`${queues.length / 2} of ${queues.length}`);
  });

  const rows: [string, number, number, number][] = [
    ['T147: 1 member becomes 3, then 1', 1, 2, 2],
    ['T147: 1 member becomes 2, then 1', 1, 1, 1],
    ['T145: 1 member becomes 2', 1, 1, 0],
    ['T145: 1 member becomes 3', 1, 2, 0],
    ['T146: 2 members become 1', 2, 0, 1],
    ['T146: 3 members become 1', 3, 0, 2],
  ];
  if (!all) return;
  test.each(rows)(
    '%s while messages are sent: nothing is lost, and nothing comes twice',
    async (name, count, join, leave) => {
      const stage = stageOf();
      const { topic, send } = await newTopic(stage, name.replace(/\W+/g, '_'));
      const readers: Reader[] = [];
      const sent: string[] = [];
      const load = async (): Promise<void> => {
        for (let i = 0; i < 4; i++) {
          sent.push(...(await send(QUEUES * 2)));
          await stage.pass(300);
        }
      };
      for (let i = 0; i < count; i++) readers.push(await member(topic));
      await load();
      for (let i = 0; i < join; i++) readers.push(await member(topic));
      await load();
      for (const reader of readers.slice(0, leave)) {
        const leaving = reader.stop();
        sent.push(...(await send(QUEUES)));
        await ended(stage, leaving);
      }
      await load();
      await stage.until('all', () => new Set(bodiesOf(readers)).size === sent.length);
      await stage.pass(2_000);
      expect(sorted(bodiesOf(readers))).toEqual(sorted(sent));
    },
  );
}

async function ended(stage: Stage, ending: Promise<void>): Promise<void> {
  let over = false;
  void ending.then(() => (over = true));
  await stage.until('the end', () => over);
}
