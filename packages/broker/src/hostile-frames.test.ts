// Random and mutated frames, by every request code and many values that no honest peer sends: the broker and the name
// server answer or close, and go on for everybody else. HOSTILE_SEED plays a run again.
import { readFileSync, readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Connection, Requests, encodeFrame, handlerTable, silentLogger } from '@nest-rocketmq/remoting/internal';
import type { RequestRow } from '@nest-rocketmq/remoting/internal';
import { TestBroker } from '../test-kit/broker.js';

const seed = Number(process.env['HOSTILE_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const RUNS = Number(process.env['HOSTILE_RUNS'] ?? 300);
const FRAMES = new URL('../../../test/fixtures/frames/', import.meta.url);
const recorded = readdirSync(FRAMES).filter((name) => name.endsWith('.bin'));
/** What an answer must never hold: a stack, or a place in the machine's files. */
const TELLS_TOO_MUCH = /\n\s+at |\/store\/|\.ts:|\.js:/;

let running: TestBroker;
const failures: string[] = [];
const onRejection = (error: unknown): void => void failures.push(String(error));
beforeAll(async () => {
  process.on('unhandledRejection', onRejection);
  running = await TestBroker.start({ maxTopics: 50, maxSubscriptionGroups: 50 });
});
afterAll(async () => {
  await running.stop();
  process.off('unhandledRejection', onRejection);
});

const numbers = [
  '0',
  '-1',
  '1',
  '99',
  '1000000000',
  '2147483647',
  '-2147483648',
  '9223372036854775807',
  '-9223372036854775808',
];
const values = fc.oneof(
  fc.constantFrom(
    ...numbers,
    '9223372036854775808',
    '1e309',
    'NaN',
    '1.5',
    '',
    'abc',
    '+5',
    '0x10',
    '99999999999999999999',
  ),
  fc.constantFrom(
    'orders',
    'g',
    'TBW102',
    '%RETRY%g',
    '%DLQ%g',
    '../../x',
    'a\r\nb',
    '__proto__',
    'constructor',
    'x'.repeat(300),
  ),
  fc.constantFrom(
    'true',
    'false',
    'a || b',
    '*',
    'DELAY\u00013\u0002',
    'TRAN_MSG\u0001true\u0002UNIQ_KEY\u0001A\u0002',
  ),
  fc.string({ maxLength: 40 }),
);
const bodies = fc.oneof(
  fc.constant(Buffer.alloc(0)),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc.json({ maxDepth: 4 }).map((text) => Buffer.from(text)),
  fc
    .constantFrom(
      '{"clientID":"c","consumerDataSet":[{"groupName":"g","subscriptionDataSet":[{"topic":"orders","codeSet":[1e309]}]}],"producerDataSet":[{"groupName":"p"}]}',
      '{"groupName":"g","retryQueueNums":1e309,"attributes":{"a":5}}',
      '{"consumerGroup":"g","clientId":"c","mqSet":[{"topic":"orders","queueId":1e309},{"queueId":-1},7,null]}',
      '{"topicConfigSerializeWrapper":{"topicConfigTable":{"t":{"readQueueNums":1e309},"u":{}}}}',
      `${'['.repeat(5_000)}`,
      `${'{"a":'.repeat(40)}1${'}'.repeat(40)}`,
      '{{"topic":"t"}:{0:1}}',
      `{0:"${'\\\\'.repeat(5_000)}"}`,
    )
    .map((text) => Buffer.from(text)),
);

const rows = Object.values(Requests) as unknown as RequestRow[];
/** The header fields that a row asks for, without reading its source. */
const fieldsOf = (row: RequestRow): string[] => {
  const asked = new Set<string>();
  const spy = new Proxy({} as Record<string, string>, {
    get: (_target, name) => {
      asked.add(String(name));
      return '0';
    },
  });
  row.header.decode(spy);
  return [...asked];
};

const structured = fc
  .tuple(
    fc.constantFrom(...rows),
    fc.infiniteStream(values),
    bodies,
    fc.constantFrom('json', 'binary'),
    fc.constantFrom(0, 2),
  )
  .map(([row, stream, body, serializeType, flag]) => {
    const extFields: Record<string, string> = {};
    for (const name of fieldsOf(row)) extFields[name] = stream.next().value!;
    const command = {
      code: row.code,
      language: 'JAVA',
      version: 400,
      opaque: 1,
      flag,
      remark: undefined,
      extFields,
      body,
    };
    return encodeFrame({ ...command, serializeType: serializeType as 'json' | 'binary' });
  });

const mutated = fc
  .tuple(
    fc.constantFrom(...recorded),
    fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 6 }),
    fc.boolean(),
  )
  .map(([name, changes, cut]) => {
    const bytes = Buffer.from(readFileSync(new URL(name, FRAMES)));
    for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
    return cut ? bytes.subarray(0, Math.floor(bytes.length / 2)) : bytes;
  });

