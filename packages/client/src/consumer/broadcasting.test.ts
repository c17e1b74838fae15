import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { silentLogger } from '@nest-rocketmq/remoting/internal';
import { aConsumer, bodies, consuming, on } from '../../test-kit/consuming.js';
import { FakeCluster } from '../../test-kit/fake-cluster.js';

let folder: string;
const log: string[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'broadcasting-'));
  log.length = 0;
});
afterEach(() => rm(folder, { recursive: true }));

/** One life of a broadcasting consumer, which ends when it has got `count` messages. */
async function life(cluster: FakeCluster, count: number): Promise<string[]> {
  const consumer = await consuming(
    cluster,
    {
      messageModel: 'BROADCASTING',
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      localOffsetStoreDir: folder,
    },
    { ...silentLogger, warn: (line: string) => void log.push(line) },
  );
  while (on.got.length < count) await cluster.clock.advance(0);
  await cluster.clock.advance(0);
  await consumer.shutdown();
  await on.client.shutdown();
  return bodies();
}

/** A cluster whose store has these messages, put there at its own time. */
async function storeWith(messages: readonly string[], made = 0): Promise<FakeCluster> {
  const cluster = new FakeCluster({ topics: { t: 1 } });
  await cluster.clock.advance(made);
  for (const body of messages) cluster.broker.put('t', 0, body);
  return cluster;
}

it('a broadcasting consumer that cannot keep its offsets does not start, and starts once it can', async () => {
  const home = join(folder, 'home');
  await writeFile(home, 'no folder');
  const cluster = await storeWith(['a']);
  const consumer = aConsumer(cluster, { messageModel: 'BROADCASTING', localOffsetStoreDir: home });
  await expect(consumer.start()).rejects.toMatchObject({
    code: 'LOCAL_OFFSET_STORE',
    message: expect.stringMatching(/group stock cannot be kept in .*home: (Error: )?(ENOTDIR|EEXIST)/),
  });
  expect(cluster.broker.heartbeats).toEqual([]);
  await rm(home);
  await consumer.start();
  expect(cluster.broker.heartbeats).toHaveLength(1);
});

describe("a broadcasting consumer's second life", () => {
  it('continues on the same store', async () => {
    const cluster = await storeWith(['a', 'b']);
    expect(await life(cluster, 2)).toEqual(['a', 'b']);
    cluster.broker.put('t', 0, 'c');
    expect(await life(cluster, 1)).toEqual(['c']);
    expect(log).toEqual([]);
  });

  it.each([
    ['as many messages', ['x', 'y'], 1_000],
    ['more messages', ['x', 'y', 'z'], 1_000],
    ['fewer messages', ['x'], 1_000],
    ['messages of other sizes', ['x'.repeat(50), 'y'], 0],
    ['messages just as large, a millisecond later', ['x', 'y'], 1],
  ])('begins by consumeFromWhere on another store with %s', async (_what, messages, made) => {
    const first = await storeWith(['a', 'b']);
    await life(first, 2);
    await first.close();
    expect(await life(await storeWith(messages, made), messages.length)).toEqual(messages);
    expect(log).toEqual([expect.stringMatching(/offset 2 of t@broker-a@0 was made on another store/)]);
  });

  it('begins by consumeFromWhere where its offset lies behind the end, though no message of it is known', async () => {
    const first = await storeWith(['a', 'b']);
    await life(first, 2);
    await first.close();
    const path = (await readdir(folder, { recursive: true })).find((name) => name.endsWith('offsets.json'))!;
    const kept = await readFile(join(folder, path), 'utf8');
    expect(kept).toContain('consumedMessages');
    await writeFile(join(folder, path), kept.replace(/,"consumedMessages":.*$/, '}'));
    expect(await life(await storeWith(['x']), 1)).toEqual(['x']);
  });

  it('continues where the broker has deleted what was consumed', async () => {
    const cluster = await storeWith(['a', 'b']);
    await life(cluster, 2);
    cluster.broker.put('t', 0, 'c');
    cluster.broker.minOffset = 2;
    cluster.broker.next('VIEW_MESSAGE_BY_ID', () => ({ code: 1 }));
    expect(await life(cluster, 1)).toEqual(['c']);
  });
});

describe('a broadcasting consumer whose broker goes and comes back while it runs', () => {
  async function after(change: (fake: FakeCluster) => void): Promise<{ got: string[]; asked: number }> {
    const fake = await storeWith(['a', 'b']);
    const options = { messageModel: 'BROADCASTING', consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' } as const;
    const logger = { ...silentLogger, warn: (line: string) => void log.push(line) };
    await consuming(fake, { ...options, localOffsetStoreDir: 'memory' }, logger);
    await fake.until('both', () => on.got.length === 2);
    fake.takeDown(fake.broker.address);
    await fake.clock.advance(5_000);
    change(fake);
    fake.bringUp(fake.broker.address);
    await fake.clock.advance(5_000);
    return { got: bodies(), asked: fake.broker.requests('VIEW_MESSAGE_BY_ID').length };
  }

  it('goes on where the broker has its store still', async () => {
    const { got, asked } = await after((fake) => void fake.broker.put('t', 0, 'c'));
    expect({ got, asked }).toEqual({ got: ['a', 'b', 'c'], asked: 1 });
  });

  it('begins by consumeFromWhere where another store answers under its name', async () => {
    const { got } = await after((fake) => {
      fake.broker.queue('t', 0).length = 0;
      for (const body of ['x', 'y', 'z']) fake.broker.put('t', 0, body);
    });
    expect(got).toEqual(['a', 'b', 'x', 'y', 'z']);
    expect(log.join()).toMatch(/offset 2 of t@broker-a@0 was made on another store than broker broker-a has now/);
  });
});
