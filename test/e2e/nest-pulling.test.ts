// Tests consumers that the app asks for messages: injected ones, and the template's receive.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Injectable, Module } from '@nestjs/common';
import type { OnApplicationBootstrap } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  InjectPullConsumer,
  InvalidOptionError,
  MessageDecodeError,
  NotRunningError,
  RocketMQModule,
  RocketMQPullConsumer,
  RocketMQTemplate,
  getPullConsumerToken,
} from 'nest-rocketmq';
import type { PullConsumerOptions, RocketMQModuleOptions } from 'nest-rocketmq';
import { PATIENT, closeApps, onCluster, startApp, unique } from './nest-harness.js';
import type { TestApp } from './nest-harness.js';
import { WAIT, takePayloads } from './nest-polls.js';

const FIRST = { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' } as const;

let topic: string;
let group: string;
let folder: string;

beforeEach(() => {
  topic = unique('pulled');
  group = unique('pulling');
  folder = mkdtempSync(join(tmpdir(), 'nest-pulling-'));
});

afterEach(async () => {
  await closeApps();
  rmSync(folder, { recursive: true, force: true });
});

@Injectable()
class Reports {
  constructor(@InjectPullConsumer() readonly messages: RocketMQPullConsumer<{ n: number }>) {}
}

function reporting(
  options: Partial<PullConsumerOptions> = {},
  module: Pick<RocketMQModuleOptions, 'embedded' | 'topics'> = { topics: [{ name: topic, queues: 1 }] },
): Promise<TestApp> {
  @Module({
    imports: [RocketMQModule.forFeature({ pullConsumers: [{ group, topics: [topic], ...FIRST, ...options }] })],
    providers: [Reports],
  })
  class ReportsModule {}
  return startApp({ imports: [ReportsModule] }, module);
}

const pulled = (app: TestApp): RocketMQPullConsumer<{ n: number }> =>
  app.module.get(Reports, { strict: false }).messages;

async function send(app: TestApp, ...numbers: number[]): Promise<void> {
  for (const n of numbers) await app.template.send(topic, { n }, { keys: String(n) });
}

test('T131 an injected consumer gives a loop one message after the other, with its context, until the app closes', async () => {
  const app = await reporting();
  await send(app, 1, 2, 3);
  const seen: unknown[] = [];
  const loop = (async () => {
    for await (const { payload, context } of pulled(app)) seen.push([payload.n, context.keys, context.group]);
    return 'ended';
  })();
  await app.until(() => seen.length >= 3);
  expect(seen).toEqual([1, 2, 3].map((n) => [n, [String(n)], group]));
  await app.close();
  expect(await loop).toBe('ended');
  await expect(pulled(app).poll()).rejects.toThrow(NotRunningError);
});

test('T133 T134 it polls, seeks, pauses and commits', async () => {
  const app = await reporting();
  await send(app, 1, 2, 3, 4);
  const consumer = pulled(app);
  expect(await takePayloads(4, (max) => consumer.poll({ max, ...WAIT }))).toEqual([1, 2, 3, 4].map((n) => ({ n })));
  const [queue] = consumer.assignment();
  await consumer.seek(queue!, 1);
  expect(consumer.position(queue!)).toBe(1);
  const [again] = await consumer.poll({ max: 1, ...WAIT });
  expect(again!.payload).toEqual({ n: 2 });
  await consumer.commit();
  expect(await consumer.committed(queue!)).toBe(2);
  consumer.pause();
  expect(await consumer.poll({ timeout: 0 })).toEqual([]);
  consumer.resume();
  await consumer.seekToBegin(queue!);
  expect(await takePayloads(4, (max) => consumer.poll({ max, ...WAIT }))).toHaveLength(4);
  await consumer.seekToEnd(queue!);
  expect(await consumer.poll({ timeout: 0 })).toEqual([]);
  await consumer.seekToTimestamp(queue!, again!.context.storeTimestamp);
  expect(await consumer.poll({ max: 1, ...WAIT })).toHaveLength(1);
});

/** Runs two apps, one after the other, on one broker. */
async function twice<T>(
  options: Partial<PullConsumerOptions>,
  first: (app: TestApp) => Promise<void>,
  second: (app: TestApp) => Promise<T>,
): Promise<T> {
  const module = { embedded: { store: folder }, topics: [{ name: topic, queues: 1 }] };
  const before = await reporting(options, onCluster ? { topics: module.topics } : module);
  await first(before);
  await before.close();
  const after = await reporting(options, onCluster ? { topics: module.topics } : module);
  try {
    return await second(after);
  } finally {
    await after.close();
  }
}

test('T135 after a restart a group goes on behind what it has consumed: what was in hand comes again', async () => {
  const rest = await twice(
    {},
    async (app) => {
      await send(app, 1, 2, 3);
      await takePayloads(2, (max) => pulled(app).poll({ max, ...WAIT }));
      await pulled(app).poll({ max: 1, ...WAIT }); // consumes the first two, and holds the third
    },
    (app) => takePayloads(1, (max) => pulled(app).poll({ max, ...WAIT })),
  );
  expect(rest).toEqual([{ n: 3 }]);
});

test('a loop that is at work when the app closes may end its message, which then counts as consumed', async () => {
  const rest = await twice(
    {},
    async (app) => {
      await send(app, 1, 2);
      let begun = (): void => undefined;
      const atWork = new Promise<void>((resolve) => (begun = resolve));
      let finish = (): void => undefined;
      const finished = new Promise<void>((resolve) => (finish = resolve));
      const loop = (async () => {
        for await (const { payload } of pulled(app)) {
          begun();
          await finished;
          await app.template.send(unique('other'), payload);
        }
      })();
      await atWork;
      const closing = app.close();
      finish();
      await closing;
      await loop;
    },
    (app) => takePayloads(1, (max) => pulled(app).poll({ max, ...WAIT })),
  );
  expect(rest).toEqual([{ n: 2 }]);
});

test('T135 without autoCommit only what was committed is not repeated, as after a crash', async () => {
  const rest = await twice(
    { autoCommit: false },
    async (app) => {
      await send(app, 1, 2, 3, 4);
      await takePayloads(2, (max) => pulled(app).poll({ max, ...WAIT }));
      await pulled(app).commit();
      await takePayloads(2, (max) => pulled(app).poll({ max, ...WAIT }));
    },
    (app) => takePayloads(2, (max) => pulled(app).poll({ max, ...WAIT })),
  );
  expect(rest).toEqual([{ n: 3 }, { n: 4 }]);
});

test('without stored offsets each start begins anew', async () => {
  const all = await twice(
    { storeOffsets: false },
    async (app) => {
      await send(app, 1, 2);
      await takePayloads(2, (max) => pulled(app).poll({ max, ...WAIT }));
      await pulled(app).commit();
    },
    (app) => takePayloads(2, (max) => pulled(app).poll({ max, ...WAIT })),
  );
  expect(all).toEqual([{ n: 1 }, { n: 2 }]);
});

test('a loop may begin before the app has, and named consumers of the root module are there for all', async () => {
  const seen: unknown[] = [];
  @Injectable()
  class Early implements OnApplicationBootstrap {
    ended: Promise<void> | undefined;
    constructor(@InjectPullConsumer('early') readonly messages: RocketMQPullConsumer<string>) {}
    onApplicationBootstrap(): void {
      this.ended = (async () => {
        for await (const { payload } of this.messages) seen.push(payload);
      })();
    }
  }
  const pullConsumers: PullConsumerOptions[] = [{ name: 'early', group, topics: [topic], ...FIRST, payload: 'string' }];
  const cluster = onCluster ? PATIENT : { embedded: { store: 'memory' } };
  const module = await Test.createTestingModule({
    imports: [RocketMQModule.forRoot({ group: unique('app'), ...cluster, pullConsumers })],
    providers: [Early],
  }).compile();
  await module.init();
  await module.get(RocketMQTemplate).send(topic, 'early bird');
  while (seen.length === 0) await wait(1);
  expect(seen).toEqual(['early bird']);
  expect(module.get(getPullConsumerToken('early'))).toBeInstanceOf(RocketMQPullConsumer);
  await module.close();
  await module.get(Early).ended;
});

test('receive gives the next messages of a topic from its oldest on, and each of them once', async () => {
  const app = await startApp({}, { topics: [{ name: topic, queues: 1 }] });
  await send(app, 1, 2, 3);
  const [first] = await app.template.receive<{ n: number }>(topic, { max: 1, ...WAIT });
  expect(first!.payload).toEqual({ n: 1 });
  expect(first!.payload).toBe(first!.payload);
  expect(first!.context).toMatchObject({ topic, keys: ['1'], queueOffset: 0, isRequest: false });
  expect(await takePayloads(2, (max) => app.template.receive(topic, { max, ...WAIT }))).toEqual([{ n: 2 }, { n: 3 }]);
  expect(await app.template.receive(topic, { timeout: 0 })).toEqual([]);
});

test('receive filters by tag and decodes as it is asked; calls of one group wait for each other', async () => {
  const app = await startApp({}, { topics: [{ name: topic, queues: 1 }] });
  await app.template.send(`${topic}:a`, 'not this');
  await app.template.send(`${topic}:b`, Buffer.from('{no json'));
  await app.template.send(`${topic}:b`, 'text');
  const [bad] = await app.template.receive(`${topic}:b`, { group, max: 1, ...WAIT });
  expect(() => bad!.payload).toThrow(MessageDecodeError);
  expect(bad!.context.message.body.toString()).toBe('{no json');
  const [bytes, none] = await Promise.all([
    app.template.receive<Buffer>(`${topic}:b`, { group, payload: 'buffer', ...WAIT }),
    app.template.receive(`${topic}:b`, { group, timeout: 0 }),
  ]);
  expect(bytes.map(({ payload }) => payload.toString())).toEqual(['text']);
  expect(none).toEqual([]);
  await expect(app.template.receive(topic, { group })).rejects.toThrow(InvalidOptionError);
  await expect(app.template.receive(topic, { gruop: 'g' } as never)).rejects.toThrow('the option is called group');
  await expect(app.template.receive(topic, { max: 0 })).rejects.toThrow('max');
});

test('wrong declarations are refused with their place', async () => {
  const declare = (pullConsumers: unknown) => () => RocketMQModule.forFeature({ pullConsumers } as never);
  expect(declare('order')).toThrow('RocketMQModule.forFeature');
  expect(declare([{ group: 'a' }, { group: 'b' }])).toThrow('two are called');
  await expect(reporting({ group: 'not a group' })).rejects.toThrow('pullConsumers.group');
  await expect(reporting({ topics: 'order' as never })).rejects.toThrow('pullConsumers.topics');
  await expect(reporting({ autoCommitIntervalMillis: 5 })).rejects.toThrow('pullConsumers.autoCommitIntervalMillis');
});
