import { afterEach, describe, expect, it } from '@jest/globals';
import { MessageProperty, Requests, ResponseCode } from '@nest-rocketmq/remoting/internal';
import type { HeaderOf, MessageExt } from '@nest-rocketmq/remoting/internal';
import { TestBroker } from '../../test-kit/broker.js';
import type { TestClient } from '../../test-kit/broker.js';

let running: TestBroker;
afterEach(() => running.stop());

const RETRIES = { group: 'g', queueId: 0 };
const SECOND = 1000;

type Back = Partial<HeaderOf<typeof Requests.CONSUMER_SEND_MSG_BACK>>;

async function sendBack(client: TestClient, failed: { physicalOffset: number }, more: Back = {}): Promise<number> {
  const header = { offset: failed.physicalOffset, group: 'g', delayLevel: 0, ...more };
  return (await client.connection.request(Requests.CONSUMER_SEND_MSG_BACK, header)).code;
}

async function failedMessage(): Promise<{ client: TestClient; message: MessageExt }> {
  running = await TestBroker.start();
  const client = await running.client();
  await client.subscribe('me', 'g', { t: '*' });
  await client.send('t', { body: 'x', tags: 'a' });
  const message = (await client.messages('t', { group: 'g' }))[0]!;
  return { client, message };
}

describe('a message that is given back', () => {
  it('T084 comes again under the retry topic of its group after 10 s, then after 30 s', async () => {
    const { client, message } = await failedMessage();
    expect(await sendBack(client, message)).toBe(ResponseCode.SUCCESS);
    await running.clock.advance(10 * SECOND);
    const again = (await client.messages('%RETRY%g', RETRIES))[0]!;
    expect(again.reconsumeTimes).toBe(1);
    expect(again.body.toString()).toBe('x');
    expect(again.properties.get(MessageProperty.RETRY_TOPIC)).toBe('t');
    expect(again.properties.get(MessageProperty.ORIGIN_MESSAGE_ID)).toBe(message.offsetMsgId);
    expect(again.properties.get(MessageProperty.TAGS)).toBe('a');
    expect(await sendBack(client, again)).toBe(ResponseCode.SUCCESS);
    await running.clock.advance(29 * SECOND);
    expect(await client.messages('%RETRY%g', { ...RETRIES, offset: 1 })).toEqual([]);
    await running.clock.advance(SECOND);
    const third = (await client.messages('%RETRY%g', { ...RETRIES, offset: 1 }))[0]!;
    expect(third.reconsumeTimes).toBe(2);
    expect(third.properties.get(MessageProperty.ORIGIN_MESSAGE_ID)).toBe(message.offsetMsgId);
  });

  it('is of the topic that it was consumed from, whatever its producer has set', async () => {
    const { client } = await failedMessage();
    const set = { RETRY_TOPIC: 'elsewhere', ORIGIN_MESSAGE_ID: 'made-up' };
    await client.send('t', { body: 'y', properties: set, header: { j: 9 } });
    const message = (await client.messages('t', { group: 'g' }))[1]!;
    await sendBack(client, message, { delayLevel: 1 });
    await running.clock.advance(SECOND);
    const again = (await client.messages('%RETRY%g', RETRIES))[0]!;
    expect(again.properties.get(MessageProperty.RETRY_TOPIC)).toBe('t');
    expect(again.properties.get(MessageProperty.ORIGIN_MESSAGE_ID)).toBe(message.offsetMsgId);
    expect(again.reconsumeTimes).toBe(1);
  });

  it('that was a dead letter of another group is a message of its own', async () => {
    const { client, message } = await failedMessage();
    await sendBack(client, message, { delayLevel: -1 });
    const dead = (await client.messages('%DLQ%g', RETRIES))[0]!;
    await client.subscribe('menders', 'h', { '%DLQ%g': '*' });
    await sendBack(client, dead, { group: 'h', delayLevel: 1, maxReconsumeTimes: 1 });
    await running.clock.advance(SECOND);
    const again = (await client.messages('%RETRY%h', { group: 'h' }))[0]!;
    expect(again.properties.get(MessageProperty.RETRY_TOPIC)).toBe('%DLQ%g');
    expect(again.reconsumeTimes).toBe(1);
  });

  it('waits by the level that the consumer names', async () => {
    const { client, message } = await failedMessage();
    await sendBack(client, message, { delayLevel: 1 });
    await running.clock.advance(SECOND);
    expect(await client.messages('%RETRY%g', RETRIES)).toHaveLength(1);
  });

  it('is a dead letter at once when its consumer says so', async () => {
    const { client, message } = await failedMessage();
    await sendBack(client, message, { delayLevel: -1 });
    const dead = (await client.messages('%DLQ%g', RETRIES))[0]!;
    expect(dead.body.toString()).toBe('x');
    expect(dead.properties.get(MessageProperty.RETRY_TOPIC)).toBe('t');
  });

  it('is a dead letter when it has been tried often enough', async () => {
    const { client, message } = await failedMessage();
    await sendBack(client, message, { delayLevel: 1, maxReconsumeTimes: 1 });
    await running.clock.advance(SECOND);
    const again = (await client.messages('%RETRY%g', RETRIES))[0]!;
    await sendBack(client, again, { delayLevel: 1, maxReconsumeTimes: 1 });
    const dead = (await client.messages('%DLQ%g', RETRIES))[0]!;
    // As Apache keeps it: where it waited for its last try.
    expect(dead.properties.get(MessageProperty.REAL_TOPIC)).toBe('%RETRY%g');
  });

  it('is refused when nothing is stored at its offset', async () => {
    const { client } = await failedMessage();
    expect(await sendBack(client, { physicalOffset: 7_777_777 })).toBe(ResponseCode.SYSTEM_ERROR);
  });

  it('is refused for a group whose name cannot be', async () => {
    const { client, message } = await failedMessage();
    expect(await sendBack(client, message, { group: '../g' })).toBe(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST);
  });
});

