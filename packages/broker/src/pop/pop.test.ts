import { afterEach, describe, expect, it } from '@jest/globals';
import {
  MessageProperty,
  Requests,
  ResponseCode,
  decodeRecords,
  dlqTopic,
  encodeBatchAck,
  popRetryTopic,
} from '@nest-rocketmq/remoting/internal';
import type { HeaderOf, MessageExt, Reply } from '@nest-rocketmq/remoting/internal';
import { TestBroker } from '../../test-kit/broker.js';
import type { TestClient } from '../../test-kit/broker.js';
import type { BrokerOptions } from '../config/broker-options.js';

const SECOND = 1_000;
const INVISIBLE = 10 * SECOND;
type PopHeader = HeaderOf<typeof Requests.POP_MESSAGE>;
type Popped = { reply: Reply<typeof Requests.POP_MESSAGE>; messages: MessageExt[]; handles: string[] };

let running: TestBroker;
afterEach(() => running.stop());

async function withMessages(bodies: string[], options: BrokerOptions = {}): Promise<TestClient> {
  running = await TestBroker.start(options);
  const client = await running.client();
  for (const body of bodies) await client.send('t', { body, tags: body });
  return client;
}

async function pop(client: TestClient, header: Partial<PopHeader> = {}): Promise<Popped> {
  const fields = {
    consumerGroup: 'g',
    topic: 't',
    queueId: -1,
    maxMsgNums: 32,
    invisibleTime: INVISIBLE,
    pollTime: 0,
    bornTime: running.clock.now(),
    initMode: 0,
    ...header,
  };
  const reply = await client.connection.request(Requests.POP_MESSAGE, fields, { timeout: 60 * SECOND });
  const messages = decodeRecords(reply.body);
  return { reply, messages, handles: handlesOf(reply, messages) };
}

/** As Apache's client makes them from the answer's lists. */
function handlesOf({ header }: Popped['reply'], messages: readonly MessageExt[]): string[] {
  const starts = new Map(
    (header.startOffsetInfo ?? '').split(';').map((one) => {
      const [flag, queueId, start] = one.split(' ');
      return [`${flag}@${queueId}`, start] as const;
    }),
  );
  return messages.map((message) => {
    const own = message.properties.get(MessageProperty.POP_CK);
    if (own !== undefined) return own;
    const start = starts.get(`0@${message.queueId}`);
    const { popTime, invisibleTime, reviveQid } = header;
    return [start, popTime, invisibleTime, reviveQid, 0, 'broker-a', message.queueId, message.queueOffset].join(' ');
  });
}

function placeOf(handle: string): { topic: string; queueId: number; offset: number } {
  const [, , , , flag, , queueId, offset] = handle.split(' ');
  const topic = flag === '0' ? 't' : popRetryTopic('t', 'g', flag === '2');
  return { topic, queueId: Number(queueId), offset: Number(offset) };
}

const ack = (client: TestClient, extraInfo: string): Promise<Reply<typeof Requests.ACK_MESSAGE>> =>
  client.connection.request(Requests.ACK_MESSAGE, { consumerGroup: 'g', extraInfo, ...placeOf(extraInfo) });

const changeTime = (client: TestClient, extraInfo: string, invisibleTime: number) =>
  client.connection.request(Requests.CHANGE_MESSAGE_INVISIBLETIME, {
    consumerGroup: 'g',
    extraInfo,
    invisibleTime,
    ...placeOf(extraInfo),
  });

const bodies = ({ messages }: Popped): string[] => messages.map(({ body }) => body.toString());

