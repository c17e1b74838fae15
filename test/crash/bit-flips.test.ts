// Tests a stopped store in which one bit is flipped: in the log, in what is derived from it, in the checkpoint. FLIPS sets
// the number of places tried for each, FLIP_SEED repeats a run.
import { describe, expect, it } from '@jest/globals';
import { silentLogger } from '@nest-rocketmq/remoting/internal';
import type { MemoryFileSystem, MessageStore } from '@nest-rocketmq/broker/internal';
import { readAll } from './simulate.js';
import { Random } from './random.js';
import { QUEUES, ROOT, asKilled, copyOf, filled, flip, messageOf, openStore } from './store-on.js';
import type { Filled } from './store-on.js';

const flips = Number(process.env['FLIPS'] ?? 50);
const seed = Number(process.env['FLIP_SEED'] ?? Date.now() % 1_000_000);
const COUNT = 120;
/** `__CRC32#`, 0x01, ten digits, 0x02. */
const CHECKSUM_BYTES = 20;
const FILE_SIZE = 16_384;
const MINUTES = 60_000;

interface Told {
  store: MessageStore;
  found: Map<string, string>;
  errors: string[];
}

async function opened(files: MemoryFileSystem, more: Parameters<typeof openStore>[1] = {}): Promise<Told> {
  const errors: string[] = [];
  const store = await openStore(files, { logger: { ...silentLogger, error: (text) => errors.push(text) }, ...more });
  return { store, found: await readAll(store), errors };
}

const logFile = (position: number): string =>
  `${ROOT}/commitlog/${String(position - (position % FILE_SIZE)).padStart(20, '0')}`;

function difference(
  { all }: Filled,
  found: Map<string, string>,
): { missing: string[]; altered: string[]; ghosts: string[] } {
  const missing = [...all.keys()].filter((place) => !found.has(place));
  const altered = [...found]
    .filter(([place, body]) => all.has(place) && all.get(place) !== body)
    .map(([place]) => place);
  return { missing, altered, ghosts: [...found.keys()].filter((place) => !all.has(place)) };
}

describe.each(['clean', 'killed'] as const)(`one flipped bit in the log (stop: %s, seed ${seed})`, (stop) => {
  const stopped = (files: MemoryFileSystem): MemoryFileSystem =>
    stop === 'killed' ? asKilled(copyOf(files)) : copyOf(files);

  it(
    `costs that record only, wherever it is, with a checksum over each record: ${flips} places`,
    async () => {
      const random = new Random(seed);
      const more = { enabledAppendPropCRC: true };
      const whole = await filled(COUNT, more);
      for (let i = 0; i < flips; i++) {
        const { from, to, place } = random.pick(whole.records);
        // A record without its checksum is a good one of a store that made none.
        const position = random.integer(from, to - 1 - CHECKSUM_BYTES);
        const files = stopped(whole.files);
        flip(files, logFile(position), position % FILE_SIZE, random.integer(0, 7));
        const { store, found, errors } = await opened(files, more);
        const { corruptRanges, corruptRecords } = store.metrics;
        const where = `byte ${position - from} of ${to - from}`;
        expect({ where, ...difference(whole, found) }).toEqual({ where, missing: [place], altered: [], ghosts: [] });
        expect({
          where,
          counted: corruptRanges + corruptRecords > 0,
          said: errors.join().includes(String(from)),
        }).toEqual({
          where,
          counted: true,
          said: true,
        });
        // Its place is not given to another message.
        expect({ where, place: store.append(messageOf(COUNT)).queueOffset }).toEqual({ where, place: COUNT / QUEUES });
        await store.close();
      }
    },
    5 * MINUTES,
  );

  it(
    `alters no body and costs no other message without such checksums: ${flips} places`,
    async () => {
      const random = new Random(seed + 1);
      const whole = await filled(COUNT);
      for (let i = 0; i < flips; i++) {
        const { from, to, place } = random.pick(whole.records);
        const position = random.integer(from, to - 1);
        const files = stopped(whole.files);
        flip(files, logFile(position), position % FILE_SIZE, random.integer(0, 7));
        const { store, found, errors } = await opened(files);
        const { missing, altered } = difference(whole, found);
        const where = `byte ${position - from} of ${to - from}`;
        // Flags, times and properties have no checksum in Apache's format: such a record is served as it is.
        expect({ where, others: missing.filter((one) => one !== place), altered }).toEqual({
          where,
          others: [],
          altered: [],
        });
        if (missing.length > 0) expect({ where, errors: errors.length }).not.toEqual({ where, errors: 0 });
        // Its place is not given to another message.
        expect({ where, place: store.append(messageOf(COUNT)).queueOffset }).toEqual({ where, place: COUNT / QUEUES });
        await store.close();
      }
    },
    5 * MINUTES,
  );
});

describe(`one flipped bit in what is derived from the log (seed ${seed})`, () => {
  it.each([
    ['consumequeue/T/', 'clean'],
    ['consumequeue/T/', 'killed'],
    ['index/', 'clean'],
    ['index/', 'killed'],
    ['checkpoint', 'clean'],
    ['checkpoint', 'killed'],
  ])(
    `%s (stop: %s) costs no message: ${flips / 4} places`,
    async (name, stop) => {
      const random = new Random(seed + 2);
      const whole = await filled(COUNT);
      const paths = [...whole.files.files.keys()].filter((path) => path.startsWith(`${ROOT}/${name}`));
      for (let i = 0; i < flips / 4; i++) {
        const files = stop === 'killed' ? asKilled(copyOf(whole.files)) : copyOf(whole.files);
        const path = random.pick(paths);
        const size = Math.min(files.statSync(path)?.size ?? 0, name === 'checkpoint' ? 88 : Infinity);
        const position = random.integer(0, size - 1);
        flip(files, path, position, random.integer(0, 7));
        const { store, found } = await opened(files);
        const where = `byte ${position} of ${path}`;
        expect({ where, ...difference(whole, found) }).toEqual({ where, missing: [], altered: [], ghosts: [] });
        await store.queryByKey('T', 'key7', 32, 0, Number.MAX_SAFE_INTEGER);
        expect({ where, status: store.append(messageOf(COUNT)).status }).toEqual({ where, status: 'PUT_OK' });
        await store.close();
        const again = await opened(files);
        expect({ where, count: again.found.size }).toEqual({ where, count: COUNT + 1 });
        await again.store.close();
      }
    },
    5 * MINUTES,
  );
});