describe('a dead letter', () => {
  /** Of group g, read and failed by `group`. */
  async function deadLetter(): Promise<{ client: TestClient; dead: MessageExt }> {
    const { client, message } = await failedMessage();
    await sendBack(client, message, { delayLevel: 1 });
    await running.clock.advance(SECOND);
    const again = (await client.messages('%RETRY%g', RETRIES))[0]!;
    await sendBack(client, again, { delayLevel: -1 });
    const dead = (await client.messages('%DLQ%g', RETRIES))[0]!;
    expect(dead).toMatchObject({ reconsumeTimes: 2 });
    return { client, dead };
  }

  it('that another group fails to consume comes again as itself, with a count of its own', async () => {
    const { client, dead } = await deadLetter();
    const group = 'undertakers';
    await client.subscribe('me too', group, { '%DLQ%g': '*' });
    expect(await sendBack(client, dead, { group, maxReconsumeTimes: 2 })).toBe(ResponseCode.SUCCESS);
    await running.clock.advance(10 * SECOND);
    const again = (await client.messages('%RETRY%undertakers', { group, queueId: 0 }))[0]!;
    expect(again.reconsumeTimes).toBe(1);
    expect(again.properties.get(MessageProperty.RETRY_TOPIC)).toBe('%DLQ%g');
    expect(again.properties.get(MessageProperty.DLQ_ORIGIN_TOPIC)).toBe('t');
    await sendBack(client, again, { group, maxReconsumeTimes: 1 });
    const deadAgain = (await client.messages('%DLQ%undertakers', { group, queueId: 0 }))[0]!;
    expect(deadAgain.properties.get(MessageProperty.RETRY_TOPIC)).toBe('%DLQ%g');
  });

  it.each([
    ['says that it shall not come again', { delayLevel: -1 }],
    ['has no tries', { maxReconsumeTimes: 0 }],
  ])('that its own group fails to consume, and %s, comes again after a pause that grows', async (_how, back) => {
    const { client, dead } = await deadLetter();
    await sendBack(client, dead, back);
    await running.clock.advance(9 * SECOND);
    expect(await client.messages('%RETRY%g', { ...RETRIES, offset: 1 })).toEqual([]);
    await running.clock.advance(SECOND);
    const again = (await client.messages('%RETRY%g', { ...RETRIES, offset: 1 }))[0]!;
    await sendBack(client, again, back);
    await running.clock.advance(29 * SECOND);
    expect(await client.messages('%RETRY%g', { ...RETRIES, offset: 2 })).toEqual([]);
    await running.clock.advance(SECOND);
    expect(await client.messages('%RETRY%g', { ...RETRIES, offset: 2 })).toHaveLength(1);
    expect(await client.messages('%DLQ%g', RETRIES)).toHaveLength(1);
  });

  it('of its own group that a client sends again by itself is not buried at once', async () => {
    const { client } = await deadLetter();
    const properties = { DELAY: '1', RETRY_TOPIC: '%DLQ%g' };
    await client.send('%RETRY%g', { body: 'r', properties, header: { j: 4, l: 3 } });
    await running.clock.advance(SECOND);
    expect(await client.messages('%RETRY%g', { ...RETRIES, offset: 1 })).toHaveLength(1);
    expect(await client.messages('%DLQ%g', RETRIES)).toHaveLength(1);
  });
});

describe('a dead letter of the own group without room for another try', () => {
  it('is not taken back: as a dead letter once more it would come again at once', async () => {
    running = await TestBroker.start();
    const client = await running.client();
    await client.subscribe('me', 'g', { t: '*' });
    await client.send('t', { body: 'x', properties: { long: 'v'.repeat(32_640) } });
    const message = (await client.messages('t', { group: 'g' }))[0]!;
    await sendBack(client, message);
    const dead = (await client.messages('%DLQ%g', RETRIES))[0]!;
    expect(await sendBack(client, dead)).toBe(ResponseCode.SYSTEM_ERROR);
    expect(await client.messages('%DLQ%g', RETRIES)).toHaveLength(1);
  });
});

describe('a retry that a client sends by itself', () => {
  it('is stored under its delay level while there are tries left', async () => {
    const { client } = await failedMessage();
    await client.send('%RETRY%g', { body: 'r', properties: { DELAY: '1' }, header: { j: 1, l: 3 } });
    await running.clock.advance(SECOND);
    expect(await client.messages('%RETRY%g', RETRIES)).toHaveLength(1);
  });

  it('is a dead letter when there are none left', async () => {
    const { client } = await failedMessage();
    await client.send('%RETRY%g', { body: 'r', properties: { DELAY: '1' }, header: { j: 4, l: 3 } });
    expect(await client.messages('%DLQ%g', RETRIES)).toHaveLength(1);
  });

  it('is a dead letter when its group consumes in order: it has tried in place already', async () => {
    const { client } = await failedMessage();
    const body = Buffer.from(
      JSON.stringify({
        clientId: 'me',
        consumerGroup: 'g',
        mqSet: [{ brokerName: 'broker-a', queueId: 0, topic: 't' }],
      }),
    );
    await client.connection.request(Requests.LOCK_BATCH_MQ, {}, { body });
    await client.send('%RETRY%g', { body: 'r', properties: { DELAY: '1' }, header: { j: 1, l: 16 } });
    expect(await client.messages('%DLQ%g', RETRIES)).toHaveLength(1);
  });
});
