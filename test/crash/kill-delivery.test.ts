// Kills the stand-alone broker while it delivers delayed messages: each arrives, and none arrives twice. KILL_ROUNDS sets
// the number of kills, KILL_SEED repeats a run. Needs the build.
import { join } from 'node:path';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { encodeProperties } from '@nest-rocketmq/remoting/internal';
import type { Connection } from '@nest-rocketmq/remoting/internal';
import { cleanUp } from '../interop/harness/clean-up.js';
import { temporaryFolder } from '../interop/harness/temporary.js';
import { BrokerProcess } from './broker-process.js';
import { pull, readBack, sendOne } from './load.js';
import { Random } from './random.js';

const rounds = Math.ceil(Number(process.env['KILL_ROUNDS'] ?? 1) / 3);
const seed = Number(process.env['KILL_SEED'] ?? Date.now() % 1_000_000);
const AT_ONCE = 30;
const WAVES = 2;
const TOPIC = 'due';
const FIRST_LEVEL = encodeProperties([['DELAY', '1']]);
const OWN_TIME = encodeProperties([['TIMER_DELAY_MS', '300']]);

jest.setTimeout(300_000 + rounds * 60_000);
afterEach(cleanUp);

const sendDelayed = (connection: Connection, body: string, properties: string): Promise<number> =>
  sendOne(connection, body, { topic: TOPIC, properties });

/** Resolves when so many have come. */
async function untilDelivered(connection: Connection, count: number): Promise<void> {
  let offset = 0;
  while (offset < count) {
    const { nextBeginOffset = 0, maxOffset = 0 } = (await pull(connection, { topic: TOPIC, offset, suspend: 500 }))
      .header;
    offset = Math.max(offset, Math.min(nextBeginOffset, maxOffset));
  }
}

describe(`kill -9 of a broker that delivers delayed messages, ${rounds} times, seed ${seed}`, () => {
  it.each([
    ['a level', FIRST_LEVEL],
    ['a time of their own', OWN_TIME],
  ])('with %s loses none, and delivers none twice', async (_what, properties) => {
    const random = new Random(seed);
    for (let round = 0; round < rounds; round++) {
      const store = join(temporaryFolder('kill-delivery'), 'store');
      const first = await BrokerProcess.start({ store });
      const sender = await first.connect();
      const bodies: string[] = [];
      for (let wave = 0; wave < WAVES; wave++) {
        const more = Array.from({ length: AT_ONCE }, (_, i) => `${wave}:${i}`);
        await Promise.all(more.map((body) => sendDelayed(sender, body, properties)));
        bodies.push(...more);
        await untilDelivered(sender, random.integer(bodies.length - 2 * AT_ONCE, bodies.length - AT_ONCE));
      }
      await untilDelivered(sender, random.integer(bodies.length - AT_ONCE, bodies.length));
      await first.kill();
      const again = await BrokerProcess.start({ store });
      const reader = await again.connect();
      // What is sent last falls due last.
      await sendDelayed(reader, 'last', properties);
      bodies.push('last');
      await untilDelivered(reader, bodies.length);
      expect({ round, read: (await readBack(reader, TOPIC)).sort() }).toEqual({ round, read: bodies.sort() });
      await again.stop();
    }
  });
});
