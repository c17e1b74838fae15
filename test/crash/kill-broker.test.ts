// Kills or stops the stand-alone broker while producers keep hundreds of sends in flight. KILL_ROUNDS sets the number of
// kills, KILL_SEED repeats a run. Needs the build.
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Connection, dialTcp, handlerTable, silentLogger, systemClock } from '@nest-rocketmq/remoting/internal';
import { cleanUp } from '../interop/harness/clean-up.js';
import { temporaryFolder } from '../interop/harness/temporary.js';
import { BrokerProcess, startCommand } from './broker-process.js';
import { Load, NONE, QUEUES, TOPIC, readBack, sendOne } from './load.js';
import { Random } from './random.js';

const rounds = Number(process.env['KILL_ROUNDS'] ?? 1);
const seed = Number(process.env['KILL_SEED'] ?? Date.now() % 1_000_000);
const PRODUCERS = 2;
const DEPTH = 128;
/** Acknowledged messages before the end of a round. */
const FEWEST = 50;
const MOST = 1_500;

jest.setTimeout(300_000 + rounds * 60_000);
afterEach(cleanUp);

/** Resolves when nothing is in flight any more. */
async function send(broker: BrokerProcess, load: Load): Promise<void> {
  const connections = await Promise.all(Array.from({ length: PRODUCERS }, () => broker.connect()));
  await Promise.all(connections.map((connection) => load.send({ connection, depth: DEPTH })));
}

describe(`kill -9 of the broker under load, ${rounds} times, seed ${seed}`, () => {
  it.each(['async', 'sync'] as const)(
    'loses, duplicates, alters and invents nothing with --flush %s',
    async (flush) => {
      const random = new Random(seed);
      const store = join(temporaryFolder('kill'), 'store');
      const load = new Load();
      for (let round = 0; round < rounds; round++) {
        const broker = await BrokerProcess.start({ store, flush });
        const sending = send(broker, load);
        await load.untilAcknowledged(load.acknowledged.size + random.integer(FEWEST, MOST));
        await broker.kill();
        await sending;
        const again = await BrokerProcess.start({ store, flush });
        expect({ round, ...load.compare(await readBack(await again.connect())) }).toEqual({ round, ...NONE });
        // Sometimes the next kill follows a crash, sometimes a clean stop.
        await (random.chance(0.5) ? again.kill() : again.stop());
      }
      expect(load.refused.size).toBe(0);
    },
  );
});

describe('a broker that gets SIGTERM', () => {
  it('under load, and told twice, stores what it acknowledges and ends cleanly', async () => {
    const store = join(temporaryFolder('term'), 'store');
    const broker = await BrokerProcess.start({ store });
    const load = new Load();
    const sending = send(broker, load);
    await load.untilAcknowledged(500);
    broker.signal('SIGTERM');
    broker.signal('SIGTERM');
    expect(await broker.child.exited).toEqual({ code: 0, signal: null });
    await sending;
    expect(existsSync(join(store, 'abort'))).toBe(false);
    const again = await BrokerProcess.start({ store });
    expect(load.compare(await readBack(await again.connect()))).toEqual(NONE);
    await again.stop();
  });

  it('while it opens its store loses nothing', async () => {
    const store = join(temporaryFolder('term-early'), 'store');
    const broker = await BrokerProcess.start({ store });
    const load = new Load();
    const sending = send(broker, load);
    await load.untilAcknowledged(500);
    await broker.kill();
    await sending;
    const early = startCommand({ store });
    process.kill(early.pid, 'SIGTERM');
    await early.exited;
    const again = await BrokerProcess.start({ store });
    expect(load.compare(await readBack(await again.connect()))).toEqual(NONE);
    await again.stop();
  });
});

/** Files and sockets that a process has open; 0 where the system does not tell. */
const openFiles = (pid: number): number => (existsSync('/proc') ? readdirSync(`/proc/${pid}/fd`).length : 0);

/** More files than the broker opens for itself meanwhile, and far fewer than the crowd has. */
const OWN_FILES = 20;

describe('a broker that may open few files', () => {
  it('outlives more connections than those, and takes messages when they are gone', async () => {
    const broker = await BrokerProcess.start({ store: join(temporaryFolder('few'), 'store'), descriptors: 192 });
    const first = await broker.connect();
    await sendOne(first, 'before');
    const openBefore = openFiles(broker.child.pid);
    const crowd = await Promise.all(Array.from({ length: 400 }, () => dialTcp(broker.address)));
    // Those for which there is no file left are closed by the broker.
    for (const socket of crowd) socket.on('error', () => undefined);
    // Its queue is new, and needs a file.
    expect(await sendOne(first, 'in between', { topic: TOPIC, queueId: QUEUES - 1 })).toBe(0);
    await broker.child.line(/no file can be opened: this process has as many/, 60_000);
    await Promise.all(crowd.map(async (socket) => socket.closed || once(socket.destroy(), 'close')));
    // They are gone when the broker has let go of them, too.
    while (openFiles(broker.child.pid) > openBefore + OWN_FILES) await setImmediate();
    const options = { address: broker.address, handlers: handlerTable(), clock: systemClock, logger: silentLogger };
    const late = new Connection(await dialTcp(broker.address), options);
    for (let queueId = 0; queueId < QUEUES; queueId++)
      expect(await sendOne(late, 'after', { topic: TOPIC, queueId })).toBe(0);
    expect(await readBack(late)).toHaveLength(2 + QUEUES);
    late.close();
    await broker.stop();
  });
});
