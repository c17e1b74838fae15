// Tests a store in which one bit of each field of a record is flipped, without checksums over whole records, as Apache's
// default is. FLIPS sets the number of bits tried for each field, FLIP_SEED repeats a run.
import { describe, expect, it } from '@jest/globals';
import { silentLogger } from '@nest-rocketmq/remoting/internal';
import { readAll } from './simulate.js';
import { Random } from './random.js';
import { QUEUES, ROOT, asKilled, copyOf, filled, flip, messageOf, openStore } from './store-on.js';
import type { Filled } from './store-on.js';

const seed = Number(process.env['FLIP_SEED'] ?? Date.now() % 1_000_000);
/** There are many fields, and all of them get as many. */
const flips = Math.ceil(Number(process.env['FLIPS'] ?? 50) / 16);
const COUNT = 60;
const FILE_SIZE = 16_384;
const MINUTES = 60_000;
/** Where the body begins in the record of a message from an IPv4 address. */
const BODY_AT = 88;
const TOPIC_BYTES = 'T'.length;

type Range = [from: number, to: number];
type Field = [name: string, where: (bodyLength: number, size: number) => Range];

const at =
  (from: number, to: number): Field[1] =>
  () => [from, to];

/** What the format protects: by a checksum, by what must fit, or by what is known from elsewhere. */
const CHECKED: Field[] = [
  ['length', at(0, 4)],
  ['magic', at(4, 8)],
  ['checksum of the body', at(8, 12)],
  ['queue', at(12, 16)],
  ['queue offset', at(20, 28)],
  ['physical offset', at(28, 36)],
  ['length of the body', at(84, 88)],
  ['body', (body) => [BODY_AT, BODY_AT + body]],
  ['length of the topic', (body) => [BODY_AT + body, BODY_AT + body + 1]],
  ['topic', (body) => [BODY_AT + body + 1, BODY_AT + body + 1 + TOPIC_BYTES]],
  ['length of the properties', (body) => [BODY_AT + body + 1 + TOPIC_BYTES, BODY_AT + body + 3 + TOPIC_BYTES]],
];

/** Fields without a checksum: such a record is served as it is. */
const UNCHECKED: Field[] = [
  ['flag', at(16, 20)],
  ['time of birth', at(40, 48)],
  ['host of birth', at(48, 56)],
  ['store host', at(64, 72)],
  ['reconsume times', at(72, 76)],
  ['offset of the half message', at(76, 84)],
  ['properties', (body, size) => [BODY_AT + body + 3 + TOPIC_BYTES, size]],
];

/** Some bits of these are noticed, by what no longer fits. */
const PARTLY: Field[] = [
  ['system flag', at(36, 40)],
  ['time of storing', at(56, 64)],
];

interface Outcome {
  where: string;
  missing: string[];
  altered: string[];
  ghosts: string[];
  said: boolean;
}

interface Trial {
  whole: Filled;
  record: Filled['records'][number];
  /** In the record. */
  byte: number;
  bit: number;
  killed: boolean;
}

async function outcomeOf({ whole, record, byte, bit, killed }: Trial): Promise<Outcome> {
  const files = killed ? asKilled(copyOf(whole.files)) : copyOf(whole.files);
  const position = record.from + byte;
  const name = String(position - (position % FILE_SIZE)).padStart(20, '0');
  flip(files, `${ROOT}/commitlog/${name}`, position % FILE_SIZE, bit);
  const errors: string[] = [];
  const logger = { ...silentLogger, error: (text: string) => errors.push(text) };
  const store = await openStore(files, { logger });
  const found = await readAll(store);
  const where = `bit ${bit} of byte ${byte} of ${record.place}, ${record.to - record.from} bytes at ${record.from}`;
  // Its place is not given to another message.
  expect({ where, place: store.append(messageOf(COUNT)).queueOffset }).toEqual({ where, place: COUNT / QUEUES });
  await store.close();
  const missing = [...whole.all.keys()].filter((place) => !found.has(place));
  const known = [...found].filter(([place]) => whole.all.has(place));
  const altered = known.filter(([place, body]) => whole.all.get(place) !== body).map(([place]) => place);
  const ghosts = [...found.keys()].filter((place) => !whole.all.has(place));
  return { where, missing, altered, ghosts, said: errors.join().includes(String(record.from)) };
}

/** Bits of the field, in records anywhere in the store. */
function* trials(whole: Filled, [, where]: Field, killed: boolean): Generator<Trial> {
  const random = new Random(seed);
  for (let i = 0; i < flips; i++) {
    const record = random.pick(whole.records);
    const body = whole.all.get(record.place) ?? '';
    const [from, to] = where(body.length, record.to - record.from);
    if (to <= from) continue;
    yield { whole, record, byte: random.integer(from, to - 1), bit: random.integer(0, 7), killed };
  }
}

describe.each([
  ['clean', false],
  ['killed', true],
])(`one flipped bit of a record without a checksum of its own (stop: %s, seed ${seed})`, (_, killed) => {
  it.each(CHECKED)(
    'in its %s is noticed, and costs that record only',
    async (...field) => {
      const whole = await filled(COUNT);
      for (const trial of trials(whole, field, killed)) {
        const outcome = await outcomeOf(trial);
        const { where } = outcome;
        expect(outcome).toEqual({ where, missing: [trial.record.place], altered: [], ghosts: [], said: true });
      }
    },
    5 * MINUTES,
  );

  it.each(UNCHECKED)(
    'in its %s costs no message, and alters no body',
    async (...field) => {
      const whole = await filled(COUNT);
      for (const trial of trials(whole, field, killed)) {
        const { where, missing, altered, ghosts } = await outcomeOf(trial);
        expect({ where, missing, altered, ghosts }).toEqual({ where, missing: [], altered: [], ghosts: [] });
      }
    },
    5 * MINUTES,
  );

  it.each(PARTLY)(
    'in its %s costs that record at most',
    async (...field) => {
      const whole = await filled(COUNT);
      for (const trial of trials(whole, field, killed)) {
        const { where, missing, altered, ghosts } = await outcomeOf(trial);
        const others = missing.filter((place) => place !== trial.record.place);
        expect({ where, others, altered, ghosts }).toEqual({ where, others: [], altered: [], ghosts: [] });
      }
    },
    5 * MINUTES,
  );
});
