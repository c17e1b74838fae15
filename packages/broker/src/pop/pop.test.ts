import { randomBytes } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  MessageProperty,
  Requests,
  SysFlag,
  encodeProperties,
  ResponseCode,
  dlqTopic,
  encodeBatchAck,
} from '@nest-rocketmq/remoting/internal';
import type { BrokerOptions } from '../config/broker-options.js';
import { INVISIBLE, PopClient, SECOND, bodiesOf } from '../../test-kit/pop-client.js';

let client: PopClient;
afterEach(() => client.stop());

const withMessages = async (bodies: string[], options: BrokerOptions = {}): Promise<PopClient> =>
  (client = await PopClient.start(bodies, options));

describe('a popped message', () => {
  it('T089 is invisible, and never comes again once it is acknowledged', async () => {
    await withMessages(['a', 'b']);
    const popped = await client.pop();
    expect(bodiesOf(popped)).toEqual(['a', 'b']);
    expect(popped.reply.header).toMatchObject({ startOffsetInfo: '0 0 0', msgOffsetInfo: '0 0 0,1', restNum: 0 });
    expect((await client.pop()).reply.code).toBe(ResponseCode.POLLING_TIMEOUT);
    for (const handle of popped.handles) expect((await client.ack(handle)).code).toBe(ResponseCode.SUCCESS);
    await client.advance(10 * INVISIBLE);
    expect(bodiesOf(await client.pop())).toEqual([]);
  });

  it('T087 comes again when its time is over, and counts how often', async () => {
    await withMessages(['a', 'b']);
    const first = await client.pop();
    await client.ack(first.handles[0]!);
    await client.advance(INVISIBLE - 1);
    expect(bodiesOf(await client.pop())).toEqual([]);
    await client.advance(1);
    const again = await client.pop();
    expect(bodiesOf(again)).toEqual(['b']);
    const [message] = again.messages;
    expect(message).toMatchObject({ topic: 't', reconsumeTimes: 1 });
    expect(message!.properties.get(MessageProperty.FIRST_POP_TIME)).toBe(String(first.reply.header.popTime));
    expect(again.handles[0]).toMatch(/ 1 broker-a 0 0$/);
    await client.ack(again.handles[0]!);
    await client.advance(10 * INVISIBLE);
    expect(bodiesOf(await client.pop())).toEqual([]);
  });

  it('becomes a dead letter when its group has tried it as often as it may', async () => {
    await withMessages(['a']);
    for (let tries = 0; tries <= 16; tries++) {
      expect((await client.pop()).messages.map(({ reconsumeTimes }) => reconsumeTimes)).toEqual([tries]);
      await client.advance(INVISIBLE);
    }
    expect(bodiesOf(await client.pop())).toEqual([]);
    const [dead] = await client.client.messages(dlqTopic('g'));
    expect(dead!.properties.get(MessageProperty.RETRY_TOPIC)).toBe('t');
  });

  it('T092 comes again at another time where that is changed, and its old handle counts no more', async () => {
    await withMessages(['a']);
    const [handle] = (await client.pop()).handles;
    await client.advance(1);
    const { header, code } = await client.changeTime(handle!, 60 * SECOND);
    const popTime = client.broker.clock.now();
    expect({ code, ...header }).toMatchObject({ code: 0, invisibleTime: 60 * SECOND, popTime });
    await client.ack(handle!);
    await client.advance(60 * SECOND - 1);
    expect(bodiesOf(await client.pop())).toEqual([]);
    await client.advance(1);
    expect(bodiesOf(await client.pop())).toEqual(['a']);
  });

  it('T092 is acknowledged by the handle of the changed time', async () => {
    await withMessages(['a']);
    const [handle] = (await client.pop()).handles;
    const { header } = await client.changeTime(handle!, 60 * SECOND);
    const [, , , reviveQueue, ...place] = handle!.split(' ');
    await client.ack([0, header.popTime, header.invisibleTime, reviveQueue, ...place].join(' '));
    await client.advance(100 * SECOND);
    expect(bodiesOf(await client.pop())).toEqual([]);
  });

  it('does not count as tried once more where its client only puts it off', async () => {
    await withMessages(['a']);
    const [handle] = (await client.pop()).handles;
    await client.changeTime(handle!, SECOND, { suspend: true });
    await client.advance(SECOND);
    const [message] = (await client.pop()).messages;
    expect(message).toMatchObject({ reconsumeTimes: 0 });
    expect(message!.properties.get('ORIGIN_GROUP')).toBe('g');
  });

  it('T090 is acknowledged with others in a batch', async () => {
    await withMessages(['a', 'b', 'c']);
    const { popTime, invisibleTime, reviveQid } = (await client.pop()).reply.header;
    const ofPop = { popTime: popTime!, invisibleTime: invisibleTime!, reviveQueueId: reviveQid! };
    const entry = { consumerGroup: 'g', topic: 't', retry: '0', startOffset: 0, queueId: 0, ...ofPop };
    const body = encodeBatchAck({ brokerName: 'broker-a', acks: [{ ...entry, bits: Buffer.from([0b101]) }] });
    expect((await client.client.connection.request(Requests.BATCH_ACK_MESSAGE, {}, { body })).code).toBe(0);
    await client.advance(INVISIBLE);
    expect(bodiesOf(await client.pop())).toEqual(['b']);
  });

  it('T090 with a large compressed body comes again as it is', async () => {
    await withMessages([]);
    const body = randomBytes(100_000);
    const header = { f: SysFlag.COMPRESSED };
    const properties = encodeProperties([['UNIQ_KEY', 'ABC']]);
    const fields = { a: 'p', b: 't', c: 'TBW102', d: 4, e: 0, g: 0, h: 0, i: properties, ...header };
    await client.client.connection.request(Requests.SEND_MESSAGE_V2, fields, { body: deflateSync(body) });
    await client.pop();
    await client.advance(INVISIBLE);
    const { messages, reply } = await client.pop();
    expect(messages[0]!.body.equals(body)).toBe(true);
    expect(reply.body.length).toBeGreaterThan(body.length);
  });
});

