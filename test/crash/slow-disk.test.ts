// Tests a broker each of whose flushes takes 400 ms longer, by strace, while producers keep many sends in flight and another
// client wants quick answers. CRASH_LONG=1 has more of them. Needs the build and strace.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Requests } from '@nest-rocketmq/remoting/internal';
import type { Connection } from '@nest-rocketmq/remoting/internal';
import { cleanUp } from '../interop/harness/clean-up.js';
import { temporaryFolder } from '../interop/harness/temporary.js';
import { BrokerProcess } from './broker-process.js';
import { Load, NONE, pull, readBack, sendOne } from './load.js';
import { isLong, withStrace } from './tools.js';

const DELAY_MS = 400;
const LONGEST_ANSWER_MS = 350;
const DEPTH = 128;
/** Flushes that a test sees. Without anybody who waits one comes every 500 ms. */
const FEWEST = 4;
/** Answers that a busy machine may delay by itself. A broker that waited for its disk would delay one at each flush. */
const HICCUPS = FEWEST / 2;
/** Times that so many flushes are looked at, of which one has to be quiet: a busy machine may delay more than that. */
const ROUNDS = 10;

jest.setTimeout(240_000);
afterEach(cleanUp);
const strace = withStrace();

class SlowDisk {
  readonly #trace = join(temporaryFolder('slow-trace'), 'trace');

  constructor(readonly calls: string[]) {
    writeFileSync(this.#trace, '');
  }

  /** Only the calls in question stop the broker, or the tracing itself would slow it down. */
  get strace(): string[] {
    const names = this.calls.join(',');
    const inject = `inject=${names}:delay_enter=${DELAY_MS * 1_000}`;
    return ['--seccomp-bpf', '-y', '-o', this.#trace, '-e', `trace=${names}`, '-e', 'signal=none', '-e', inject];
  }

  /** How many flushes of files whose path matches have begun by now. */
  flushes(path: RegExp): number {
    const lines = readFileSync(this.#trace, 'utf8').split('\n');
    return lines.filter((line) => /\bf(data)?sync\(/.test(line) && path.test(line)).length;
  }
}

/** Asks until there were so many flushes, and again if answers were slow meanwhile. @returns ms of the slowest but a few */
async function slowestAnswer(
  connection: Connection,
  flushed: () => number,
  more = (): void => undefined,
): Promise<number> {
  let slowest = Infinity;
  for (let round = 0; round < ROUNDS && slowest >= LONGEST_ANSWER_MS; round++) {
    const before = flushed();
    const took = await ask(connection, () => {
      more();
      return flushed() - before < FEWEST;
    });
    slowest = Math.min(slowest, took[HICCUPS] ?? Infinity);
  }
  return slowest;
}

/** Asks one question after the other for as long as told; how long each answer took, the longest first. */
async function ask(connection: Connection, going: () => boolean): Promise<number[]> {
  const took: number[] = [];
  while (going()) {
    const start = performance.now();
    expect((await connection.request(Requests.GET_BROKER_RUNTIME_INFO, {})).code).toBe(0);
    took.push(Math.round(performance.now() - start));
  }
  return took.sort((a, b) => b - a);
}

describe(`a broker whose disk takes ${DELAY_MS} ms for each flush${strace.note}`, () => {
  strace.it.each((['sync', 'async'] as const).slice(0, isLong ? 2 : 1))(
    'answers other requests at once, flushes for many sends at a time, and loses nothing when killed (%s)',
    async (flush) => {
      const store = join(temporaryFolder('slow'), 'store');
      const disk = new SlowDisk(['fdatasync']);
      const broker = await BrokerProcess.start({ store, flush, strace: disk.strace });
      const load = new Load();
      const sending = load.send({ connection: await broker.connect(), depth: DEPTH });
      const flushed = (): number => disk.flushes(/commitlog/);
      const slowest = await slowestAnswer(await broker.connect(), flushed);
      const perFlush = load.acknowledged.size / flushed();
      await broker.kill();
      await sending;
      expect(slowest).toBeLessThan(LONGEST_ANSWER_MS);
      expect(perFlush).toBeGreaterThan(DEPTH / 4);
      const again = await BrokerProcess.start({ store, flush });
      expect(load.compare(await readBack(await again.connect()))).toEqual(NONE);
      await again.kill();
    },
  );

  (isLong ? strace.it : it.skip)('answers other requests at once while it saves the offsets of consumers', async () => {
    const folder = temporaryFolder('slow-offsets');
    const conf = join(folder, 'broker.conf');
    writeFileSync(conf, 'flushConsumerOffsetInterval=100\n');
    const disk = new SlowDisk(['fdatasync', 'fsync']);
    const broker = await BrokerProcess.start({ store: join(folder, 'store'), conf, strace: disk.strace });
    const connection = await broker.connect();
    await sendOne(connection, 'first');
    // Its first pull makes the group.
    await pull(connection, { offset: 0 });
    let commitOffset = 0;
    const commit = (): void => {
      const place = { consumerGroup: 'crash-readers', topic: 'crash', queueId: 0, commitOffset: ++commitOffset };
      void connection.request(Requests.UPDATE_CONSUMER_OFFSET, place).catch(() => undefined);
    };
    expect(await slowestAnswer(connection, () => disk.flushes(/consumerOffset/), commit)).toBeLessThan(
      LONGEST_ANSWER_MS,
    );
    await broker.kill();
  });
});
