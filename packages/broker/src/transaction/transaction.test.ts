import { afterEach, describe, expect, it } from '@jest/globals';
import {
  MessageProperty,
  RequestTimeoutError,
  Requests,
  ResponseCode,
  SysFlag,
  decodeOffsetMsgId,
  decodeRecord,
  handlerTable,
} from '@nest-rocketmq/remoting/internal';
import type { HeaderOf, MessageExt } from '@nest-rocketmq/remoting/internal';
import { START, TestBroker } from '../../test-kit/broker.js';
import type { TestClient } from '../../test-kit/broker.js';

let running: TestBroker;
afterEach(() => running.stop());

const SECOND = 1000;
const DAY = 86_400 * SECOND;
const COMMIT = SysFlag.TRANSACTION_COMMIT;
const ROLLBACK = SysFlag.TRANSACTION_ROLLBACK;
const PREPARED = { sysFlag: SysFlag.TRANSACTION_PREPARED, properties: { TRAN_MSG: 'true', PGROUP: 'p' } };

const VERDICTS = [
  ['commit', 'commit', COMMIT, COMMIT, 1],
  ['commit', 'rollback', COMMIT, ROLLBACK, 1],
  ['rollback', 'commit', ROLLBACK, COMMIT, 0],
  ['rollback', 'rollback', ROLLBACK, ROLLBACK, 0],
] as const;

type Check = HeaderOf<typeof Requests.CHECK_TRANSACTION_STATE> & { record: MessageExt };
type End = HeaderOf<typeof Requests.END_TRANSACTION>;

interface Half {
  client: TestClient;
  /** The checks that the broker has sent. */
  checks: Check[];
  verdict: End;
}

async function producer(checks: Check[]): Promise<TestClient> {
  const client = await running.client(
    handlerTable({
      CHECK_TRANSACTION_STATE: ({ header, body }) => {
        checks.push({ ...header, record: decodeRecord(Buffer.from(body)) });
        return undefined;
      },
    }),
  );
  await client.produce('producer', 'p');
  return client;
}

async function half(options: Parameters<typeof TestBroker.start>[0] = {}, properties = {}): Promise<Half> {
  running = await TestBroker.start(options);
  const checks: Check[] = [];
  const client = await producer(checks);
  const { header } = await client.send('t', {
    ...PREPARED,
    body: 'x',
    properties: { ...PREPARED.properties, ...properties },
  });
  const verdict = {
    producerGroup: 'p',
    tranStateTableOffset: header.queueOffset ?? -1,
    commitLogOffset: decodeOffsetMsgId(header.msgId ?? '').physicalOffset,
    commitOrRollback: COMMIT,
    msgId: 'ABCDEF',
  };
  return { client, checks, verdict };
}

const end = async (client: TestClient, verdict: End): Promise<number> =>
  (await client.connection.request(Requests.END_TRANSACTION, verdict)).code;

const answerTo = (check: Check, commitOrRollback: number): End => ({
  producerGroup: 'p',
  tranStateTableOffset: check.tranStateTableOffset,
  commitLogOffset: check.commitLogOffset,
  commitOrRollback,
  fromTransactionCheck: true,
  msgId: 'ABCDEF',
});

describe('a second verdict', () => {
  it.each(VERDICTS)(
    'after a %s, a %s, is answered as by Apache, says that the first one stands, and delivers nothing again',
    async (_first, _second, first, second, stored) => {
      const { client, verdict } = await half();
      const end = (commitOrRollback: number) =>
        client.connection.request(Requests.END_TRANSACTION, { ...verdict, commitOrRollback });
      expect(await end(first)).toMatchObject({ code: ResponseCode.SUCCESS, remark: undefined });
      expect(await end(second)).toMatchObject({
        code: ResponseCode.SUCCESS,
        remark: 'this transaction has been decided: its first verdict stands',
      });
      expect(await client.messages('t')).toHaveLength(stored);
    },
  );
});

