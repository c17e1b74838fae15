// Tests the management of listeners at run time: groups that start, stop and pause one by one, their states, and their events.
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { InvalidOptionError, Outcome, RocketMQListeners, RocketMQMessageListener } from 'nest-rocketmq';
import type { ListenerEvent } from 'nest-rocketmq';
import { consumed, failed } from 'nest-rocketmq/testing';
import { PATIENCE_MS, closeApps, startApp, unique } from './nest-harness.js';
import type { TestApp } from './nest-harness.js';

const timeout = PATIENCE_MS;

afterEach(closeApps);

interface Two {
  readonly app: TestApp;
  readonly listeners: RocketMQListeners;
  readonly topics: readonly [string, string];
  readonly groups: readonly [string, string];
  /** Sends to both topics; resolves when the listener of `index` has consumed its message. */
  sent(index: 0 | 1): Promise<unknown>;
}

/** An app with a listener of each of two groups. */
async function two(options: { autoStart?: boolean } = {}): Promise<Two> {
  const topics = [unique('first'), unique('second')] as const;
  const groups = [unique('group'), unique('group')] as const;

  @Injectable()
  class Both {
    @RocketMQMessageListener({
      topic: topics[0],
      consumerGroup: groups[0],
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
    })
    first(): void {}

    @RocketMQMessageListener({ topic: topics[1], tags: ['a', 'b'], consumerGroup: groups[1], concurrency: 3 })
    second(): void {}
  }

  const app = await startApp(
    { providers: [Both] },
    { topics: topics.map((name) => ({ name, queues: 1 })), ...options },
  );
  const listeners = app.module.get(RocketMQListeners);
  const sent = async (index: 0 | 1): Promise<unknown> => {
    const done = consumed(app.module, { topic: topics[index] }, { timeout });
    await app.template.send(`${topics[0]}:a`, 1);
    await app.template.send(`${topics[1]}:a`, 1);
    return app.elapse(done, '120s');
  };
  return { app, listeners, topics, groups, sent };
}

const states = (listeners: RocketMQListeners): string[] => listeners.list().map(({ state }) => state);

test('the list shows each group with its state', async () => {
  const { listeners, topics, groups } = await two();
  expect(listeners.list()).toEqual([
    {
      group: groups[0],
      state: 'running',
      concurrency: 20,
      active: 0,
      subscriptions: [topics[0]],
      listeners: ['Both.first (RootTestModule)'],
    },
    {
      group: groups[1],
      state: 'running',
      concurrency: 3,
      active: 0,
      subscriptions: [`${topics[1]}:a || b`],
      listeners: ['Both.second (RootTestModule)'],
    },
  ]);
  listeners.setConcurrency(groups[1], 9);
  listeners.pause(groups[1]);
  expect(listeners.list()[1]).toMatchObject({ state: 'paused', concurrency: 9 });
  listeners.resume(groups[1]);
  expect(states(listeners)).toEqual(['running', 'running']);
});

test('one group stops and starts again while the other one goes on; what was sent meanwhile is consumed then', async () => {
  const { app, listeners, topics, groups, sent } = await two();
  await sent(0);
  await listeners.stop(groups[0]);
  expect(states(listeners)).toEqual(['stopped', 'running']);
  await sent(1);
  const late = consumed(app.module, { topic: topics[0] }, { timeout });
  await listeners.start(groups[0]);
  expect(states(listeners)).toEqual(['running', 'running']);
  await app.elapse(late, '120s');
});

test('with autoStart false, groups start one by one, and then all', async () => {
  const { listeners, groups, sent } = await two({ autoStart: false });
  expect(states(listeners)).toEqual(['stopped', 'stopped']);
  await listeners.start(groups[0]);
  expect(states(listeners)).toEqual(['running', 'stopped']);
  await sent(0);
  await Promise.all([listeners.start(), listeners.start(groups[1])]);
  expect(states(listeners)).toEqual(['running', 'running']);
  await sent(1);
});

test('a group that is stopped while it starts does not listen', async () => {
  const { listeners, groups } = await two();
  await listeners.stop(groups[0]);
  const starting = listeners.start(groups[0]);
  await listeners.stop(groups[0]);
  await starting;
  expect(states(listeners)).toEqual(['stopped', 'running']);
});

test('a group that the app does not have is refused with the names of those that it has', async () => {
  const { listeners, groups } = await two();
  for (const act of [() => listeners.start('other'), () => listeners.stop('other')]) {
    await expect(act()).rejects.toThrow(InvalidOptionError);
    await expect(act()).rejects.toThrow(`a consumer group of this app: ${groups[0]}, ${groups[1]}`);
  }
});

