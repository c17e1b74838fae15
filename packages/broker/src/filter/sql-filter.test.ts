// Tests SQL92 filters in pulls, in pulls that wait, and in subscriptions.
import { afterEach, describe, expect, it } from '@jest/globals';
import { ManualClock, Requests, ResponseCode, decodeRecords } from '@nest-rocketmq/remoting/internal';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import { TestBroker } from '../../test-kit/broker.js';
import type { Pulled, TestClient } from '../../test-kit/broker.js';

let running: TestBroker | undefined;
afterEach(() => running?.stop());

const SQL = { expressionType: 'SQL92' };

/** Messages n = 0, 1, … in queue 0 of the topic t; every second one has a colour, and they have three tags in turn. */
async function withNumbers(count: number, options = {}): Promise<TestClient> {
  running = await TestBroker.start(options);
  const client = await running.client();
  for (let n = 0; n < count; n++) {
    const properties = { n: String(n), ...(n % 2 === 0 && { colour: 'blue' }) };
    await client.send('t', { body: `m${n}`, tags: 'ABC'[n % 3]!, properties });
  }
  return client;
}

const bodies = (messages: readonly MessageExt[]): string[] => messages.map((message) => message.body.toString());

async function pulled(client: TestClient, expression: string, more: Pulled = {}): Promise<string[]> {
  return bodies(await client.messages('t', { expression, ...more, header: { ...SQL, ...more.header } }));
}

async function checked(client: TestClient, subString: string, expressionType = 'SQL92') {
  const body = Buffer.from(
    JSON.stringify({ clientId: 'one', group: 'g', subscriptionData: { topic: 't', subString, expressionType } }),
  );
  const { code, remark } = await client.connection.request(Requests.CHECK_CLIENT_CONFIG, {}, { body });
  return { code, remark };
}

describe('a pull with an SQL92 expression', () => {
  it('T103: gets the messages whose properties it names', async () => {
    const client = await withNumbers(6);
    expect(await pulled(client, 'n > 1 AND colour IS NOT NULL')).toEqual(['m2', 'm4']);
    expect(await pulled(client, "TAGS IN ('A', 'B') AND n BETWEEN 3 AND 9")).toEqual(['m3', 'm4']);
    expect(await pulled(client, "UNIQ_KEY = 'ABCDEF' AND n = 5")).toEqual(['m5']);
  });

  it('T103: goes on behind messages of which none is wanted', async () => {
    const client = await withNumbers(4);
    const { code, header } = await client.pull('t', { expression: 'n > 100', header: SQL });
    expect({ code, next: header.nextBeginOffset }).toEqual({ code: ResponseCode.PULL_RETRY_IMMEDIATELY, next: 4 });
  });

  it('T102: of a heartbeat gets 32 of 48 messages', async () => {
    const client = await withNumbers(48);
    const sql = "(TAGS is not null and TAGS in ('A','B'))";
    await client.subscribe('me', 'g', { t: { sql } }, 7);
    const got = await client.messages('t', { group: 'g', expression: undefined, header: { subVersion: 7 } });
    expect(got).toHaveLength(32);
    expect(got.every((message) => message.properties.get('TAGS') !== 'C')).toBe(true);
  });

  it('is refused with the position of its first fault', async () => {
    const client = await withNumbers(0);
    await client.send('t');
    const { code, remark } = await client.pull('t', { expression: 'a = 1 AND\n  b >> 2', header: SQL });
    expect(code).toBe(ResponseCode.SUBSCRIPTION_PARSE_FAILED);
    expect(remark).toBe(
      "the SQL92 expression is wrong at line 2, column 6: '>' stands where a property, a value, NOT, a sign or ( is expected",
    );
  });

  it('of a type that nobody knows is refused', async () => {
    const client = await withNumbers(1);
    const { code, remark } = await client.pull('t', { header: { expressionType: 'XPATH' } });
    expect([code, remark]).toEqual([
      ResponseCode.SUBSCRIPTION_PARSE_FAILED,
      'the expression type XPATH is not known: it is TAG or SQL92',
    ]);
  });

  it('is refused where SQL92 is switched off, with the words of Apache', async () => {
    const client = await withNumbers(1, { enablePropertyFilter: false });
    const { code, remark } = await client.pull('t', { expression: 'a = 1', header: SQL });
    expect([code, remark]).toEqual([
      ResponseCode.SYSTEM_ERROR,
      'The broker does not support consumer to filter message by SQL92',
    ]);
  });
});

