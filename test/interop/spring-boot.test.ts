// Tests that a Nest app and a Spring Boot app with rocketmq-spring-boot-starter understand each other: messages, order, delays,
// requests and transactions, both ways, on our broker and on Apache's.
import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { setTimeout as wait } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { TestingModule } from '@nestjs/testing';
import {
  RocketMQContext,
  RocketMQLocalTransactionState,
  RocketMQMessageListener,
  RocketMQModule,
  RocketMQTemplate,
  RocketMQTransactionListener,
} from 'nest-rocketmq';
import type { RocketMQLocalTransactionListener } from 'nest-rocketmq';
import { startApache } from './harness/apache.js';
import { cleanUp } from './harness/clean-up.js';
import type { Cluster } from './harness/cluster.js';
import { startOurBroker } from './harness/our-broker.js';
import { SpringPeer, type SpringEvent } from './harness/spring-peer.js';

// A JVM for Apache's broker and one for Spring on a busy machine, and what must come once a client has looked again.
jest.setTimeout(300_000);
afterAll(cleanUp);

const FIRST = { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' } as const;
const { COMMIT, ROLLBACK, UNKNOWN } = RocketMQLocalTransactionState;
const KEYS = ['key-0', 'key-1', 'key-2'];
/** Shorter than each delay. ms */
const DELAYED_MS = 1_000;
/** A broker asks about transactions that are older than 3 s: also about one whose end is that late. ms */
const PROMPT_MS = 2_000;

interface Order {
  id: string;
  amount: number;
  /** Java's LocalDateTime, as its JSON has it. */
  createdAt: string;
}

const order = (id: string, amount: number): Order => ({ id, amount, createdAt: '2026-11-27T12:30:15' });

interface Taken {
  readonly topic: string;
  readonly payload: unknown;
  readonly context: RocketMQContext;
}

/** What the Nest app has taken, and who waits for it. */
class Inbox {
  readonly #taken: Taken[] = [];
  readonly #watchers = new Set<() => void>();

  add(payload: unknown, context: RocketMQContext): void {
    this.#taken.push({ topic: context.topic, payload, context });
    for (const watcher of this.#watchers) watcher();
  }

  of(topic: string): Taken[] {
    return this.#taken.filter((each) => each.topic === topic);
  }

  /** Those of the topic, once there are so many. */
  take(topic: string, count: number): Promise<Taken[]> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.of(topic).length < count) return;
        this.#watchers.delete(look);
        resolve(this.of(topic));
      };
      this.#watchers.add(look);
      look();
    });
  }
}

class NestPeer {
  constructor(readonly inbox: Inbox) {}

  @RocketMQMessageListener({ topic: 'to-nest', tags: 'order', consumerGroup: 'nest-orders', ...FIRST })
  takeOrder(payload: object, context: RocketMQContext): void {
    this.inbox.add(payload, context);
  }

  @RocketMQMessageListener({ topic: 'to-nest', tags: 'text', consumerGroup: 'nest-texts', ...FIRST })
  @RocketMQMessageListener({ topic: 'to-nest-delay', consumerGroup: 'nest-delays', ...FIRST })
  @RocketMQMessageListener({ topic: 'to-nest-tx', consumerGroup: 'nest-tx', ...FIRST })
  take(payload: string, context: RocketMQContext): void {
    this.inbox.add(payload, context);
  }

  @RocketMQMessageListener({
    topic: 'to-nest-order',
    consumerGroup: 'nest-order',
    consumeMode: 'ORDERLY',
    ...FIRST,
  })
  takeInOrder(payload: string, context: RocketMQContext): void {
    this.inbox.add(payload, context);
  }

  @RocketMQMessageListener({ topic: 'ask-nest', consumerGroup: 'nest-answers', ...FIRST })
  answer(asked: Order): Order {
    return { ...asked, id: `${asked.id} answered`, amount: asked.amount + 1 };
  }

  @RocketMQMessageListener({ topic: 'ask-nest-text', consumerGroup: 'nest-text-answers', ...FIRST })
  answerText(asked: string): string {
    return `nest: ${asked}`;
  }
}

@RocketMQTransactionListener({ topic: 'to-spring' })
class NestTransactions implements RocketMQLocalTransactionListener<string> {
  readonly checked: string[] = [];

  executeLocalTransaction(_payload: string, { arg }: { arg: unknown }): RocketMQLocalTransactionState {
    return arg as RocketMQLocalTransactionState;
  }

  checkLocalTransaction(payload: string): RocketMQLocalTransactionState {
    this.checked.push(payload);
    return payload === `nest ${ROLLBACK}` ? ROLLBACK : COMMIT;
  }
}