describe('a half message', () => {
  it('T159, T160: is seen by nobody before it is committed', async () => {
    const { client, verdict } = await half();
    expect(await client.messages('t')).toEqual([]);
    expect(await end(client, verdict)).toBe(ResponseCode.SUCCESS);
    const message = (await client.messages('t'))[0]!;
    expect(message.body.toString()).toBe('x');
    expect(message.preparedTransactionOffset).toBe(verdict.commitLogOffset);
    expect(message.sysFlag & SysFlag.TRANSACTION_ROLLBACK).toBe(COMMIT);
    expect(message.properties.has(MessageProperty.REAL_TOPIC)).toBe(false);
    expect(message.properties.get(MessageProperty.TRANSACTION_ID)).toBe('ABCDEF');
  });

  it('T159: is never seen when it is rolled back, and nobody is asked about it', async () => {
    const { client, verdict, checks } = await half();
    await end(client, { ...verdict, commitOrRollback: ROLLBACK });
    await running.clock.advance(100 * SECOND);
    expect(await client.messages('t')).toEqual([]);
    expect(checks).toEqual([]);
  });

  it('is delivered once when its producer commits it twice', async () => {
    const { client, verdict } = await half();
    await Promise.all([end(client, verdict), end(client, verdict)]);
    await end(client, verdict);
    expect(await client.messages('t')).toHaveLength(1);
  });

  it.each([
    ['another group', { producerGroup: 'q' }],
    ['another place in the half topic', { tranStateTableOffset: 9 }],
    ['a place in the log where nothing is', { commitLogOffset: 99_999 }],
  ])('T159: is not touched by a verdict that names %s', async (_what, wrong) => {
    const { client, verdict } = await half();
    expect(await end(client, { ...verdict, ...wrong })).toBe(ResponseCode.SYSTEM_ERROR);
    expect(await client.messages('t')).toEqual([]);
  });
});

describe('a verdict that comes after the immunity time of its transaction', () => {
  const IMMUNE = { CHECK_IMMUNITY_TIME_IN_SECONDS: '60' };

  it.each([
    ['commit', COMMIT],
    ['rollback', ROLLBACK],
  ])('is refused, a %s, and decides nothing: the answer to a check still does', async (_what, late) => {
    const { client, checks, verdict } = await half({}, IMMUNE);
    await running.clock.advance(61 * SECOND);
    expect(await end(client, { ...verdict, commitOrRollback: late })).toBe(ResponseCode.ILLEGAL_OPERATION);
    expect(await client.messages('t')).toEqual([]);
    await running.clock.advance(30 * SECOND);
    expect(await end(client, answerTo(checks[0]!, COMMIT))).toBe(ResponseCode.SUCCESS);
    expect(await client.messages('t')).toHaveLength(1);
  });

  it('is taken while that time lasts, to its last millisecond', async () => {
    const { client, verdict } = await half({}, IMMUNE);
    await running.clock.advance(60 * SECOND);
    expect(await end(client, verdict)).toBe(ResponseCode.SUCCESS);
    expect(await client.messages('t')).toHaveLength(1);
  });
});

describe('a half message with a delay level', () => {
  const DELAYED = { ...PREPARED, properties: { ...PREPARED.properties, DELAY: '1' } };

  // A consumer that sends a copy to the retry topic may leave TRAN_MSG among its properties: nobody will decide it.
  it('that is a retry waits for its time only', async () => {
    running = await TestBroker.start();
    const checks: Check[] = [];
    const client = await producer(checks);
    const { code } = await client.send('t', { ...DELAYED, sysFlag: 0, body: 'again', header: { j: 1 } });
    expect(code).toBe(ResponseCode.SUCCESS);
    await running.clock.advance(SECOND);
    const [message] = await client.messages('t');
    expect({ body: message?.body.toString(), times: message?.reconsumeTimes }).toEqual({ body: 'again', times: 1 });
    await running.clock.advance(100 * SECOND);
    expect(checks).toEqual([]);
  });

  it('that is none waits for its verdict', async () => {
    running = await TestBroker.start();
    const checks: Check[] = [];
    const client = await producer(checks);
    await client.send('t', DELAYED);
    await running.clock.advance(6 * SECOND);
    expect(await client.messages('t')).toEqual([]);
    expect(checks).toHaveLength(1);
  });
});

