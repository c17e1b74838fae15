// A message whose properties were just short enough to be sent: every later hop adds to them. It is delivered again, or
// is with the dead letters; it is never refused then, and holds up nobody.
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  MAX_PROPERTIES_BYTES,
  Requests,
  ResponseCode,
  SysFlag,
  encodeProperties,
  handlerTable,
} from '@nest-rocketmq/remoting/internal';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import { START, TestBroker } from '../../test-kit/broker.js';
import type { TestClient } from '../../test-kit/broker.js';
import type { BrokerOptions } from '../config/broker-options.js';

let running: TestBroker;
afterEach(() => running.stop());

const SECOND = 1000;
const HOUR = 3_600 * SECOND;
const GROUP = 'g'.repeat(120);
/** With the longest names that there may be. */
const TOPIC = 't'.repeat(127);
/** What the broker itself adds when a message is sent. */
const OWN = encodeProperties([
  ['MSG_REGION', 'DefaultRegion'],
  ['TRACE_ON', 'true'],
  ['CLUSTER', 'DefaultCluster'],
]).length;
const UNIQ_KEY = 'ABCDEF';

const warnings: string[] = [];
const logger = { log() {}, warn: (line: string) => void warnings.push(line), error() {} };

async function start(options: BrokerOptions = {}): Promise<TestClient> {
  warnings.length = 0;
  running = await TestBroker.start({ messageIndexEnable: false, logger, ...options });
  return running.client();
}

/** Properties so long that, as they are stored, `free` bytes are left. */
function filling(free: number, more: Record<string, string> = {}): Record<string, string> {
  const taken = encodeProperties(Object.entries({ UNIQ_KEY, ...more, long: '' })).length + OWN;
  return { ...more, long: 'x'.repeat(MAX_PROPERTIES_BYTES - taken - free) };
}

async function sendBack(client: TestClient, failed: MessageExt, delayLevel: number): Promise<number> {
  const header = { offset: failed.physicalOffset, group: GROUP, delayLevel, maxReconsumeTimes: 2 };
  return (await client.connection.request(Requests.CONSUMER_SEND_MSG_BACK, header)).code;
}

/** Gives it back until it is a dead letter; returns that, and how often it came. */
async function consumeInVain(client: TestClient, delayLevel: number): Promise<{ dead: MessageExt[]; times: number }> {
  let failed: MessageExt | undefined = (await client.messages(TOPIC, { group: GROUP }))[0];
  let times = 0;
  while (failed && times < 20) {
    times++;
    expect(await sendBack(client, failed, delayLevel)).toBe(ResponseCode.SUCCESS);
    await running.clock.advance(SECOND);
    failed = (await client.messages(`%RETRY%${GROUP}`, { group: GROUP, offset: times - 1 }))[0];
  }
  return { dead: await client.messages(`%DLQ%${GROUP}`, { group: GROUP }), times };
}

/** Around each of the places where one more thing that a hop adds does not fit. */
const FREE = [0, 1, 2, 9, 10, 40, 61, 62, 63, 100, 140, 200, 260, 300, 330, 400, 420, 440, 500, 600];

describe('a message with long properties that fails', () => {
  it.each(FREE)('with %d bytes left ends among the dead letters, once and whole', async (free) => {
    const client = await start();
    const properties = filling(free);
    expect((await client.send(TOPIC, { body: 'b', properties })).code).toBe(ResponseCode.SUCCESS);
    const { dead, times } = await consumeInVain(client, 1);
    expect(dead).toHaveLength(1);
    expect(dead[0]!.body.toString()).toBe('b');
    expect(dead[0]!.properties.get('long')).toBe(properties['long']);
    expect(times).toBe(dead[0]!.reconsumeTimes);
    // It is tried as often as others are, or it is said why not.
    if (times < 3) expect(warnings).toEqual([expect.stringContaining(`It is in %DLQ%${GROUP}`)]);
    else expect(warnings).toEqual([]);
  });

  it('is tried again where leaving out what the broker has added makes room', async () => {
    const client = await start();
    const needed = encodeProperties([
      ['RETRY_TOPIC', TOPIC],
      ['ORIGIN_MESSAGE_ID', '0'.repeat(32)],
      ['WAIT', 'false'],
      ['DELAY', '1'],
      ['REAL_TOPIC', `%RETRY%${GROUP}`],
      ['REAL_QID', '0'],
    ]).length;
    await client.send(TOPIC, { properties: filling(needed - OWN) });
    expect((await consumeInVain(client, 1)).times).toBe(3);
    expect(warnings).toEqual([]);
  });

  it('is a dead letter where its client sends the retry and that has no room to wait', async () => {
    const client = await start();
    for (const free of [0, 62, 100, 400]) {
      const header = { j: 1, l: 16 };
      const properties = filling(free, { DELAY: '1' });
      expect((await client.send(`%RETRY%${GROUP}`, { properties, header })).code).toBe(ResponseCode.SUCCESS);
    }
    await running.clock.advance(5 * SECOND);
    const dead = await client.messages(`%DLQ%${GROUP}`, { group: GROUP });
    const again = await client.messages(`%RETRY%${GROUP}`, { group: GROUP });
    expect([dead.length, again.length]).toEqual([2, 2]);
  });
});

