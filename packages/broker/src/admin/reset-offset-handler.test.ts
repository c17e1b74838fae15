import { afterEach, describe, expect, it } from '@jest/globals';
import { Requests, ResponseCode, decodeQueueTable, objectOf, parseJson } from '@nest-rocketmq/remoting/internal';
import type { HeaderOf } from '@nest-rocketmq/remoting/internal';
import { TestBroker } from '../../test-kit/broker.js';
import type { TestClient } from '../../test-kit/broker.js';

let running: TestBroker;
afterEach(() => running.stop());

type Reset = HeaderOf<typeof Requests.INVOKE_BROKER_TO_RESET_OFFSET>;

/** What mqadmin resetOffsetByTime sends for all queues. */
const TO_THE_BEGINNING: Reset = { topic: 'orders', group: 'g', queueId: -1, offset: -1, timestamp: 0, isForce: true };
const QUEUE = { consumerGroup: 'g', topic: 'orders', queueId: 0 };

/** A client whose group g has consumed both of the messages in queue 0, which are a second apart. */
async function consumed(): Promise<TestClient> {
  running = await TestBroker.start();
  const client = await running.client();
  await client.subscribe('me', 'g', { orders: '*' });
  await client.send('orders');
  await running.clock.advance(1000);
  await client.send('orders');
  await commit(client, 2);
  return client;
}

async function commit({ connection }: TestClient, commitOffset: number): Promise<void> {
  await connection.request(Requests.UPDATE_CONSUMER_OFFSET, { ...QUEUE, commitOffset });
}

async function committed({ connection }: TestClient): Promise<number | undefined> {
  return (await connection.request(Requests.QUERY_CONSUMER_OFFSET, QUEUE)).header.offset;
}

async function reset({ connection }: TestClient, more: Partial<Reset> = {}): Promise<number[]> {
  const { body } = await connection.request(Requests.INVOKE_BROKER_TO_RESET_OFFSET, { ...TO_THE_BEGINNING, ...more });
  return decodeQueueTable(objectOf(parseJson(body))['offsetTable']).map(([, offset]) => Number(offset));
}

describe('T154: a reset of offsets', () => {
  it('T119: goes to the first message of a time, in all queues or in one, or to the end', async () => {
    const client = await consumed();
    expect(await reset(client)).toEqual([0, 0, 0, 0]);
    expect(await reset(client, { timestamp: running.clock.now() })).toEqual([1, 0, 0, 0]);
    expect(await reset(client, { timestamp: -1, queueId: 0 })).toEqual([2]);
    expect(await committed(client)).toBe(2);
  });

  it('T118: goes to an offset, within the queue', async () => {
    const client = await consumed();
    expect(await reset(client, { queueId: 0, offset: 1 })).toEqual([1]);
    expect(await reset(client, { queueId: 0, offset: 99 })).toEqual([2]);
  });

  it('only goes back when it is not forced', async () => {
    const client = await consumed();
    await commit(client, 1);
    expect(await reset(client, { timestamp: -1, queueId: 0, isForce: false })).toEqual([1]);
  });

  it('is told to the consumer once, and what that commits until then is not taken', async () => {
    const client = await consumed();
    await reset(client);
    await commit(client, 2);
    expect(await committed(client)).toBe(0);
    const told = await client.pull('orders', { group: 'g', offset: 2 });
    expect(told).toMatchObject({ code: ResponseCode.PULL_OFFSET_MOVED, header: { nextBeginOffset: 0, maxOffset: 2 } });
    expect(await client.messages('orders', { group: 'g', offset: 0 })).toHaveLength(2);
    await commit(client, 2);
    expect(await committed(client)).toBe(2);
  });

  it('answers a pull that waits, at once', async () => {
    const client = await consumed();
    const waiting = client.pull('orders', { group: 'g', offset: 2, suspend: 15_000 });
    await reset(client);
    expect((await waiting).header.nextBeginOffset).toBe(0);
  });

  it('is nothing new to a consumer that starts where it points', async () => {
    const client = await consumed();
    await reset(client);
    expect(await client.messages('orders', { group: 'g', offset: 0 })).toHaveLength(2);
    expect((await client.pull('orders', { group: 'g', offset: 2 })).code).toBe(ResponseCode.PULL_NOT_FOUND);
  });

  it.each<[string, Partial<Reset>, number]>([
    ['group', { group: 'nobody' }, ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST],
    ['topic', { topic: 'nowhere' }, ResponseCode.TOPIC_NOT_EXIST],
    ['queue', { queueId: 4 }, ResponseCode.INVALID_PARAMETER],
  ])('is refused for a %s that there is not', async (_what, wrong, code) => {
    const { connection } = await consumed();
    const reply = await connection.request(Requests.INVOKE_BROKER_TO_RESET_OFFSET, { ...TO_THE_BEGINNING, ...wrong });
    expect(reply.code).toBe(code);
  });
});
