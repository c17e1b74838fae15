// Runs what groups of clients do with each other, with a fault at one of their requests, and checks what must hold
// whatever that fault is.
import { expect } from '@jest/globals';
import type { MessageExt, Producer, PushConsumer, RocketMQClient } from '@nest-rocketmq/client';
import type { Stage } from './stage.js';

export const TOPIC = 't';
export const GROUP = 'g';
const QUEUES = 2;

/** Arms the fault of this run. */
export type Arm = () => void;
export type Scenario = (stage: Stage, arm: Arm) => Promise<void>;

/** What consumers of one group were given. */
class Deliveries {
  readonly ended: string[] = [];
  /** What went wrong, in words. */
  readonly wrong: string[] = [];
  readonly #running = new Map<number, string>();
  readonly #highest = new Map<number, number>();

  /** A listener that takes a second by the stage's clock, and watches the order. */
  inOrder(stage: Stage, name: string): (messages: MessageExt[]) => Promise<void> {
    return async ([message]) => {
      const { queueId, queueOffset, body } = message!;
      const other = this.#running.get(queueId);
      if (other !== undefined) this.wrong.push(`${name} is given queue ${queueId} while ${other} is at work in it`);
      this.#running.set(queueId, name);
      const highest = this.#highest.get(queueId) ?? -1;
      if (queueOffset > highest + 1)
        this.wrong.push(`offset ${queueOffset} of queue ${queueId} comes after ${highest}`);
      this.#highest.set(queueId, Math.max(highest, queueOffset));
      await new Promise<void>((resolve) => stage.clock.setTimeout(resolve, 1_000));
      this.#running.delete(queueId);
      this.ended.push(body.toString());
    };
  }

  listener(stage: Stage, name: string, consumeMode: 'CONCURRENTLY' | 'ORDERLY') {
    if (consumeMode === 'ORDERLY') return this.inOrder(stage, name);
    return (messages: MessageExt[]): void => void this.ended.push(...messages.map(({ body }) => body.toString()));
  }

  hasAll(bodies: readonly string[]): boolean {
    const ended = new Set(this.ended);
    return bodies.every((body) => ended.has(body));
  }
}

/** A producer whose stream is as faulty as the others', and the bodies that were acknowledged. */
class Sending {
  readonly acknowledged: string[] = [];
  #count = 0;

  private constructor(
    private readonly stage: Stage,
    readonly client: RocketMQClient,
    readonly producer: Producer,
  ) {}

  static async open(stage: Stage): Promise<Sending> {
    const client = stage.newClient();
    const producer = client.createProducer({ group: 'p' });
    await stage.done(producer.start());
    await stage.done(client.admin.createTopic({ topic: TOPIC, queues: QUEUES }));
    return new Sending(stage, client, producer);
  }

  async send(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const body = String(this.#count++);
      const sent = await this.stage.settled(this.producer.send({ topic: TOPIC, body }));
      if (sent.status === 'fulfilled') this.acknowledged.push(body);
    }
  }
}

function member(
  client: RocketMQClient,
  listener: (messages: MessageExt[]) => unknown,
  consumeMode: 'CONCURRENTLY' | 'ORDERLY' = 'CONCURRENTLY',
): PushConsumer {
  return client.createPushConsumer({
    group: GROUP,
    subscriptions: [{ topic: TOPIC }],
    consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
    consumeMode,
    listener: listener as (messages: MessageExt[]) => Promise<void>,
  });
}

/** One begins, another one joins, the first one leaves, and later the second one is followed by a third. */
function sharing(consumeMode: 'CONCURRENTLY' | 'ORDERLY'): Scenario {
  return async (stage, arm) => {
    const deliveries = new Deliveries();
    const listener = (name: string) => deliveries.listener(stage, name, consumeMode);
    const sending = await Sending.open(stage);
    const phase = stage.random.integer(0, 2);
    const [first, second, third] = [stage.newClient(), stage.newClient(), stage.newClient()];
    await sending.send(4);
    if (phase === 0) arm();
    await stage.done(member(first, listener('first'), consumeMode).start());
    await stage.until('the first messages are handled', () => deliveries.hasAll(sending.acknowledged));
    if (phase === 1) arm();
    await stage.done(member(second, listener('second'), consumeMode).start());
    await sending.send(4);
    await stage.until('those that came meanwhile are handled', () => deliveries.hasAll(sending.acknowledged));
    if (phase === 2) arm();
    await stage.shutdown(first);
    await sending.send(4);
    await stage.until('those after the first has left are handled', () => deliveries.hasAll(sending.acknowledged));
    await stage.shutdown(second);
    await sending.send(4);
    await stage.done(member(third, listener('third'), consumeMode).start());
    await stage.until('those that nobody was there for are handled', () => deliveries.hasAll(sending.acknowledged));
    expect(sending.acknowledged.length).toBeGreaterThan(8);
    expect(deliveries.wrong).toEqual([]);
  };
}

const MEMBERS = 6;
const CHANGES = 12;

/** Members come and go all the time, several at once. */
function storm(consumeMode: 'CONCURRENTLY' | 'ORDERLY'): Scenario {
  return async (stage, arm) => {
    const { random, clock } = stage;
    const deliveries = new Deliveries();
    const sending = await Sending.open(stage);
    const members: RocketMQClient[] = [];
    const join = (name: string): Promise<unknown> => {
      const client = stage.newClient();
      members.push(client);
      return stage.settled(member(client, deliveries.listener(stage, name, consumeMode), consumeMode).start());
    };
    await join('first');
    for (let i = 0; i < CHANGES; i++) {
      if (i % 3 === 0) arm();
      if (members.length > 1 && (members.length >= MEMBERS || random.chance(0.5)))
        await stage.shutdown(members.splice(random.integer(0, members.length - 1), 1)[0]!);
      else await join(`member-${i}`);
      await sending.send(2);
      await clock.advance(random.integer(0, 3_000));
    }
    await join('last');
    await sending.send(2);
    await stage.until('all are handled', () => deliveries.hasAll(sending.acknowledged));
    expect(sending.acknowledged.length).toBeGreaterThan(CHANGES);
    expect(deliveries.wrong).toEqual([]);
  };
}