describe('transactions of all kinds', () => {
  it('T157: of 120, consumers see those that were committed, at once or when asked about', async () => {
    const { client, checks } = await half();
    const kinds = ['commit', 'rollback', 'check-commit', 'check-rollback', 'never'];
    for (let i = 0; i < 120; i++) {
      const body = `${kinds[i % 5]}-${i}`;
      const { header } = await client.send('u', { ...PREPARED, body });
      const commitLogOffset = decodeOffsetMsgId(header.msgId ?? '').physicalOffset;
      const place = { tranStateTableOffset: header.queueOffset ?? -1, commitLogOffset, msgId: 'ABCDEF' };
      const verdict = { producerGroup: 'p', ...place };
      if (body.startsWith('commit')) await end(client, { ...verdict, commitOrRollback: COMMIT });
      if (body.startsWith('rollback')) await end(client, { ...verdict, commitOrRollback: ROLLBACK });
    }
    await running.clock.advance(10 * SECOND);
    // Each check is stored first.
    while (checks.length < 73) await running.clock.advance(0);
    for (const check of checks.splice(0)) {
      const body = check.record.body.toString();
      if (body.startsWith('check-commit')) await end(client, answerTo(check, COMMIT));
      if (body.startsWith('check-rollback')) await end(client, answerTo(check, ROLLBACK));
    }
    await running.clock.advance(40 * SECOND);
    expect(checks.filter(({ record }) => !/^(never|x)/.test(record.body.toString()))).toEqual([]);
    const seen: string[] = [];
    for (let more = await client.messages('u'); more.length > 0;) {
      seen.push(...more.map(({ body }) => body.toString().replace(/-\d+$/, '')));
      more = await client.messages('u', { offset: seen.length });
    }
    expect(seen.sort()).toEqual([...Array<string>(24).fill('check-commit'), ...Array<string>(24).fill('commit')]);
  });

  it('T159: an unknown verdict is not answered, and leaves the transaction undecided', async () => {
    const { client, checks, verdict } = await half();
    const unknown = { ...verdict, commitOrRollback: 0 };
    const answer = client.connection.request(Requests.END_TRANSACTION, unknown, { timeout: SECOND });
    const unanswered = expect(answer).rejects.toThrow(RequestTimeoutError);
    await running.clock.advance(7 * SECOND);
    await unanswered;
    expect(checks).toHaveLength(1);
  });
});