describe('a popped message', () => {
  it('T089 is invisible, and never comes again once it is acknowledged', async () => {
    const client = await withMessages(['a', 'b']);
    const popped = await pop(client);
    expect(bodies(popped)).toEqual(['a', 'b']);
    expect(popped.reply.header).toMatchObject({ startOffsetInfo: '0 0 0', msgOffsetInfo: '0 0 0,1', restNum: 0 });
    expect((await pop(client)).reply.code).toBe(ResponseCode.POLLING_TIMEOUT);
    for (const handle of popped.handles) expect((await ack(client, handle)).code).toBe(ResponseCode.SUCCESS);
    await running.clock.advance(10 * INVISIBLE);
    expect(bodies(await pop(client))).toEqual([]);
  });

  it('comes again when its time is over, and counts how often', async () => {
    const client = await withMessages(['a', 'b']);
    const first = await pop(client);
    await ack(client, first.handles[0]!);
    await running.clock.advance(INVISIBLE - 1);
    expect(bodies(await pop(client))).toEqual([]);
    await running.clock.advance(1);
    const again = await pop(client);
    expect(bodies(again)).toEqual(['b']);
    const [message] = again.messages;
    expect(message).toMatchObject({ topic: 't', reconsumeTimes: 1 });
    expect(message!.properties.get(MessageProperty.FIRST_POP_TIME)).toBe(String(first.reply.header.popTime));
    expect(again.handles[0]).toMatch(/ 1 broker-a 0 0$/);
    await ack(client, again.handles[0]!);
    await running.clock.advance(10 * INVISIBLE);
    expect(bodies(await pop(client))).toEqual([]);
  });

  it('becomes a dead letter when its group has tried it as often as it may', async () => {
    const client = await withMessages(['a']);
    for (let tries = 0; tries <= 16; tries++) {
      expect((await pop(client)).messages.map(({ reconsumeTimes }) => reconsumeTimes)).toEqual([tries]);
      await running.clock.advance(INVISIBLE);
    }
    expect(bodies(await pop(client))).toEqual([]);
    const [dead] = await client.messages(dlqTopic('g'));
    expect(dead!.properties.get(MessageProperty.RETRY_TOPIC)).toBe('t');
  });

  it('T092 comes again at another time where that is changed', async () => {
    const client = await withMessages(['a']);
    const [handle] = (await pop(client)).handles;
    const { header, code } = await changeTime(client, handle!, 60 * SECOND);
    expect({ code, ...header }).toMatchObject({ code: 0, invisibleTime: 60 * SECOND, popTime: running.clock.now() });
    await running.clock.advance(60 * SECOND - 1);
    expect(bodies(await pop(client))).toEqual([]);
    await running.clock.advance(1);
    expect(bodies(await pop(client))).toEqual(['a']);
  });

  it('T090 is acknowledged with others in a batch', async () => {
    const client = await withMessages(['a', 'b', 'c']);
    const { reply } = await pop(client);
    const { popTime, invisibleTime, reviveQid } = reply.header;
    const ofPop = { popTime: popTime!, invisibleTime: invisibleTime!, reviveQueueId: reviveQid! };
    const entry = { consumerGroup: 'g', topic: 't', retry: '0', startOffset: 0, queueId: 0, ...ofPop };
    const body = encodeBatchAck({ brokerName: 'broker-a', acks: [{ ...entry, bits: Buffer.from([0b101]) }] });
    expect((await client.connection.request(Requests.BATCH_ACK_MESSAGE, {}, { body })).code).toBe(0);
    await running.clock.advance(INVISIBLE);
    expect(bodies(await pop(client))).toEqual(['b']);
  });
});

describe('a pop that finds nothing', () => {
  it('waits for a message, as long as it may', async () => {
    const client = await withMessages(['a']);
    await pop(client);
    const waiting = pop(client, { pollTime: 5 * SECOND });
    await running.clock.advance(SECOND);
    await client.send('t', { body: 'late' });
    expect(bodies(await waiting)).toEqual(['late']);
    const over = pop(client, { pollTime: 5 * SECOND });
    await running.clock.advance(5 * SECOND);
    expect((await over).reply.code).toBe(ResponseCode.POLLING_TIMEOUT);
  });

  it('waits for a message that becomes visible again', async () => {
    const client = await withMessages(['a']);
    await pop(client);
    const waiting = pop(client, { pollTime: 2 * INVISIBLE });
    await running.clock.advance(INVISIBLE);
    expect(bodies(await waiting)).toEqual(['a']);
  });
});