const failingOnce: Scenario = async (stage, arm) => {
  const seen = new Map<string, number>();
  const done = new Set<string>();
  const sending = await Sending.open(stage);
  const consumer = member(stage.newClient(), ([message]) => {
    const body = message!.body.toString();
    seen.set(body, (seen.get(body) ?? 0) + 1);
    if (message!.reconsumeTimes === 0) throw new Error('the first try fails');
    done.add(body);
  });
  arm();
  await stage.done(consumer.start());
  await sending.send(3);
  await stage.until('each is handled at its second try', () => sending.acknowledged.every((body) => done.has(body)));
};

/** Commits one message, rolls one back, and leaves one to the broker's question. */
const transactions: Scenario = async (stage, arm) => {
  const got: string[] = [];
  const sending = await Sending.open(stage);
  const client = stage.newClient();
  const transactionListener = {
    executeLocalTransaction: ({ body }: { body: Uint8Array | string }) => {
      if (String(body) === 'commit') return 'COMMIT_MESSAGE' as const;
      return String(body) === 'rollback' ? ('ROLLBACK_MESSAGE' as const) : ('UNKNOW' as const);
    },
    checkLocalTransaction: ({ body }: MessageExt) =>
      body.toString() === 'rollback' ? ('ROLLBACK_MESSAGE' as const) : ('COMMIT_MESSAGE' as const),
  };
  const producer = client.createProducer({ group: 'tx', topics: [TOPIC], transactionListener });
  await stage.done(producer.start());
  const consumer = member(stage.newClient(), ([message]) => void got.push(message!.body.toString()));
  await stage.done(consumer.start());
  arm();
  const begun: string[] = [];
  for (const body of ['commit', 'rollback', 'asked']) {
    const sent = await stage.settled(producer.sendMessageInTransaction({ topic: TOPIC, body }));
    if (sent.status === 'fulfilled') begun.push(body);
  }
  const wanted = begun.filter((body) => body !== 'rollback');
  await stage.until('what was committed arrives', () => wanted.every((body) => got.includes(body)));
  await sending.send(1);
  await stage.until('other messages arrive', () => sending.acknowledged.every((body) => got.includes(body)));
  // A half that was stored without its answer is asked about, and none is left open for long.
  await stage.clock.advance(120_000);
  expect(got).not.toContain('rollback');
};

const asking: Scenario = async (stage, arm) => {
  const sending = await Sending.open(stage);
  const replying = stage.newClient();
  const replier = replying.createProducer({ group: 'r' });
  await stage.done(replier.start());
  const consumer = member(stage.newClient(), async ([message]) => {
    await replier.replyTo(message!, `re: ${message!.body.toString()}`).catch(() => undefined);
  });
  await stage.done(consumer.start());
  arm();
  const asked = await Promise.all(
    ['a', 'b', 'c'].map((body) =>
      stage.settled(sending.producer.request({ topic: TOPIC, body }, { timeout: 20_000 }), 'the request ends', 40_000),
    ),
  );
  asked.forEach((one, i) => {
    if (one.status === 'fulfilled') expect(one.value.body.toString()).toBe(`re: ${'abc'[i]}`);
  });
  // The network is well again.
  let reply: PromiseSettledResult<MessageExt> | undefined;
  for (let tries = 0; tries < 4 && reply?.status !== 'fulfilled'; tries++)
    reply = await stage.settled(sending.producer.request({ topic: TOPIC, body: 'd' }, { timeout: 20_000 }));
  expect(reply?.status === 'fulfilled' && reply.value.body.toString()).toBe('re: d');
  expect(sending.client.requestCounts).toMatchObject({ pending: 0 });
};

/** A group is set back to the beginning while it runs. */
const resetting: Scenario = async (stage, arm) => {
  const got: string[] = [];
  const sending = await Sending.open(stage);
  await sending.send(4);
  const consumer = member(stage.newClient(), ([message]) => void got.push(message!.body.toString()));
  await stage.done(consumer.start());
  await stage.until('they arrive', () => sending.acknowledged.every((body) => got.includes(body)));
  got.length = 0;
  arm();
  const reset = (): Promise<unknown> => sending.client.admin.resetOffsetByTime({ group: GROUP, topic: TOPIC, time: 0 });
  await stage.settled(reset());
  await sending.send(2);
  await stage.until('those after the reset arrive', () =>
    sending.acknowledged.slice(4).every((one) => got.includes(one)),
  );
  // The network is well again: now it has to work.
  for (let tries = 0; tries < 4 && !sending.acknowledged.every((one) => got.includes(one)); tries++) {
    await stage.settled(reset());
    await stage.clock.advance(20_000);
  }
  expect(got).toEqual(expect.arrayContaining(sending.acknowledged));
};

export const SCENARIOS = {
  'a group': sharing('CONCURRENTLY'),
  'an orderly group': sharing('ORDERLY'),
  'a group that never rests': storm('CONCURRENTLY'),
  'an orderly group that never rests': storm('ORDERLY'),
  'a failed message': failingOnce,
  'a transaction': transactions,
  'a request for a reply': asking,
  'a reset of offsets': resetting,
} satisfies Record<string, Scenario>;