describe('an undecided transaction', () => {
  it('T154, T161, T162: is asked about after 6 s and every 30 s, with the message under its own topic', async () => {
    const { client, checks } = await half();
    await running.clock.advance(5 * SECOND);
    expect(checks).toHaveLength(0);
    await running.clock.advance(SECOND);
    expect(checks).toHaveLength(1);
    expect(checks[0]!.record).toMatchObject({ topic: 't', queueId: 0 });
    expect(checks[0]!.record.properties.get(MessageProperty.TRANSACTION_CHECK_TIMES)).toBe('1');
    await running.clock.advance(30 * SECOND);
    expect(checks).toHaveLength(2);
    await end(client, answerTo(checks[1]!, COMMIT));
    expect(await client.messages('t')).toHaveLength(1);
    await running.clock.advance(100 * SECOND);
    expect(checks).toHaveLength(2);
  });

  it('is decided by a late verdict on the message as it was first sent', async () => {
    const { client, checks, verdict } = await half();
    await running.clock.advance(40 * SECOND);
    await end(client, verdict);
    await end(client, answerTo(checks[1]!, COMMIT));
    expect(await client.messages('t')).toHaveLength(1);
  });

  it('T160, T162: is given up after transactionCheckMax checks, and kept under TRANS_CHECK_MAX_TIME_TOPIC', async () => {
    const { client, checks } = await half({ transactionCheckMax: 3 });
    for (let minute = 0; minute < 5; minute++) {
      await client.produce('producer', 'p');
      await running.clock.advance(60 * SECOND);
    }
    expect(checks).toHaveLength(3);
    expect(await client.messages('TRANS_CHECK_MAX_TIME_TOPIC')).toHaveLength(1);
    expect(await client.messages('t')).toEqual([]);
  });

  it('is not given up because its producer is away', async () => {
    const { client } = await half({ transactionCheckMax: 1 });
    client.connection.close();
    await running.clock.advance(300 * SECOND);
    const checks: Check[] = [];
    const back = await producer(checks);
    await running.clock.advance(30 * SECOND);
    expect(checks).toHaveLength(1);
    await end(back, answerTo(checks[0]!, COMMIT));
    expect(await back.messages('t')).toHaveLength(1);
  });

  it('is asked about after a restart too, a decided one is not', async () => {
    const { client, verdict } = await half();
    await client.send('t', { ...PREPARED, body: 'open' });
    await end(client, verdict);
    await running.restart();
    const checks: Check[] = [];
    const after = await producer(checks);
    await running.clock.advance(10 * SECOND);
    expect(checks.map(({ record }) => record.body.toString())).toEqual(['open']);
    await end(after, answerTo(checks[0]!, ROLLBACK));
    expect(await after.messages('t')).toHaveLength(1);
  });

  it('T161: is not asked about within the time that its producer has set', async () => {
    const { checks } = await half({}, { CHECK_IMMUNITY_TIME_IN_SECONDS: '60' });
    await running.clock.advance(59 * SECOND);
    expect(checks).toEqual([]);
    await running.clock.advance(30 * SECOND);
    expect(checks).toHaveLength(1);
  });

  it('whose producer has a clock that is a year ahead is asked about as well, and so are the ones after it', async () => {
    running = await TestBroker.start();
    const checks: Check[] = [];
    const client = await producer(checks);
    await client.send('t', { ...PREPARED, body: 'ahead', header: { g: START + 365 * DAY } });
    await client.send('t', { ...PREPARED, body: 'behind it' });
    await running.clock.advance(6 * SECOND);
    expect(checks.map(({ record }) => record.body.toString())).toEqual(['ahead', 'behind it']);
  });

  it('is given up after 72 hours, however long the immunity time is that its producer has set', async () => {
    const interval = { transactionCheckInterval: 3_600 * SECOND };
    const { client, checks } = await half(interval, { CHECK_IMMUNITY_TIME_IN_SECONDS: '99999999999' });
    await running.clock.advance(3 * DAY);
    const after = await producer(checks);
    expect(await after.messages('TRANS_CHECK_MAX_TIME_TOPIC')).toHaveLength(0);
    await running.clock.advance(3_600 * SECOND);
    expect(await (await producer(checks)).messages('TRANS_CHECK_MAX_TIME_TOPIC')).toHaveLength(1);
    expect(checks).toEqual([]);
    client.connection.close();
  });

  it('does not hold up the ones after it', async () => {
    const { client, checks } = await half();
    for (const body of ['a', 'b', 'c']) {
      const { header } = await client.send('t', { ...PREPARED, body });
      const commitLogOffset = decodeOffsetMsgId(header.msgId ?? '').physicalOffset;
      const place = { tranStateTableOffset: header.queueOffset ?? -1, commitLogOffset };
      await end(client, { producerGroup: 'p', ...place, commitOrRollback: COMMIT, msgId: 'ABCDEF' });
    }
    await running.clock.advance(40 * SECOND);
    expect((await client.messages('t')).map((message) => message.body.toString())).toEqual(['a', 'b', 'c']);
    expect(checks.map(({ record }) => record.body.toString())).toEqual(['x', 'x']);
  });
});
