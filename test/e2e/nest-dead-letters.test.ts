// Tests the dead letters of a group: listed, shown, replayed, and a replay undone.
import { afterEach, expect, test } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Outcome, RocketMQAdmin, RocketMQListeners, RocketMQMessageListener } from 'nest-rocketmq';
import type { DeadLetter, GroupDeadLetters, RocketMQContext } from 'nest-rocketmq';
import { consumed, failed } from 'nest-rocketmq/testing';
import { PATIENCE_MS, closeApps, startApp, unique } from './nest-harness.js';
import type { TestApp } from './nest-harness.js';

const timeout = PATIENCE_MS;

afterEach(closeApps);

interface Dead {
  readonly app: TestApp;
  readonly topic: string;
  readonly group: string;
  readonly letters: GroupDeadLetters;
  /** What the listener got after `mend`. */
  readonly seen: RocketMQContext[];
  /** From now on the listener consumes. */
  mend(): void;
}

/** A group that has given up three orders, and another group of the topic that has consumed them. */
async function dead(): Promise<Dead> {
  const topic = unique('orders');
  const group = unique('group');
  const seen: RocketMQContext[] = [];
  let broken = true;

  @Injectable()
  class Orders {
    @RocketMQMessageListener({ topic, consumerGroup: group })
    handle({ id }: { id: string }, context: RocketMQContext): unknown {
      if (broken) return Outcome.toDeadLetter(`no customer of ${id}`);
      seen.push(context);
      return undefined;
    }

    @RocketMQMessageListener({ topic, consumerGroup: unique('other') })
    other(_order: unknown, context: RocketMQContext): void {
      expect(context.properties.has('DLQ_REPLAY_ID')).toBe(false);
    }
  }

  const app = await startApp({ providers: [Orders] }, { topics: [{ name: topic, queues: 1 }] });
  const failures = failed(app.module, { topic, group }, { times: 3, timeout });
  for (const id of ['o1', 'o2', 'o3']) {
    await app.template.send({ topic, tag: 'paid' }, { id }, { keys: [id], properties: { colour: 'red' } });
  }
  await app.elapse(failures, '60s');
  const letters = app.module.get(RocketMQAdmin).deadLetters(group);
  await app.until(async () => (await all(letters)).length === 3);
  return { app, topic, group, letters, seen, mend: () => void (broken = false) };
}

async function all(letters: GroupDeadLetters): Promise<DeadLetter[]> {
  const found: DeadLetter[] = [];
  for await (const letter of letters) found.push(letter);
  return byKey(found);
}

/** On a cluster they may come to the dead letters in another order than they were sent in. */
const byKey = (letters: readonly DeadLetter[]): DeadLetter[] =>
  letters.toSorted((a, b) => a.keys.join().localeCompare(b.keys.join()));

test('are listed page by page, and shown with all that is known of them', async () => {
  const { letters, topic, app } = await dead();
  const pages: DeadLetter[] = [];
  for await (const letter of letters.list({ pageSize: 2 })) pages.push(letter);
  const listed = byKey(pages);
  expect(listed.map(({ payload }) => payload)).toEqual([{ id: 'o1' }, { id: 'o2' }, { id: 'o3' }]);
  expect(listed[0]).toMatchObject({
    topic,
    tags: 'paid',
    keys: ['o1'],
    reason: 'no customer of o1',
    deliveries: 1,
    replayId: undefined,
  });
  expect(listed[0]!.deadSince).toBeGreaterThanOrEqual(listed[0]!.bornTimestamp - 1_000);
  expect(await letters.get(listed[1]!.id)).toMatchObject({ payload: { id: 'o2' }, reason: 'no customer of o2' });
  expect(await all(app.module.get(RocketMQAdmin).deadLetters(unique('nobody')))).toEqual([]);
  const later: DeadLetter[] = [];
  for await (const letter of letters.list({ since: app.now() + 60_000 })) later.push(letter);
  expect(later).toEqual([]);
});

test('are replayed to their group alone: one, several, or those that a function accepts', async () => {
  const { app, topic, group, letters, seen, mend } = await dead();
  mend();
  const [first, second] = (await all(letters)) as [DeadLetter, DeadLetter];
  const arrivals = consumed(app.module, { topic, group }, { times: 4, timeout });
  const one = await letters.replay(first.id);
  const several = await letters.replay([second, first]);
  const some = await letters.replay(({ payload }) => (payload as { id: string }).id === 'o3');
  expect([one.count, several.count, some.count]).toEqual([1, 2, 1]);
  await app.elapse(arrivals, '60s');
  expect(seen.map(({ keys }) => keys.join()).sort()).toEqual(['o1', 'o1', 'o2', 'o3']);
  const last = seen.find(({ keys }) => keys[0] === 'o3');
  expect(last).toMatchObject({ topic, tags: 'paid', reconsumeTimes: 0 });
  expect(last!.properties.get('DLQ_REPLAY_ID')).toBe(some.id);
  expect(last!.properties.get('colour')).toBe('red');
  expect(last!.properties.has('DLQ_REASON')).toBe(false);
  // They stay where they are.
  expect(await all(letters)).toHaveLength(3);
});

test('that fail again are dead letters again, and tell by which replay', async () => {
  const { app, topic, group, letters } = await dead();
  const [first] = (await all(letters)) as [DeadLetter];
  const failure = failed(app.module, { topic, group }, { timeout });
  const { id } = await letters.replay(first);
  await app.elapse(failure, '60s');
  await app.until(async () => (await all(letters)).length === 4);
  const replayed = (await all(letters)).filter(({ replayId }) => replayId !== undefined);
  expect(replayed.map(({ replayId, keys }) => [replayId, keys])).toEqual([[id, first.keys]]);
});

test('whose replay is undone are skipped, unless they are consumed already', async () => {
  const { app, topic, group, letters, seen, mend } = await dead();
  mend();
  const [first, second] = (await all(letters)) as [DeadLetter, DeadLetter];
  const listeners = app.module.get(RocketMQListeners);
  listeners.pause(group);
  const undone = await letters.replay(first);
  const kept = await letters.replay(second);
  await letters.skip(undone.id);
  const arrival = consumed(app.module, { topic, group }, { timeout });
  listeners.resume(group);
  await app.elapse(arrival, '60s');
  expect(seen.map(({ properties }) => properties.get('DLQ_REPLAY_ID'))).toEqual([kept.id]);
});
