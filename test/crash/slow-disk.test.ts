// Tests a broker each of whose flushes takes 400 ms longer, by strace, while producers keep many sends in flight and another
// client wants quick answers. CRASH_LONG=1 has more of them. Needs the build and strace.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Requests } from '@nest-rocketmq/remoting/internal';
import type { Connection } from '@nest-rocketmq/remoting/internal';
import { cleanUp } from '../interop/harness/clean-up.js';
import { temporaryFolder } from '../interop/harness/temporary.js';
import { BrokerProcess } from './broker-process.js';
import { Load, NONE, pull, readBack, sendOne } from './load.js';
import { isLong, withStrace } from './tools.js';

const DELAY_MS = 400;
const DEPTH = 128;
/** Flushes that a test sees. Without anybody who waits one comes every 500 ms. */
const FEWEST = 4;
/** Flushes during which a busy machine may delay each answer by itself. A broker that waits for its disk answers during none. */
const HICCUPS = FEWEST / 2;
/** One has to be without more of them: other processes may take the processors from some. */
const ROUNDS = 10;

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
    return [
      '--seccomp-bpf',
      '-y',
      '-ttt',
      '-o',
      this.#trace,
      '-e',
      `trace=${names}`,
      '-e',
      'signal=none',
      '-e',
      inject,
    ];
  }

  /** When each flush of a file whose path matches has begun, ms since the epoch. */
  flushes(path: RegExp): number[] {
    const lines = readFileSync(this.#trace, 'utf8').split('\n');
    return lines.flatMap((line) => {
      const [, seconds] = /(\d+\.\d+) f(?:data)?sync\(/.exec(line) ?? [];
      return seconds !== undefined && path.test(line) ? [Number(seconds) * 1_000] : [];
    });
  }
}

interface Answer {
  /** ms since the epoch */
  readonly asked: number;
  readonly answered: number;
}

const now = (): number => performance.timeOrigin + performance.now();

/** Asks one question after the other for as long as told. */
async function ask(connection: Connection, going: () => boolean): Promise<Answer[]> {
  const answers: Answer[] = [];
  while (going()) {
    const asked = now();
    expect((await connection.request(Requests.GET_BROKER_RUNTIME_INFO, {})).code).toBe(0);
    answers.push({ asked, answered: now() });
  }
  return answers;
}

/** During how many of a few flushes nothing was answered that was asked meanwhile. */
async function silentFlushes(connection: Connection, flushes: () => number[], each = (): void => {}): Promise<number> {
  let silent = FEWEST;
  for (let round = 0; round < ROUNDS && silent > HICCUPS; round++) {
    const before = flushes().length;
    // One more, so that the others are over.
    const answers = await ask(connection, () => (each(), flushes().length <= before + FEWEST));
    const isSilent = (begun: number): boolean =>
      !answers.some(({ asked, answered }) => asked > begun && answered < begun + DELAY_MS);
    silent = flushes()
      .slice(before, before + FEWEST)
      .filter(isSilent).length;
  }
  return silent;
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
      const flushes = (): number[] => disk.flushes(/commitlog/);
      const silent = await silentFlushes(await broker.connect(), flushes);
      const perFlush = load.acknowledged.size / flushes().length;
      await broker.kill();
      await sending;
      expect(silent).toBeLessThanOrEqual(HICCUPS);
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
    const flushes = (): number[] => disk.flushes(/consumerOffset/);
    const silent = await silentFlushes(connection, flushes, () => {
      const place = { consumerGroup: 'crash-readers', topic: 'crash', queueId: 0, commitOffset: ++commitOffset };
      void connection.request(Requests.UPDATE_CONSUMER_OFFSET, place).catch(() => undefined);
    });
    expect(silent).toBeLessThanOrEqual(HICCUPS);
    await broker.kill();
  });
});
