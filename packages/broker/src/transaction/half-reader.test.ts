import { afterEach, describe, expect, it } from '@jest/globals';
import {
  HALF_TOPIC,
  Requests,
  SysFlag,
  decodeRecord,
  handlerTable,
  silentLogger,
} from '@nest-rocketmq/remoting/internal';
import type { HeaderOf } from '@nest-rocketmq/remoting/internal';
import { TestBroker } from '../../test-kit/broker.js';
import type { TestClient } from '../../test-kit/broker.js';
import type { MessageStore } from '../store/store.js';
import { BrokerTesting } from '../testing/broker-testing.js';
import type { PartsUnderTest } from '../testing/broker-testing.js';

const SECOND = 1_000;
/** When the producer is asked for the first time, and then from check to check. */
const [FIRST, NEXT] = [6 * SECOND, 30 * SECOND];

type Check = HeaderOf<typeof Requests.CHECK_TRANSACTION_STATE> & { body: string; times: string | undefined };

class Testing extends BrokerTesting {
  store!: MessageStore;

  constructor() {
    super(() => undefined);
  }

  override connect(parts: PartsUnderTest): void {
    super.connect(parts);
    this.store = parts.store;
  }
}

let running: TestBroker;
let client: TestClient;
let testing: Testing;
let checks: Check[];
let errors: string[];
let warnings: string[];
afterEach(() => running.stop());

async function start(bodies: readonly string[], properties: Record<string, string> = {}): Promise<void> {
  [checks, errors, warnings, testing] = [[], [], [], new Testing()];
  const error = (text: string): void => void errors.push(text);
  const logger = { ...silentLogger, error, warn: (text: string) => void warnings.push(text) };
  running = await TestBroker.start({ logger, transactionCheckMax: 3 }, testing);
  client = await running.client(
    handlerTable({
      CHECK_TRANSACTION_STATE: ({ header, body: bytes }) => {
        const { body, properties: found } = decodeRecord(Buffer.from(bytes));
        checks.push({ ...header, body: body.toString(), times: found.get('TRANSACTION_CHECK_TIMES') });
        return undefined;
      },
    }),
  );
  await client.produce('producer', 'p');
  const half = { sysFlag: SysFlag.TRANSACTION_PREPARED, properties: { TRAN_MSG: 'true', PGROUP: 'p', ...properties } };
  for (const body of bodies) await client.send('t', { ...half, body });
}

/** From now on, the records of these halves cannot be read. */
async function damage(...offsets: number[]): Promise<void> {
  await fail(() => undefined, ...offsets);
}

async function fail(read: () => undefined, ...offsets: number[]): Promise<void> {
  const { store } = testing;
  const positions = new Set<number | undefined>();
  for (const offset of offsets) positions.add((await store.readConsumeQueue(HALF_TOPIC, 0, offset))?.physicalOffset);
  const { readRecord } = store;
  store.readRecord = (position, size) => (positions.has(position) ? read() : readRecord.call(store, position, size));
}

async function minutes(count: number): Promise<void> {
  for (let minute = 0; minute < count; minute++) {
    await client.produce('producer', 'p');
    await running.clock.advance(60 * SECOND);
  }
}

const commit = async (check: Check): Promise<number> =>
  (
    await client.connection.request(Requests.END_TRANSACTION, {
      producerGroup: 'p',
      tranStateTableOffset: check.tranStateTableOffset,
      commitLogOffset: check.commitLogOffset,
      commitOrRollback: SysFlag.TRANSACTION_COMMIT,
      fromTransactionCheck: true,
      msgId: 'ABCDEF',
    })
  ).code;

describe('a half message whose newest copy cannot be read', () => {
  it('is asked about by the copy before it, which the log tells, and is delivered once', async () => {
    await start(['x', 'y']);
    await running.clock.advance(FIRST);
    expect(checks.map(({ body }) => body)).toEqual(['x', 'y']);
    await damage(2);
    await running.clock.advance(NEXT);
    expect(checks.slice(2).map(({ body, times }) => [body, times])).toEqual([
      ['x', '2'],
      ['y', '2'],
    ]);
    expect(errors).toEqual([
      'the half message at offset 2 of RMQ_SYS_TRANS_HALF_TOPIC cannot be read: its record is damaged. The one at offset 0, which it is a copy of, stands in for it',
    ]);
    expect(await commit(checks[2]!)).toBe(0);
    await minutes(5);
    expect((await client.messages('t')).map(({ body }) => body.toString())).toEqual(['x']);
  });

  it('is given up after transactionCheckMax checks, though no copy of it can be read', async () => {
    await start(['x']);
    for (let copy = 1; copy <= 3; copy++) {
      await running.clock.advance(copy === 1 ? FIRST : NEXT);
      await damage(copy);
    }
    await minutes(5);
    expect(checks.map(({ times }) => times)).toEqual(['1', '2', '3']);
    expect(await client.messages('TRANS_CHECK_MAX_TIME_TOPIC')).toHaveLength(1);
  });

  it('is not open beside it where the copy cannot be read from the start', async () => {
    await start(['x']);
    const { store } = testing;
    const { readRecord } = store;
    store.readRecord = (position, size) => (position > 0 ? undefined : readRecord.call(store, position, size));
    await running.clock.advance(FIRST);
    store.readRecord = readRecord;
    await running.clock.advance(NEXT);
    expect(checks.map(({ times }) => times)).toEqual(['1', '2']);
    for (const check of checks) expect(await commit(check)).toBe(0);
    await minutes(5);
    expect(checks).toHaveLength(2);
    expect(await client.messages('t')).toHaveLength(1);
  });
});

describe('a half message that cannot be read', () => {
  it('and has no copy is skipped, and the log says that it is lost', async () => {
    await start(['x', 'y']);
    await damage(0);
    await running.clock.advance(FIRST);
    await running.clock.advance(NEXT);
    expect(checks.map(({ body }) => body)).toEqual(['y', 'y']);
    expect(errors).toEqual([
      'the half message at offset 0 of RMQ_SYS_TRANS_HALF_TOPIC cannot be read: its record is damaged. It is skipped, and its transaction is lost',
    ]);
  });

  it('because the disk fails does not hold up the others, and is asked about when the disk can be read again', async () => {
    await start(['x', 'y']);
    const { readRecord } = testing.store;
    await fail(() => {
      throw new Error('EIO');
    }, 0);
    await running.clock.advance(FIRST);
    expect(checks.map(({ body }) => body)).toEqual(['y']);
    expect(errors).toEqual([
      'the half message at offset 0 of RMQ_SYS_TRANS_HALF_TOPIC cannot be read: EIO. It is tried again',
    ]);
    testing.store.readRecord = readRecord;
    await running.clock.advance(NEXT);
    expect(checks.slice(1).map(({ body }) => body)).toEqual(['x', 'y']);
  });
});

it.each(['many', '-7', '1e400'])(
  'counts from 0 where its producer says that it was checked %s times',
  async (given) => {
    await start(['x'], { TRANSACTION_CHECK_TIMES: given });
    await minutes(6);
    expect(checks.map(({ times }) => times)).toEqual(['1', '2', '3']);
    expect(await client.messages('TRANS_CHECK_MAX_TIME_TOPIC')).toHaveLength(1);
  },
);

it('is named in the log without what would forge lines when it is given up', async () => {
  await start(['x'], { UNIQ_KEY: 'key\nroot' });
  await minutes(6);
  expect(warnings).toEqual([
    'giving up the transaction of key?root after 3 checks: it is in TRANS_CHECK_MAX_TIME_TOPIC',
  ]);
});
