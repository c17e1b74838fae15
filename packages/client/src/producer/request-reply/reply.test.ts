import { afterEach, describe, expect, it } from '@jest/globals';
import { ResponseCode, decodeProperties, decodeRecord } from '@nest-rocketmq/remoting/internal';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import { FakeCluster, NAME_SERVER } from '../../../test-kit/fake-cluster.js';
import { RocketMQClient } from '../../client.js';
import { SendFailedError } from '../../errors.js';
import { NotARequestError, RequesterGoneError } from '../../replies/errors.js';
import type { Producer } from '../producer.js';
import { isRequest } from './reply.js';

const TOPIC = 'DefaultCluster_REPLY_TOPIC';
const ASKED = { CLUSTER: 'DefaultCluster', CORRELATION_ID: 'c-1', REPLY_TO_CLIENT: 'requester', TTL: '500' };
const GONE = { code: ResponseCode.SYSTEM_ERROR, remark: 'push reply message fail, channel of <requester> not found.' };

let cluster: FakeCluster;
let client: RocketMQClient;

async function answering(brokers = ['broker-a']): Promise<Producer> {
  cluster = new FakeCluster({ topics: { t: 1, [TOPIC]: 1 }, brokers });
  client = new RocketMQClient({ nameServer: NAME_SERVER, dial: cluster.dial, clock: cluster.clock });
  const producer = client.createProducer({ group: 'answering' });
  await producer.start();
  return producer;
}

function request(properties: Record<string, string> = ASKED, brokerName = 'broker-a'): MessageExt {
  return { ...decodeRecord(cluster.broker.put('t', 0, 'question', { properties })), brokerName };
}

const replies = () => cluster.brokers.flatMap((broker) => broker.requests('SEND_REPLY_MESSAGE_V2'));

afterEach(async () => {
  await client.shutdown();
  await cluster.close();
  expect(cluster.clock.pending).toBe(0);
});

describe('a reply', () => {
  it("T042 goes to its cluster's reply topic with the properties that lead it to the requester", async () => {
    const producer = await answering();
    const sent = await producer.replyTo(request(), 'answer', { tags: 'a', flag: 7, properties: { colour: 'blue' } });
    expect(sent).toMatchObject({ sendStatus: 'SEND_OK', messageQueue: { topic: TOPIC } });
    const [reply] = replies();
    expect(reply!.body.toString()).toBe('answer');
    expect(reply!.header).toMatchObject({ a: 'answering', b: TOPIC, h: 7 });
    expect(Object.fromEntries(decodeProperties(String(reply!.header['i'])))).toEqual({
      MSG_TYPE: 'reply',
      CORRELATION_ID: 'c-1',
      REPLY_TO_CLIENT: 'requester',
      TTL: '500',
      TAGS: 'a',
      colour: 'blue',
      WAIT: 'true',
      UNIQ_KEY: sent.msgId,
    });
  });

  it.each(['CLUSTER', 'CORRELATION_ID', 'REPLY_TO_CLIENT'])(
    'T042 to a message without %s is refused, and nothing is sent',
    async (missing) => {
      const producer = await answering();
      const properties: Record<string, string> = { ...ASKED };
      delete properties[missing];
      const error = await producer.replyTo(request(properties), 'answer').catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(NotARequestError);
      expect(error).toMatchObject({ code: 'CREATE_REPLY_MESSAGE', missing });
      expect(replies()).toEqual([]);
    },
  );

  it('T042 to no message at all is refused', async () => {
    const producer = await answering();
    await expect(producer.replyTo(undefined as never, 'answer')).rejects.toThrow(NotARequestError);
  });

  it('goes to the broker that the request came from, and to the others only if that one cannot', async () => {
    const producer = await answering(['broker-a', 'broker-b', 'broker-c']);
    const [, , last] = cluster.brokers;
    await producer.replyTo(request(ASKED, 'broker-c'), 'answer');
    expect(last!.requests('SEND_REPLY_MESSAGE_V2')).toHaveLength(1);
    last!.next('SEND_REPLY_MESSAGE_V2', () => GONE);
    await producer.replyTo(request(ASKED, 'broker-c'), 'answer');
    expect(replies()).toHaveLength(3);
  });

  it('whose requester no broker knows is rejected after one attempt at each', async () => {
    const producer = await answering(['broker-a', 'broker-b']);
    for (const broker of cluster.brokers) broker.next('SEND_REPLY_MESSAGE_V2', () => GONE);
    const error = await producer.replyTo(request(), 'answer').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RequesterGoneError);
    expect(error).toMatchObject({ code: 'REQUESTER_GONE', requester: 'requester', correlationId: 'c-1' });
    expect(replies()).toHaveLength(2);
  });

  it('waits for a broker that is being restarted, and is rejected when its time is over', async () => {
    const producer = await answering();
    const asked = request();
    await producer.replyTo(asked, 'first');
    cluster.takeDown(cluster.broker.address);
    const back = producer.replyTo(asked, 'second', { timeout: 3_000 });
    await cluster.clock.advance(500);
    cluster.bringUp(cluster.broker.address);
    await cluster.clock.advance(2_000);
    await expect(back).resolves.toMatchObject({ sendStatus: 'SEND_OK' });
    cluster.takeDown(cluster.broker.address);
    const never = producer.replyTo(asked, 'third', { timeout: 1_000 }).catch((thrown: unknown) => thrown);
    await cluster.clock.advance(1_500);
    expect(await never).toBeInstanceOf(SendFailedError);
  });
});

describe('a message', () => {
  it('is a request when it names a correlation and a client to reply to', () => {
    const of = (properties: Record<string, string>) => ({ properties: new Map(Object.entries(properties)) });
    expect(isRequest(of(ASKED))).toBe(true);
    expect(isRequest(of({ CORRELATION_ID: 'c-1' }))).toBe(false);
    expect(isRequest(of({}))).toBe(false);
  });
});