/** Each look at it takes 1 ms. */
class SlowMachine extends ManualClock {
  #looks = 0;

  override monotonic(): number {
    return super.monotonic() + this.#looks++;
  }
}

describe('a pull whose expression takes long', () => {
  it('is answered after maxFilterTimePerPull, and the next one goes on there', async () => {
    const client = await withNumbers(100, { clock: new SlowMachine(), maxFilterTimePerPull: 10 });
    const steps: number[] = [];
    const got: string[] = [];
    for (let offset = 0; offset < 100;) {
      const { code, header, body } = await client.pull('t', { offset, expression: 'n = 42', header: SQL });
      if (code === ResponseCode.SUCCESS) got.push(...bodies(decodeRecords(body)));
      steps.push(header.nextBeginOffset! - offset);
      offset = header.nextBeginOffset!;
    }
    expect(got).toEqual(['m42']);
    expect(Math.min(...steps.slice(0, -1))).toBeGreaterThan(3);
    expect(Math.max(...steps)).toBeLessThan(20);
  });
});

describe('a pull that waits', () => {
  it('is woken by a message that its expression wants, and by no other', async () => {
    const client = await withNumbers(1);
    let done = false;
    const waiting = client.pull('t', { offset: 1, suspend: 15_000, expression: 'n > 5', header: SQL });
    void waiting.then(() => (done = true));
    await client.send('t', { body: 'small', properties: { n: '3' } });
    await client.send('t', { body: 'text', properties: { n: 'many' } });
    await client.send('t', { body: 'none' });
    expect(done).toBe(false);
    await client.send('t', { body: 'large', properties: { n: '7' } });
    const { body, header } = await waiting;
    expect(bodies(decodeRecords(body))).toEqual(['large']);
    expect(header.nextBeginOffset).toBe(5);
  });

  it('goes on behind the messages that it does not want when its time is over', async () => {
    const client = await withNumbers(1);
    const waiting = client.pull('t', { offset: 1, suspend: 15_000, expression: 'n > 5', header: SQL });
    await client.send('t', { properties: { n: '3' } });
    await running!.clock.advance(15_000);
    const { code, header } = await waiting;
    expect({ code, next: header.nextBeginOffset }).toEqual({ code: ResponseCode.PULL_RETRY_IMMEDIATELY, next: 2 });
  });
});

