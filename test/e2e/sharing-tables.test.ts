// Runs the rows of Apache's own test suite on broadcasting and on groups that change on our broker, by a clock that is turned
// by hand; test/interop/sharing has the same on Apache's.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { declareBalanceTests, declareBroadcastTests } from '../tables/sharing.js';
import { Reader } from '../tables/reader.js';
import { virtualStage } from '../tables/stage.js';
import type { Stage } from '../tables/stage.js';

/** The third of the stage's delay levels. */
const FIRST_RETRY_MS = 3_000;

describe('on our broker', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await virtualStage();
  });
  afterAll(() => stage.end());
  test('a new group has its first message at once, and its first retry when that is due', async () => {
    const topic = 'first';
    const client = await stage.newClient();
    await client.admin.createTopic({ topic, queues: 1 });
    const producer = client.createProducer({ group: 'first_producer' });
    await producer.start();
    await producer.send({ topic, body: 'a' });
    const at: number[] = [];
    const began = stage.now();
    await Reader.start(stage, {
      group: 'first_group',
      topic,
      consumeMode: 'CONCURRENTLY',
      listener: () => {
        at.push(stage.now());
        if (at.length === 1) throw new Error('later');
      },
    });
    await stage.until('a retry', () => at.length === 2);
    expect(at[0]! - began).toBeLessThan(50);
    expect(at[1]! - at[0]!).toBeGreaterThanOrEqual(FIRST_RETRY_MS);
    expect(at[1]! - at[0]!).toBeLessThan(FIRST_RETRY_MS + 100);
  });

  declareBroadcastTests(() => stage);
  declareBalanceTests(() => stage);
});
