import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { FakeCluster } from '../../../test-kit/fake-cluster.js';
import { bodiesOf, filled, on, pulling, take } from '../../../test-kit/pulling.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lite-pull-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** One life of a broadcasting consumer, in which it consumes `count` messages. */
async function life(cluster: FakeCluster, count: number): Promise<string[]> {
  const consumer = await pulling(cluster, { messageModel: 'BROADCASTING', localOffsetStoreDir: folder });
  const got = bodiesOf(await take(consumer, count));
  await consumer.poll({ timeout: 0, max: 1 });
  await consumer.shutdown();
  await on.client.shutdown();
  return got;
}

describe('a broadcasting consumer that pulls', () => {
  it('T131 continues on this machine where it was', async () => {
    const cluster = filled(1, 3);
    expect(await life(cluster, 2)).toEqual(['0-0', '0-1']);
    expect(await life(cluster, 1)).toEqual(['0-2']);
  });

  it('begins by consumeFromWhere on a broker that was set up anew', async () => {
    const first = filled(1, 2);
    expect(await life(first, 2)).toEqual(['0-0', '0-1']);
    await first.close();
    const second = filled(1, 0);
    await second.clock.advance(1_000);
    for (let i = 0; i < 3; i++) second.broker.put('t', 0, `new-${i}`);
    expect(await life(second, 3)).toEqual(['new-0', 'new-1', 'new-2']);
    expect(on.log).toContainEqual(expect.stringMatching(/was made on another store/));
  });
});