describe('a group that subscribes with SQL92', () => {
  const ofHeartbeat = { group: 'g', expression: undefined };

  it('T104: may have a wrong expression in its heartbeat, and is told at its pull', async () => {
    const client = await withNumbers(3);
    await client.subscribe('me', 'g', { t: { sql: 'n >' } });
    const { code, remark } = await client.pull('t', ofHeartbeat);
    expect(code).toBe(ResponseCode.FILTER_DATA_NOT_EXIST);
    expect(remark).toMatch(/its expression is wrong: .* line 1, column 3: the expression ends/);
  });

  it('T104, T105: may change its expression, and an older version changes nothing', async () => {
    const client = await withNumbers(6);
    const got = async (): Promise<string[]> => bodies(await client.messages('t', ofHeartbeat));
    await client.subscribe('me', 'g', { t: { sql: 'n < 2' } }, 5);
    expect(await got()).toEqual(['m0', 'm1']);
    await client.subscribe('me', 'g', { t: { sql: 'n > 3' } }, 6);
    expect(await got()).toEqual(['m4', 'm5']);
    await client.subscribe('me', 'g', { t: { sql: 'n = 3' } }, 4);
    expect(await got()).toEqual(['m4', 'm5']);
    await client.subscribe('me', 'g', { t: { sql: 'n =' } }, 7);
    expect((await client.pull('t', ofHeartbeat)).code).toBe(ResponseCode.FILTER_DATA_NOT_EXIST);
    await client.subscribe('me', 'g', { t: 'A' }, 8);
    expect(await got()).toEqual(['m0', 'm3']);
  });

  it('filters each topic by its own expression, and its retry topic not at all', async () => {
    const client = await withNumbers(4);
    await client.send('u', { body: 'u1', properties: { n: '1' } });
    await client.send('u', { body: 'u2', properties: { n: '2' }, tags: 'B' });
    await client.subscribe('me', 'g', { t: { sql: 'n > 2' }, u: 'B', '%RETRY%g': '*' });
    expect(bodies(await client.messages('t', ofHeartbeat))).toEqual(['m3']);
    expect(bodies(await client.messages('u', ofHeartbeat))).toEqual(['u2']);
    const [failed] = await client.messages('t', ofHeartbeat);
    const back = { offset: failed!.physicalOffset, group: 'g', delayLevel: 1, originTopic: 't', unitMode: false };
    await client.connection.request(Requests.CONSUMER_SEND_MSG_BACK, { ...back, maxReconsumeTimes: 16 });
    await running!.clock.advance(2_000);
    expect(bodies(await client.messages('%RETRY%g', ofHeartbeat))).toEqual(['m3']);
  });

  it('T106: is told the position when it asks beforehand', async () => {
    const client = await withNumbers(0);
    expect(await checked(client, "a > 3 AND b = 'x'")).toEqual({ code: ResponseCode.SUCCESS, remark: undefined });
    expect(await checked(client, 'a > 3 AND 5')).toEqual({
      code: ResponseCode.SUBSCRIPTION_PARSE_FAILED,
      remark: 'the SQL92 expression is wrong at line 1, column 11: a condition is expected here, not a value',
    });
    expect((await checked(client, '*')).code).toBe(ResponseCode.SUBSCRIPTION_PARSE_FAILED);
    expect((await checked(client, '')).code).toBe(ResponseCode.SUBSCRIPTION_PARSE_FAILED);
    expect((await checked(client, 'a > 3', 'XPATH')).code).toBe(ResponseCode.SUBSCRIPTION_PARSE_FAILED);
  });
});

describe('an expression', () => {
  const refusal = async (expression: string, options = {}): Promise<string | undefined> => {
    running = await TestBroker.start(options);
    const { code, remark } = await checked(await running.client(), expression);
    return code === ResponseCode.SUBSCRIPTION_PARSE_FAILED ? remark : String(code);
  };

  it.each<[string, string, string]>([
    ['parentheses', '('.repeat(101) + 'a', 'maxFilterDepth=100'],
    ['signs', '- '.repeat(101) + 'a', 'maxFilterDepth=100'],
    ['NOTs', 'NOT '.repeat(101) + 'a', 'maxFilterDepth=100'],
    ['values and operators', 'a = b or '.repeat(200) + 'a = b', 'maxFilterTerms=512'],
    ['a chain of comparisons', 'a' + ' = a'.repeat(300), 'maxFilterTerms=512'],
    ['characters', `a IN ('${'x'.repeat(10_240)}')`, 'maxFilterLength=10240'],
  ])('with too many %s is refused, and the limit named', async (_what, expression, limit) => {
    expect(await refusal(expression)).toContain(limit);
  });

  it('within the limits is taken, and a limit may be lowered', async () => {
    const nested = '('.repeat(100) + 'a = 1' + ')'.repeat(100);
    expect(await refusal(nested)).toBe(String(ResponseCode.SUCCESS));
    await running?.stop();
    expect(await refusal('NOT (NOT a)', { maxFilterDepth: 2 })).toContain(
      'column 6: it is nested deeper than maxFilterDepth=2',
    );
    await running?.stop();
    expect(await refusal('a = 1', { maxFilterTerms: 2 })).toContain('column 5: it has more values and operators');
  });
});
