import { afterEach, expect, it } from '@jest/globals';
import { ResponseCode, encodeJson, queueTable, silentLogger } from '@nest-rocketmq/remoting/internal';
import { FakeCluster, NAME_SERVER } from '../../test-kit/fake-cluster.js';
import { InvalidNameError, InvalidOptionError, ResponseError, RocketMQClient } from '../index.js';
import type { ResetOffsetOptions } from '../index.js';

let fake: FakeCluster;
let client: RocketMQClient;

afterEach(async () => {
  await client.shutdown();
  await fake.close();
});

/** Topic t with 3 messages in its queue, of which group stock has consumed so many. */
async function given(consumed: number): Promise<RocketMQClient['admin']> {
  fake = new FakeCluster({ topics: { t: 1 } });
  for (const body of ['a', 'b', 'c']) fake.broker.put('t', 0, body);
  fake.broker.offsets.set('stock@t@0', consumed);
  client = new RocketMQClient({ nameServer: NAME_SERVER, dial: fake.dial, clock: fake.clock, logger: silentLogger });
  await client.start();
  return client.admin;
}

it("is asked of the topic's brokers, and their table is the answer", async () => {
  const admin = await given(3);
  const queue = { topic: 't', brokerName: fake.broker.name, queueId: 0 };
  fake.broker.next('INVOKE_BROKER_TO_RESET_OFFSET', () => ({
    body: encodeJson({ offsetTable: queueTable([[queue, 1] as const]) }),
  }));
  expect(await admin.resetOffsetByTime({ group: 'stock', topic: 't', time: new Date(5_000) })).toEqual([
    { queue, offset: 1 },
  ]);
  expect(fake.broker.requests('INVOKE_BROKER_TO_RESET_OFFSET')[0]!.header).toMatchObject({
    topic: 't',
    group: 'stock',
    timestamp: 5_000,
    isForce: true,
    queueId: -1,
    offset: -1,
  });
  expect(fake.broker.offsets.get('stock@t@0')).toBe(3);
});

it.each<[string, Partial<ResetOffsetOptions>, number, number]>([
  ['to a time', { time: 0 }, 3, 0],
  ['to the end', { time: 'end' }, 1, 3],
  ['only back, without force', { time: 'end', force: false }, 1, 1],
])('of a 4.x broker without a running consumer is written there: %s', async (_what, options, consumed, offset) => {
  const admin = await given(consumed);
  const [reset] = await admin.resetOffsetByTime({ group: 'stock', topic: 't', time: 0, ...options });
  expect(reset).toMatchObject({ offset });
  expect(fake.broker.offsets.get('stock@t@0')).toBe(offset);
});

it('of a 4.x broker that has no offset of the group yet is asked for once more, when there is one', async () => {
  const admin = await given(3);
  fake.broker.offsets.clear();
  fake.broker.next('INVOKE_BROKER_TO_RESET_OFFSET', () => ({
    code: ResponseCode.SYSTEM_ERROR,
    remark: 'THe consumer group <stock> not exist',
  }));
  fake.broker.next('INVOKE_BROKER_TO_RESET_OFFSET', () => {
    expect(fake.broker.offsets.get('stock@t@0')).toBe(0);
    return { body: encodeJson({ offsetTable: queueTable([]) }) };
  });
  expect(await admin.resetOffsetByTime({ group: 'stock', topic: 't', time: 0 })).toEqual([]);
  expect(fake.broker.requests('INVOKE_BROKER_TO_RESET_OFFSET')).toHaveLength(2);
});

it('that is refused, or makes no sense, is an error', async () => {
  const admin = await given(3);
  fake.broker.next('INVOKE_BROKER_TO_RESET_OFFSET', () => ({ code: ResponseCode.SYSTEM_ERROR, remark: 'no' }));
  await expect(admin.resetOffsetByTime({ group: 'stock', topic: 't', time: 0 })).rejects.toThrow(ResponseError);
  await expect(admin.resetOffsetByTime({ group: 'stock', topic: 't', time: NaN })).rejects.toThrow(InvalidOptionError);
  await expect(admin.resetOffsetByTime({ group: 'no name', topic: 't', time: 0 })).rejects.toThrow(InvalidNameError);
});