describe('events', () => {
  /** An app whose listener does what its message says, and its events. */
  async function watched(): Promise<{ app: TestApp; topic: string; consumerGroup: string; events: ListenerEvent[] }> {
    const topic = unique('watched');
    const consumerGroup = unique('group');
    const outcomes: Record<string, () => unknown> = {
      fine: () => 'answer',
      later: () => Outcome.retryLater('10m'),
      dead: () => Outcome.toDeadLetter('no such order'),
      broken: () => {
        throw new TypeError('broken');
      },
    };
    class Watched {
      @RocketMQMessageListener({ topic, consumerGroup, retry: { maxReconsumeTimes: 0 } })
      take(what: string): unknown {
        return outcomes[what]?.();
      }
    }
    const app = await startApp({ providers: [Watched] }, { topics: [{ name: topic, queues: 1 }] });
    const events: ListenerEvent[] = [];
    app.module.get(RocketMQListeners).events.subscribe((event) => events.push(event));
    return { app, topic, consumerGroup, events };
  }

  const summary = (event: ListenerEvent): unknown => {
    if (event.type === 'failed') return [event.type, event.error];
    if (event.type === 'dead-lettered') return [event.type, event.reason];
    if (event.type === 'replied') return [event.type, event.outcome];
    return [event.type];
  };

  test.each<[string, unknown[]]>([
    [
      'dead',
      [
        ['failed', expect.objectContaining({ kind: 'deadLetter' })],
        ['dead-lettered', 'no such order'],
      ],
    ],
    [
      'broken',
      [
        ['failed', new TypeError('broken')],
        ['dead-lettered', 'TypeError: broken'],
      ],
    ],
  ])('of a message that is %s', async (what, expected) => {
    const { app, topic, consumerGroup, events } = await watched();
    const failure = failed(app.module, { topic }, { timeout });
    await app.template.send(topic, what);
    await app.elapse(failure, '120s');
    await Promise.resolve();
    expect(events.map(summary)).toEqual(expected);
    expect(events[0]).toMatchObject({
      group: consumerGroup,
      listener: 'Watched.take (RootTestModule)',
      context: { topic },
    });
  });

  test('of a request that is answered, and of the group', async () => {
    const { app, topic, consumerGroup, events } = await watched();
    const done = consumed(app.module, { topic }, { timeout });
    await app.elapse(Promise.all([app.template.request(topic, 'fine', { timeout }), done]), '60s');
    // The answer may be here before its listener hears that it was sent.
    await app.until(() => events.length === 2);
    const listeners = app.module.get(RocketMQListeners);
    listeners.pause();
    listeners.resume();
    await listeners.stop(consumerGroup);
    await listeners.start(consumerGroup);
    const types = events.map(({ type }) => type);
    expect(types.slice(0, 2).sort()).toEqual(['consumed', 'replied']);
    expect(types.slice(2)).toEqual(['paused', 'resumed', 'stopped', 'started']);
  });

  test('of a message that is tried again, with the time until then', async () => {
    const topic = unique('retried');
    class Retried {
      @RocketMQMessageListener({ topic })
      take(): Outcome {
        return Outcome.retryLater('10m');
      }
    }
    const app = await startApp({ providers: [Retried] });
    const events: ListenerEvent[] = [];
    app.module.get(RocketMQListeners).events.subscribe((event) => events.push(event));
    const failure = failed(app.module, { topic }, { timeout });
    await app.template.send(topic, 1);
    await app.elapse(failure, '60s');
    await Promise.resolve();
    expect(events).toEqual([
      expect.objectContaining({ type: 'failed', error: expect.objectContaining({ kind: 'retry' }) }),
      expect.objectContaining({ type: 'retried', delay: 600_000, level: undefined }),
    ]);
  });
});

test('a broadcasting group keeps its offsets in localOffsetStoreDir, and where it cannot, the app does not start', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'broadcasts-'));
  const topic = unique('news');
  class News {
    @RocketMQMessageListener({ topic, messageModel: 'BROADCASTING' })
    take(): void {}
  }
  const startOn = (localOffsetStoreDir: string): Promise<TestApp> =>
    startApp({ providers: [News] }, { consumer: { localOffsetStoreDir } });
  const app = await startOn(folder);
  const took = consumed(app.module, { topic }, { timeout });
  await app.template.send(topic, 1);
  await app.elapse(took, '30s');
  await app.close();
  const [file] = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('offsets.json'),
  );
  expect(readFileSync(join(folder, file!), 'utf8')).toContain(topic);
  await expect(startOn(join(folder, file!))).rejects.toMatchObject({ code: 'LOCAL_OFFSET_STORE' });
  await closeApps();
  rmSync(folder, { recursive: true });
});
