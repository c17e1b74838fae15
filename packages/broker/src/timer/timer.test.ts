import { afterEach, describe, expect, it } from '@jest/globals';
import {
  MessageProperty,
  Requests,
  ResponseCode,
  SysFlag,
  decodeOffsetMsgId,
  decodeRecallHandle,
  encodeBatch,
  encodeProperties,
} from '@nest-rocketmq/remoting/internal';
import { START, TestBroker } from '../../test-kit/broker.js';
import type { TestClient } from '../../test-kit/broker.js';

let running: TestBroker;
afterEach(() => running.stop());

const SECOND = 1000;
const HOUR = 3_600 * SECOND;
const DAY = 24 * HOUR;

const bodies = async (client: TestClient, topic = 't'): Promise<string[]> =>
  (await client.messages(topic)).map((message) => message.body.toString());

async function client(options: Parameters<typeof TestBroker.start>[0] = {}): Promise<TestClient> {
  running = await TestBroker.start(options);
  return running.client();
}

const at = (time: number): Record<string, string> => ({ TIMER_DELIVER_MS: String(time) });

describe('a message with a time of its own', () => {
  it.each([
    ['TIMER_DELIVER_MS', START + 7_230, 7_230],
    ['TIMER_DELIVER_MS', START + 7_000, 7_000],
    ['TIMER_DELAY_MS', 1_501, 1_501],
    ['TIMER_DELAY_SEC', 90, 90_000],
  ])('T072: by %s %d is not there before its time, and is there on the dot', async (name, value, due) => {
    const sender = await client();
    await sender.send('t', { body: 'late', properties: { [name]: String(value) } });
    await running.clock.advanceTo(START + due - 1);
    expect(await bodies(sender)).toEqual([]);
    await running.clock.advanceTo(START + due);
    const [message] = await sender.messages('t');
    expect(message!.body.toString()).toBe('late');
    expect(message!.storeTimestamp).toBe(START + due);
    const { properties } = message!;
    expect(properties.get(name)).toBe(String(value));
    expect(properties.get(MessageProperty.TIMER_OUT_MS)).toBe(String(START + due - 1));
    expect(properties.get(MessageProperty.TIMER_ENQUEUE_MS)).toBe(String(START));
    expect(properties.get(MessageProperty.TIMER_DEQUEUE_MS)).toBe(String(START + due));
    expect(properties.get(MessageProperty.REAL_TOPIC)).toBe('t');
  });

  it('names the record that it waited in, so that the log tells what was delivered', async () => {
    const sender = await client();
    await sender.send('t', { body: 'before' });
    const { header } = await sender.send('t', { body: 'x', properties: { TIMER_DELAY_MS: '10' } });
    await running.clock.advance(10);
    const [, message] = await sender.messages('t');
    expect(message!.preparedTransactionOffset).toBe(decodeOffsetMsgId(header.msgId ?? '').physicalOffset);
  });

  it.each([
    ['seconds over ms and a time', { TIMER_DELAY_SEC: '3', TIMER_DELAY_MS: '1000', ...at(START + 2_000) }, 3_000],
    ['ms over a time', { TIMER_DELAY_MS: '1000', ...at(START + 2_000) }, 1_000],
    ['a level over all', { DELAY: '2', TIMER_DELAY_MS: '1000', ...at(START + 2_000) }, 5_000],
  ])('is delivered by %s', async (_what, properties, due) => {
    const sender = await client();
    await sender.send('t', { body: 'x', properties });
    await running.clock.advance(due - 1);
    expect(await bodies(sender)).toEqual([]);
    await running.clock.advance(1);
    expect(await bodies(sender)).toEqual(['x']);
    const [message] = await sender.messages('t');
    expect(message!.properties.has('TIMER_DELAY_MS')).toBe(!('DELAY' in properties));
  });

  it.each([
    ['a time that has passed', at(START - 5_000)],
    ['the time that it is', at(START)],
    ['no delay', { TIMER_DELAY_MS: '0' }],
    ['no seconds', { TIMER_DELAY_SEC: '0' }],
    ['a negative delay', { TIMER_DELAY_MS: '-1' }],
    ['the time of an earlier hop', { ...at(START + 5_000), TIMER_OUT_MS: '1' }],
  ])('T073: with %s is delivered at once, under its own topic', async (_what, properties) => {
    const sender = await client();
    const { code, header } = await sender.send('t', { body: 'now', properties });
    expect(code).toBe(ResponseCode.SUCCESS);
    expect(header.recallHandle).toBeUndefined();
    expect(await bodies(sender)).toEqual(['now']);
  });

  it.each([
    ['more than timerMaxDelaySec', { TIMER_DELAY_MS: String(3 * DAY + 1) }],
    ['a time further away', at(START + 3 * DAY + 1)],
    ['a fraction', { TIMER_DELAY_MS: '1.5' }],
    ['no number', { TIMER_DELAY_SEC: 'soon' }],
    ['seconds that no clock counts', { TIMER_DELAY_SEC: '9223372036854775807' }],
  ])('T074: with %s is refused with Apache’s code, and the limit is named', async (_what, properties) => {
    const sender = await client();
    const { code, remark } = await sender.send('t', { properties });
    expect(code).toBe(ResponseCode.MESSAGE_ILLEGAL);
    expect(remark).toMatch(
      /^timer message illegal, the delay time should not be bigger than the max delay 259200000ms \(timerMaxDelaySec=259200\)/,
    );
  });

  it('of exactly timerMaxDelaySec is taken, and the option sets it', async () => {
    const sender = await client({ timerMaxDelaySec: 60 });
    expect((await sender.send('t', { properties: { TIMER_DELAY_SEC: '60' } })).code).toBe(ResponseCode.SUCCESS);
    const refused = await sender.send('t', { properties: { TIMER_DELAY_MS: '60001' } });
    expect(refused.remark).toContain('timerMaxDelaySec=60)');
  });

  it('T076: is refused while as many wait as may', async () => {
    const sender = await client({ maxPendingTimers: 2 });
    const send = () => sender.send('t', { properties: { TIMER_DELAY_SEC: '1' } });
    await send();
    await send();
    expect(await send()).toMatchObject({
      code: ResponseCode.SYSTEM_ERROR,
      remark: expect.stringContaining('maxPendingTimers=2'),
    });
    await running.clock.advance(SECOND);
    expect((await send()).code).toBe(ResponseCode.SUCCESS);
  });

  it('is refused where timerWheelEnable is false', async () => {
    const sender = await client({ timerWheelEnable: false });
    expect(await sender.send('t', { properties: { TIMER_DELAY_SEC: '1' } })).toMatchObject({
      code: ResponseCode.SYSTEM_ERROR,
      remark: 'accurate timer message is not enabled, timerWheelEnable is false',
    });
  });

  it('is delivered in the order of time, and of sending where that is the same', async () => {
    const sender = await client();
    for (const [body, ms] of [
      ['c', 30],
      ['a', 10],
      ['d', 30],
      ['b', 20],
    ] as const)
      await sender.send('t', { body, properties: { TIMER_DELAY_MS: String(ms) } });
    await running.clock.advance(SECOND);
    expect(await bodies(sender)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('wakes a pull that waits for its tag', async () => {
    const sender = await client();
    await sender.send('t', { properties: { TIMER_DELAY_MS: '1500' }, tags: 'a' });
    const waiting = sender.messages('t', { suspend: 15_000, expression: 'a' });
    await running.clock.advance(1_500);
    expect(await waiting).toHaveLength(1);
  });

  it('cannot be of a batch, nor put into the timer topic by a client', async () => {
    const sender = await client();
    expect((await sender.send('rmq_sys_wheel_timer')).code).toBe(ResponseCode.NO_PERMISSION);
    const properties = Buffer.from(encodeProperties([['TIMER_DELAY_MS', '5']]));
    const body = encodeBatch([{ flag: 0, body: Buffer.from('x'), properties }]);
    const header = { a: 'p', b: 't', c: 'TBW102', d: 4, e: 0, f: 0, g: 0, h: 0, m: true };
    const { code } = await sender.connection.request(Requests.SEND_BATCH_MESSAGE, header, { body });
    expect(code).toBe(ResponseCode.MESSAGE_ILLEGAL);
  });

  it('in a transaction waits from its commit on', async () => {
    const sender = await client();
    await sender.produce('producer', 'p');
    const properties = { TRAN_MSG: 'true', PGROUP: 'p', TIMER_DELAY_MS: '4000' };
    const { header } = await sender.send('t', { body: 'x', sysFlag: SysFlag.TRANSACTION_PREPARED, properties });
    await running.clock.advance(3_000);
    const { code } = await sender.connection.request(Requests.END_TRANSACTION, {
      producerGroup: 'p',
      tranStateTableOffset: header.queueOffset!,
      commitLogOffset: decodeOffsetMsgId(header.msgId!).physicalOffset,
      commitOrRollback: SysFlag.TRANSACTION_COMMIT,
      msgId: 'ABCDEF',
    });
    expect(code).toBe(ResponseCode.SUCCESS);
    await running.clock.advance(3_999);
    expect(await bodies(sender)).toEqual([]);
    await running.clock.advance(1);
    expect(await bodies(sender)).toEqual(['x']);
  });

  it('in a transaction is refused at once where its delay could not be kept at the commit', async () => {
    const sender = await client();
    const properties = { TRAN_MSG: 'true', PGROUP: 'p', TIMER_DELAY_MS: String(4 * DAY) };
    const { code } = await sender.send('t', { sysFlag: SysFlag.TRANSACTION_PREPARED, properties });
    expect(code).toBe(ResponseCode.MESSAGE_ILLEGAL);
  });

  it('is delivered by the thousand, each once', async () => {
    const sender = await client();
    const names = Array.from({ length: 1_000 }, (_, index) => String(index));
    await Promise.all(names.map((body) => sender.send('t', { body, properties: at(START + SECOND) })));
    await running.clock.advance(SECOND);
    const got: string[] = [];
    for (let more = await bodies(sender); more.length > 0;) {
      got.push(...more);
      more = (await sender.messages('t', { offset: got.length })).map((message) => message.body.toString());
    }
    expect(got).toEqual(names);
  });
});

describe('a delay of 36 hours', () => {
  it('is turned through in less than 50 ms, for hardly anything else falls due meanwhile', async () => {
    const sender = await client();
    await sender.send('t', { body: 'far', properties: { TIMER_DELAY_SEC: String(36 * 3_600) } });
    const { clock } = running;
    const setTimeout = clock.setTimeout.bind(clock);
    let timers = 0;
    clock.setTimeout = (...args) => (timers++, setTimeout(...args));
    await clock.advance(36 * HOUR - 1);
    expect(await bodies(await running.client())).toEqual([]);
    await clock.advance(1);
    expect(await bodies(await running.client())).toEqual(['far']);
    // Each takes 50 µs.
    expect(timers).toBeLessThan(200);
  });
});

describe('after a restart, a message with a time of its own', () => {
  it('T078: is delivered once', async () => {
    const before = await client({ messageIndexEnable: false });
    for (const ms of [500, 1_500, 2_500]) {
      await before.send('t', { body: String(ms), properties: { TIMER_DELAY_MS: String(ms) } });
    }
    await running.clock.advance(SECOND);
    await running.restart();
    await running.clock.advance(SECOND);
    expect(await bodies(await running.client())).toEqual(['500', '1500']);
    await running.restart();
    await running.clock.advance(SECOND);
    expect(await bodies(await running.client())).toEqual(['500', '1500', '2500']);
  });

  it('that fell due meanwhile comes when the broker is up', async () => {
    const before = await client({ messageIndexEnable: false });
    await before.send('t', { body: 'x', properties: { TIMER_DELAY_SEC: '60' } });
    await running.stop();
    await running.clock.advance(10 * 60 * SECOND);
    await running.restart();
    await running.clock.advance(0);
    expect(await bodies(await running.client())).toEqual(['x']);
  });

  it('keeps its time though the delay levels were changed, and so does one with a level', async () => {
    const before = await client({ messageIndexEnable: false });
    await before.send('t', { body: 'level', properties: { DELAY: '3' } });
    await before.send('t', { body: 'no level any more', properties: { DELAY: '4' } });
    await before.send('t', { body: 'time', properties: { TIMER_DELAY_SEC: '10' } });
    await running.restart({ messageDelayLevel: '1s 2s 3s' });
    await running.clock.advance(10 * SECOND - 1);
    expect(await bodies(await running.client())).toEqual([]);
    await running.clock.advance(1);
    expect((await bodies(await running.client())).sort()).toEqual(['level', 'time']);
    await running.clock.advance(20 * SECOND - 1);
    expect(await bodies(await running.client())).toHaveLength(2);
    await running.clock.advance(1);
    expect((await bodies(await running.client()))[2]).toBe('no level any more');
  });
});

describe('a recall', () => {
  const recall = async (sender: TestClient, recallHandle: string, topic = 't') =>
    sender.connection.request(Requests.RECALL_MESSAGE, { producerGroup: 'p', topic, recallHandle });
  const send = async (sender: TestClient, body = 'x', topic = 't', properties = {}): Promise<string> =>
    (await sender.send(topic, { body, properties: { UNIQ_KEY: body, TIMER_DELAY_MS: '5300', ...properties } })).header
      .recallHandle ?? '';

  it('T048, T079: has a handle as Apache makes it, takes the message back, and answers with its key', async () => {
    const sender = await client();
    await send(sender, 'kept');
    const handle = await send(sender);
    expect(decodeRecallHandle(handle)).toEqual({
      topic: 't',
      brokerName: 'broker-a',
      timestamp: START + 5_300,
      uniqKey: 'x',
    });
    const answer = await recall(sender, handle);
    expect(answer).toMatchObject({ code: ResponseCode.SUCCESS, header: { msgId: 'x' } });
    await running.clock.advance(10 * SECOND);
    expect(await bodies(sender)).toEqual(['kept']);
  });

  it.each([{}, { messageIndexEnable: false }])('is kept over a restart and a kill with %j', async (options) => {
    const sender = await client(options);
    const [first, second] = [await send(sender, 'first'), await send(sender, 'second')];
    await send(sender, 'kept');
    expect((await recall(sender, first)).code).toBe(ResponseCode.SUCCESS);
    await running.restart();
    expect((await recall(await running.client(), second)).code).toBe(ResponseCode.SUCCESS);
    await running.killAndRestart();
    expect((await recall(await running.client(), second)).code).toBe(ResponseCode.ILLEGAL_OPERATION);
    await running.clock.advance(10 * SECOND);
    expect(await bodies(await running.client())).toEqual(['kept']);
  });

  it('T048, T079: is not offered for a level, nor for a message without a time', async () => {
    const sender = await client();
    expect(await send(sender, 'level', 't', { DELAY: '2' })).toBe('');
    expect((await sender.send('t')).header.recallHandle).toBeUndefined();
  });

  it('T080: takes back only the message of its topic where two have the same key', async () => {
    const sender = await client();
    const handle = await send(sender, 'same', 't');
    await send(sender, 'same', 'u');
    expect((await recall(sender, handle)).code).toBe(ResponseCode.SUCCESS);
    await running.clock.advance(10 * SECOND);
    expect([await bodies(sender, 't'), await bodies(sender, 'u')]).toEqual([[], ['same']]);
  });

  it('T081: too late, unknown, foreign and garbled handles are told apart', async () => {
    const sender = await client();
    await sender.send('u');
    const handle = await send(sender);
    const text = (parts: Partial<Record<'topic' | 'broker' | 'time' | 'key', string | number>>): string => {
      const { topic = 't', broker = 'broker-a', time = START + 5_300, key = 'x' } = parts;
      return Buffer.from(`v1 ${topic} ${broker} ${time} ${key}`).toString('base64url');
    };
    const refusals: [string, string, string?][] = [
      ['recall handle is invalid', '?'],
      ['recall handle is invalid', ''],
      ['recall failed, topic not match', handle, 'u'],
      ['recall failed, broker service not available', text({ broker: 'broker-b' })],
      ['recall failed, timestamp invalid', text({ time: START })],
      ['recall failed, timestamp invalid', text({ time: 'soon' })],
      ['recall failed, timestamp invalid', text({ time: START + 4 * DAY })],
      ['recall failed, no such message waits: it was recalled before, or never sent', text({ key: 'other' })],
      ['recall failed, no such message waits: it was recalled before, or never sent', text({ time: START + 9_000 })],
    ];
    for (const [remark, given, topic] of refusals)
      expect(await recall(sender, given, topic)).toMatchObject({ code: ResponseCode.ILLEGAL_OPERATION, remark });
    expect(await recall(sender, handle, 'none')).toMatchObject({
      code: ResponseCode.TOPIC_NOT_EXIST,
      remark: 'recall failed, the topic[none] not exist',
    });
    expect((await recall(sender, handle)).code).toBe(ResponseCode.SUCCESS);
    expect((await recall(sender, handle)).code).toBe(ResponseCode.ILLEGAL_OPERATION);
    const late = await send(sender, 'late');
    await running.clock.advance(5_300);
    expect(await recall(sender, late)).toMatchObject({ remark: 'recall failed, timestamp invalid' });
    expect(await bodies(sender)).toEqual(['late']);
  });

  it.each([
    [{ recallMessageEnable: false }, ResponseCode.NO_PERMISSION, 'recall failed, operation is forbidden'],
    [{ brokerPermission: 4 }, ResponseCode.SERVICE_NOT_AVAILABLE, 'recall failed, broker service not available'],
  ])('T081: is refused with %j', async (options, code, remark) => {
    const sender = await client(options);
    expect(await recall(sender, 'djEgdCBiIDEgaw==')).toMatchObject({ code, remark });
  });

  it('T077: may be a message of a client, which takes back that one message, and not one in the past', async () => {
    const sender = await client();
    await send(sender, 'x', 't', { UNIQ_KEY: 'a' });
    await send(sender, 'y', 't', { UNIQ_KEY: 'b' });
    await send(sender, 'z', 'u', { UNIQ_KEY: 'a' });
    const properties = { TIMER_DEL_UNIQKEY: 'a', ...at(START + 5_400) };
    expect((await sender.send('t', { properties })).code).toBe(ResponseCode.SUCCESS);
    const past = { TIMER_DEL_UNIQKEY: 'a', ...at(START - 1) };
    expect((await sender.send('t', { properties: past })).code).toBe(ResponseCode.MESSAGE_ILLEGAL);
    await running.clock.advance(10 * SECOND);
    expect([await bodies(sender, 't'), await bodies(sender, 'u')]).toEqual([['y'], ['z']]);
  });
});