const garbage = fc.uint8Array({ minLength: 1, maxLength: 100 }).map((bytes) => Buffer.from(bytes));
const hostile = fc.array(fc.oneof({ weight: 6, arbitrary: structured }, { weight: 3, arbitrary: mutated }, garbage), {
  minLength: 1,
  maxLength: 12,
});

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise(setImmediate);
}

async function attack(address: string, frames: readonly Buffer[]): Promise<string> {
  const stream = await running.broker.dial(address);
  const answers: Buffer[] = [];
  stream.on('error', () => {});
  stream.on('data', (chunk: Buffer) => answers.push(chunk));
  for (const frame of frames) if (!stream.destroyed) stream.write(frame);
  await turns(6);
  stream.destroy();
  return Buffer.concat(answers).toString('latin1');
}

/** Somebody else, who asks as one should. */
async function isServed(address: string, ask: (connection: Connection) => Promise<{ code: number }>): Promise<boolean> {
  const stream = await running.broker.dial(address);
  const options = { address, handlers: handlerTable(), clock: running.clock, logger: silentLogger };
  const connection = new Connection(stream, options);
  const { code } = await ask(connection);
  connection.close();
  return code === 0;
}

describe(`hostile frames (HOSTILE_SEED=${seed})`, () => {
  it.each(['broker', 'name server'])('leave the %s answering everybody else', async (which) => {
    const { broker } = running;
    const ofBroker = which === 'broker';
    const address = ofBroker ? broker.brokerAddress : broker.nameServerAddress;
    const ask = (connection: Connection): Promise<{ code: number }> =>
      ofBroker
        ? connection.request(Requests.GET_MAX_OFFSET, { topic: 'orders', queueId: 0 })
        : connection.request(Requests.GET_BROKER_CLUSTER_INFO, {});
    await fc.assert(
      fc.asyncProperty(hostile, async (frames) => {
        expect(await attack(address, frames)).not.toMatch(TELLS_TOO_MUCH);
        expect(await isServed(address, ask)).toBe(true);
        expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
        expect(failures).toEqual([]);
      }),
      { seed, numRuns: ofBroker ? RUNS : RUNS / 3, endOnFailure: true },
    );
  });

  it('with more than 256 header fields, or a header nested deeper than 32, close their own connection', async () => {
    const many = Object.fromEntries(Array.from({ length: 257 }, (_, i) => [`f${i}`, 'x']));
    const command = {
      code: 30,
      language: 'JAVA',
      version: 400,
      opaque: 1,
      flag: 0,
      remark: undefined,
      body: Buffer.alloc(0),
    };
    const frames = (['json', 'binary'] as const).flatMap((serializeType) =>
      [30, 310].map((code) => encodeFrame({ ...command, code, extFields: many, serializeType })),
    );
    const deep = Buffer.from(`{"code":30,"x":${'['.repeat(33)}${']'.repeat(33)}}`);
    const head = Buffer.alloc(8);
    head.writeUInt32BE(4 + deep.length, 0);
    head.writeUInt32BE(deep.length, 4);
    for (const frame of [...frames, Buffer.concat([head, deep])]) {
      const stream = await running.broker.dial(running.broker.brokerAddress);
      let answered = '';
      stream.on('data', (chunk: Buffer) => (answered += chunk.toString('latin1')));
      stream.on('error', () => {});
      stream.write(frame);
      await turns(10);
      // A send is refused in its own words, as each header of it that cannot be read.
      expect(stream.destroyed || /MAX_EXT_FIELDS, of 256/.test(answered)).toBe(true);
      stream.destroy();
    }
  });
});