const TOPICS = (
  'to-nest to-nest-order to-nest-delay to-nest-tx ask-nest ask-nest-text ' +
  'to-spring to-spring-order to-spring-pull ask-spring ask-spring-text'
)
  .split(' ')
  .map((name) => ({ name, queues: 4 }));

const sorted = (bodies: readonly unknown[]): string[] => bodies.map(String).toSorted();

describe.each([
  ['our', startOurBroker],
  ["Apache's", startApache],
] as const)('on %s broker, between a Nest app and a Spring Boot app', (_whose, start) => {
  let cluster: Cluster;
  let app: TestingModule;
  let template: RocketMQTemplate;
  let inbox: Inbox;
  let spring: SpringPeer;

  beforeAll(async () => {
    Logger.overrideLogger(['error']);
    cluster = await start();
    const { nameServer } = cluster;
    inbox = new Inbox();
    const providers = [{ provide: NestPeer, useValue: new NestPeer(inbox) }, NestTransactions];
    const imports = [RocketMQModule.forRoot({ nameServer, group: 'nest-app', topics: TOPICS })];
    app = await Test.createTestingModule({ imports, providers }).compile();
    await app.init();
    template = app.get(RocketMQTemplate);
    spring = await SpringPeer.start({
      'rocketmq.name-server': nameServer,
      'rocketmq.producer.group': 'spring-app',
      // A cold JVM on a busy machine.
      'rocketmq.producer.send-message-timeout': '30000',
      'rocketmq.pull-consumer.group': 'spring-pull',
      'rocketmq.pull-consumer.topic': 'to-spring-pull',
    });
  });
  afterAll(async () => {
    await app?.close();
    await spring?.stop();
    await cleanUp();
  });

  test('what Spring sends, in each way but the others below, arrives with tag, keys and headers', async () => {
    await inbox.take('to-nest', 7);
    const orders = inbox.of('to-nest').filter(({ context }) => context.tags === 'order');
    expect(orders.map(({ payload }) => payload)).toEqual([order('o1', 5)]);
    expect(orders[0]!.context.keys).toEqual(['k1']);
    expect(orders[0]!.context.properties.get('color')).toBe('red');
    const texts = inbox.of('to-nest').filter(({ context }) => context.tags === 'text');
    expect(sorted(texts.map(({ payload }) => payload))).toEqual([
      'asynchronous',
      'batch 1',
      'batch 2',
      'batch 3',
      'converted ü 漢',
      'one way',
    ]);
    expect(await spring.take('callback')).toMatchObject([{ status: 'SEND_OK' }]);
  });

  test('what Nest sends arrives: as an object of Java, and with tag, keys and headers', async () => {
    await template.send('to-spring:order', order('o2', 9), { keys: 'k2', properties: { color: 'blue' } });
    await template.sendOneWay('to-spring:text', 'one way ü 漢');
    await template.sendBatch('to-spring:text', ['batch 1', 'batch 2']);
    expect(await spring.take('order')).toMatchObject([order('o2', 9)]);
    const all = await spring.take('received', 4);
    const sent = all.find(({ tags }) => tags === 'order');
    expect(sent).toMatchObject({ keys: 'k2', properties: expect.objectContaining({ color: 'blue' }) });
    const texts = all.filter(({ tags }) => tags === 'text').map(({ body }) => body);
    expect(sorted(texts)).toEqual(['batch 1', 'batch 2', 'one way ü 漢']);
  });

  test('a key has the same queue for both, and its messages keep their order both ways', async () => {
    const queueOf = new Map((await spring.take('queue', 12)).map(({ key, queueId }) => [key, queueId]));
    const fromSpring = (await inbox.take('to-nest-order', 12)).map(({ payload }) => payload as string);
    for (let at = 0; at < 12; at++) {
      const key = `key-${at % 3}`;
      const { messageQueue } = await template.send('to-spring-order', `${key}/${at}`, { shardingKey: key });
      expect([key, messageQueue.queueId]).toEqual([key, queueOf.get(key)]);
    }
    const fromNest = (await spring.take('in order', 12)).map(({ body }) => body as string);
    for (const bodies of [fromSpring, fromNest]) {
      for (const [at, key] of KEYS.entries()) {
        const expected = [0, 3, 6, 9].map((step) => `${key}/${at + step}`);
        expect(bodies.filter((body) => body.startsWith(key))).toEqual(expected);
      }
    }
  });

  test('delays hold both ways: by level, by length and by time', async () => {
    const sent = new Map<string, number>();
    const delays = {
      'by level': () => ({ delayLevel: 2 }),
      'by ms': () => ({ delay: 1_500 }),
      'by time': () => ({ deliverAt: new Date(Date.now() + 1_500) }),
    };
    for (const [name, options] of Object.entries(delays)) {
      sent.set(name, Date.now());
      await template.send('to-spring:delay', name, options());
    }
    const sentBySpring = new Map((await spring.take('delayed', 4)).map(({ body, at }) => [body, at]));
    const taken = await inbox.take('to-nest-delay', 4);
    expect(sorted(taken.map(({ payload }) => payload))).toEqual(['by level', 'by ms', 'by s', 'by time']);
    for (const { payload, context } of taken) {
      expect(context.message.storeTimestamp - sentBySpring.get(payload)!).toBeGreaterThan(DELAYED_MS);
    }
    const delayed = (): SpringEvent[] => spring.of('received').filter(({ tags }) => tags === 'delay');
    while (delayed().length < 3) await spring.take('received', spring.of('received').length + 1);
    for (const event of delayed()) {
      expect(event.at - sent.get(event['body'] as string)!).toBeGreaterThan(DELAYED_MS);
    }
  });

  test('Spring asks, and a listener of Nest answers: objects, texts, with a key, and by callback', async () => {
    expect(await spring.take('answer')).toMatchObject([order('q1 answered', 8)]);
    const texts = (await spring.take('text answer', 3)).map(({ text }) => text as string);
    expect(sorted(texts)).toEqual(['nest: in order', 'nest: later', 'nest: question ü']);
  });

  test('Nest asks, and a RocketMQReplyListener answers: objects and texts', async () => {
    const patient = { timeout: '60s' } as const;
    expect(await template.request('ask-spring', order('q2', 1), patient)).toEqual(order('q2 answered', 2));
    const asText = { ...patient, payload: 'string' } as const;
    expect(await template.request('ask-spring-text', 'question ü', asText)).toBe('spring: question ü');
  });

  test('transactions of both are delivered, dropped, and delivered after a check', async () => {
    const mayBeAsked = new Set<unknown>([`nest ${UNKNOWN}`, 'spring UNKNOWN']);
    for (const state of [COMMIT, ROLLBACK, UNKNOWN]) {
      const began = performance.now();
      const result = await template.sendMessageInTransaction('to-spring:tx', `nest ${state}`, { arg: state });
      expect(result.state).toBe(state);
      if (performance.now() - began > PROMPT_MS) mayBeAsked.add(`nest ${state}`);
    }
    const begun = (await spring.take('delayed', 4)).at(-1)!.at;
    const transactions = await spring.take('transaction', 3);
    for (const [index, name] of ['COMMIT', 'ROLLBACK'].entries()) {
      if (transactions[index]!.at - begun > PROMPT_MS) mayBeAsked.add(`spring ${name}`);
    }
    const states = transactions.map(({ state }) => state);
    expect(states).toEqual(['COMMIT_MESSAGE', 'ROLLBACK_MESSAGE', 'UNKNOW']);
    const fromSpring = (await inbox.take('to-nest-tx', 2)).map(({ payload }) => payload as string);
    expect(sorted(fromSpring)).toEqual(['spring COMMIT', 'spring UNKNOWN']);
    const checked = (await spring.take('checked')).map(({ body, keys }) => [body, keys]);
    expect(checked).toContainEqual(['spring UNKNOWN', 'UNKNOWN']);
    const fromNest = (): string[] =>
      spring.of('received').flatMap(({ tags, body }) => (tags === 'tx' ? [body as string] : []));
    while (fromNest().length < 2) await spring.take('received', spring.of('received').length + 1);
    expect(sorted(fromNest())).toEqual(['nest COMMIT', 'nest UNKNOWN']);
    // A broker that has no answer within a second asks again.
    const asked = [...app.get(NestTransactions).checked, ...checked.map(([body]) => body)];
    expect(asked).toContain(`nest ${UNKNOWN}`);
    expect(asked.filter((each) => !mayBeAsked.has(each))).toEqual([]);
  });

  test('Spring pulls what Nest sends', async () => {
    await spring.take('pulling');
    // It pulls what is sent since it has its queues, and does not tell when that is.
    let isOver = false;
    const sending = async (): Promise<void> => {
      for (; !isOver; await wait(500)) await template.send('to-spring-pull', 'pulled ü');
    };
    const pulling = spring.take('pulled').finally(() => (isOver = true));
    const [[pulled]] = await Promise.all([pulling, sending()]);
    expect(new Set(pulled!['bodies'] as string[])).toEqual(new Set(['pulled ü']));
    await spring.take('sent');
    expect(spring.of('failed')).toEqual([]);
  });
});