describe('a half message with long properties', () => {
  const PREPARED = { sysFlag: SysFlag.TRANSACTION_PREPARED };
  const asked: number[] = [];

  async function producer(): Promise<TestClient> {
    asked.length = 0;
    const client = await running.client(
      handlerTable({ CHECK_TRANSACTION_STATE: ({ header }) => void asked.push(header.tranStateTableOffset) }),
    );
    await client.produce('me', 'p');
    return client;
  }

  it('is refused when it is sent, or asked about as often as any other', async () => {
    await start({ transactionCheckMax: 20 });
    const client = await producer();
    const codes = new Set<number>();
    let taken = 0;
    for (let free = 0; free < 400; free += 11) {
      const properties = filling(free, { TRAN_MSG: 'true', PGROUP: 'p' });
      const { code } = await client.send(TOPIC, { ...PREPARED, properties });
      codes.add(code);
      if (code === ResponseCode.SUCCESS) taken++;
    }
    expect([...codes].sort((a, b) => a - b)).toEqual([ResponseCode.SUCCESS, ResponseCode.MESSAGE_ILLEGAL]);
    for (let minute = 0; minute < 7; minute++) {
      await client.produce('me', 'p');
      await running.clock.advance(60 * SECOND);
    }
    // By then the count of the questions has two digits.
    expect(asked.length).toBeGreaterThanOrEqual(taken * 10);
    expect(asked.length % taken).toBe(0);
    expect(warnings.filter((line) => !line.includes('it has been silent'))).toEqual([]);
  });
});

describe('a delayed message', () => {
  it('with long properties is refused when it is sent, or delivered', async () => {
    const client = await start();
    let taken = 0;
    for (let free = 0; free < 400; free += 11) {
      const { code } = await client.send(TOPIC, { properties: filling(free, { DELAY: '1' }) });
      expect([ResponseCode.SUCCESS, ResponseCode.MESSAGE_ILLEGAL]).toContain(code);
      if (code === ResponseCode.SUCCESS) taken++;
    }
    await running.clock.advance(5 * SECOND);
    expect((await client.pull(TOPIC)).header.maxOffset).toBe(taken);
    expect(taken).toBeGreaterThan(0);
  });

  it('of a topic under which nothing can be stored is refused when it is sent', async () => {
    const client = await start();
    const topic = `%DLQ%${'x'.repeat(150)}`;
    expect((await client.send(topic, { properties: { DELAY: '1' } })).code).toBe(ResponseCode.MESSAGE_ILLEGAL);
  });
});

describe('a message that was stored under a larger maxMessageSize', () => {
  it('is delivered when it is due, given back, and committed', async () => {
    const client = await start({ maxMessageSize: 10_000 });
    const body = 'b'.repeat(9_000);
    await client.send('due', { body, properties: { DELAY: '3' } });
    await client.send('plain', { body });
    await client.subscribe('me', 'g', { plain: '*' });
    await running.stop();
    await running.restart({ maxMessageSize: 1_000 });
    const after = await running.client();
    expect((await after.send('plain', { body })).code).toBe(ResponseCode.MESSAGE_ILLEGAL);
    const failed = (await after.messages('plain', { group: 'g' }))[0]!;
    const header = { offset: failed.physicalOffset, group: 'g', delayLevel: 1 };
    expect((await after.connection.request(Requests.CONSUMER_SEND_MSG_BACK, header)).code).toBe(ResponseCode.SUCCESS);
    await running.clock.advanceTo(START + HOUR);
    const last = await running.client();
    expect(await last.messages('due')).toHaveLength(1);
    expect(await last.messages('%RETRY%g', { group: 'g' })).toHaveLength(1);
  });

  it('is found after a kill', async () => {
    const client = await start({ maxMessageSize: 200_000 });
    await client.send('t', { body: 'b'.repeat(199_000) });
    await running.killAndRestart(undefined, { maxMessageSize: 1_000 });
    expect(await (await running.client()).messages('t')).toHaveLength(1);
  });
});