describe('a pop', () => {
  it('T091 goes back where the offset is reset, and acknowledgements of before do not count then', async () => {
    await withMessages(['a', 'b']);
    const { handles } = await client.pop();
    const reset = { group: 'g', topic: 't', timestamp: 0, isForce: true, offset: 0, queueId: 0 };
    await client.client.connection.request(Requests.INVOKE_BROKER_TO_RESET_OFFSET, reset);
    await client.advance(1);
    const again = await client.pop();
    expect(bodiesOf(again)).toEqual(['a', 'b']);
    await client.ack(handles[0]!);
    await client.ack(handles[1]!);
    await client.advance(INVISIBLE);
    expect(bodiesOf(await client.pop())).toEqual(['a', 'b']);
  });

  it('T091 wakes when the offset is reset while it waits', async () => {
    await withMessages(['a']);
    await client.ack((await client.pop()).handles[0]!);
    const waiting = client.pop({ pollTime: 20 * SECOND });
    await client.advance(SECOND);
    const reset = { group: 'g', topic: 't', timestamp: 0, isForce: true, offset: 0, queueId: 0 };
    await client.client.connection.request(Requests.INVOKE_BROKER_TO_RESET_OFFSET, reset);
    expect(bodiesOf(await waiting)).toEqual(['a']);
  });

  it('gets the messages of its tags, and the next one does not look at the others again', async () => {
    await withMessages(['a', 'b', 'a', 'c']);
    expect(bodiesOf(await client.pop({ exp: 'a', expType: 'TAG' }))).toEqual(['a', 'a']);
    expect(bodiesOf(await client.pop())).toEqual([]);
    await client.advance(INVISIBLE);
    expect(bodiesOf(await client.pop({ exp: 'a', expType: 'TAG' }))).toEqual(['a', 'a']);
  });

  it('gets the messages that an SQL92 expression chooses', async () => {
    await withMessages(['a', 'b']);
    expect(bodiesOf(await client.pop({ exp: "TAGS = 'b'", expType: 'SQL92' }))).toEqual(['b']);
  });

  it('begins at the last message where its group is new and wants no old ones, unless all are recent', async () => {
    await withMessages(['a', 'b']);
    expect(bodiesOf(await client.pop({ initMode: 1 }))).toEqual(['a', 'b']);
  });

  it('gets messages of all queues or of one', async () => {
    await withMessages(['a']);
    await client.send('b', 1);
    expect(bodiesOf(await client.pop({ queueId: 1 }))).toEqual(['b']);
    expect(bodiesOf(await client.pop({ queueId: 1 }))).toEqual([]);
    expect(bodiesOf(await client.pop())).toEqual(['a']);
  });

  it('of several at once gives each message to one', async () => {
    await withMessages(Array.from({ length: 60 }, (_, i) => `m${i}`));
    const popped = await Promise.all(Array.from({ length: 8 }, () => client.pop({ maxMsgNums: 8, pollTime: SECOND })));
    const all = popped.flatMap(bodiesOf);
    expect(all).toHaveLength(60);
    expect(new Set(all).size).toBe(60);
  });

  it('that finds nothing waits for a message, as long as it may', async () => {
    await withMessages(['a']);
    await client.pop();
    const waiting = client.pop({ pollTime: 5 * SECOND });
    await client.advance(SECOND);
    await client.send('late');
    expect(bodiesOf(await waiting)).toEqual(['late']);
    const over = client.pop({ pollTime: 5 * SECOND });
    await client.advance(5 * SECOND);
    expect((await over).reply.code).toBe(ResponseCode.POLLING_TIMEOUT);
  });

  it('that finds nothing waits for a message that becomes visible again', async () => {
    await withMessages(['a']);
    await client.pop();
    const waiting = client.pop({ pollTime: 2 * INVISIBLE });
    await client.advance(INVISIBLE);
    expect(bodiesOf(await waiting)).toEqual(['a']);
  });

  it('that waits for other tags is not woken', async () => {
    await withMessages(['a']);
    await client.pop();
    const waiting = client.pop({ pollTime: 20 * SECOND, exp: 'wanted' });
    await client.advance(SECOND);
    await client.send('other');
    await client.advance(SECOND);
    await client.send('wanted');
    expect(bodiesOf(await waiting)).toEqual(['wanted']);
  });
});
