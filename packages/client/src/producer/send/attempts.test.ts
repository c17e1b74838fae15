import { afterEach, describe, expect, it } from '@jest/globals';
import { ResponseCode, ResponseError } from '@nest-rocketmq/remoting/internal';
import { FakeCluster, NAME_SERVER } from '../../../test-kit/fake-cluster.js';
import { RocketMQClient } from '../../client.js';
import { SendFailedError } from '../../errors.js';
import type { Producer } from '../producer.js';
import type { ProducerOptions } from '../options/producer-options.js';

let cluster: FakeCluster;
let client: RocketMQClient;

async function producing(fake: FakeCluster, options: Partial<ProducerOptions> = {}): Promise<Producer> {
  cluster = fake;
  client = new RocketMQClient({ nameServer: NAME_SERVER, dial: cluster.dial, clock: cluster.clock });
  const producer = client.createProducer({ group: 'orders', ...options });
  await producer.start();
  return producer;
}

afterEach(async () => {
  await client.shutdown();
  await cluster.clock.advance(0);
});

describe('a send that fails', () => {
  it.each([
    ['SYSTEM_BUSY', ResponseCode.SYSTEM_BUSY],
    ['SYSTEM_ERROR', ResponseCode.SYSTEM_ERROR],
    ['SERVICE_NOT_AVAILABLE', ResponseCode.SERVICE_NOT_AVAILABLE],
    ['NO_PERMISSION', ResponseCode.NO_PERMISSION],
    ['TOPIC_NOT_EXIST', ResponseCode.TOPIC_NOT_EXIST],
    ['NO_BUYER_ID', ResponseCode.NO_BUYER_ID],
    ['NOT_IN_CURRENT_UNIT', ResponseCode.NOT_IN_CURRENT_UNIT],
    ['GO_AWAY', ResponseCode.GO_AWAY],
  ])('T031: with %s goes to another broker', async (_name, code) => {
    const producer = await producing(new FakeCluster({ brokers: ['broker-a', 'broker-b'], topics: { t: 2 } }));
    for (const broker of cluster.brokers) broker.next('SEND_MESSAGE_V2', () => ({ code }));
    const sending = producer.send({ topic: 't', body: 'x' });
    await cluster.until('both were tried', () => cluster.brokers.every((broker) => broker.received.length > 1));
    await cluster.clock.advance(3_000);
    const first = await sending;
    expect(cluster.brokers.map((broker) => broker.requests('SEND_MESSAGE_V2').length)).toEqual(
      expect.arrayContaining([1, 2]),
    );
    expect(first.sendStatus).toBe('SEND_OK');
  });

  const retried = new Set<number>([1, 2, 14, 16, 17, 204, 205, 1500]);
  it.each(Object.entries(ResponseCode).filter(([, code]) => ![0, 10, 11, 12].includes(code) && !retried.has(code)))(
    'T031: with %s is not tried again',
    async (_name, code) => {
      const producer = await producing(new FakeCluster({ brokers: ['broker-a', 'broker-b'], topics: { t: 2 } }));
      for (const broker of cluster.brokers) broker.next('SEND_MESSAGE_V2', () => ({ code }));
      await expect(producer.send({ topic: 't', body: 'x' })).rejects.toMatchObject({ responseCode: code });
      expect(cluster.brokers.flatMap((broker) => broker.requests('SEND_MESSAGE_V2'))).toHaveLength(1);
    },
  );

  it('with MESSAGE_ILLEGAL is not tried again: its code is thrown', async () => {
    const producer = await producing(new FakeCluster({ topics: { t: 2 } }));
    cluster.broker.next('SEND_MESSAGE_V2', () => ({ code: ResponseCode.MESSAGE_ILLEGAL, remark: 'too large' }));
    const error = await producer.send({ topic: 't', body: 'x' }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ResponseError);
    expect(error).toMatchObject({ responseCode: 13, remark: 'too large' });
    expect(cluster.broker.requests('SEND_MESSAGE_V2')).toHaveLength(1);
  });

  it('because a broker is down goes to the other one', async () => {
    const producer = await producing(new FakeCluster({ brokers: ['broker-a', 'broker-b'], topics: { t: 1 } }));
    cluster.takeDown(cluster.brokers[0]!.address);
    for (let i = 0; i < 4; i++) await producer.send({ topic: 't', body: 'x' });
    expect(cluster.brokers[1]!.stored).toHaveLength(4);
  });

  it.each([1_000, 2_000, 2_750])(
    'because its only broker is down is made when that is back after %d ms',
    async (ms) => {
      const producer = await producing(new FakeCluster({ topics: { t: 1 } }));
      await producer.send({ topic: 't', body: 'before' });
      cluster.takeDown(cluster.broker.address);
      const sending = producer.send({ topic: 't', body: 'x' });
      await cluster.clock.advance(ms);
      cluster.bringUp(cluster.broker.address);
      await cluster.clock.advance(3_000 - ms);
      expect(await sending).toMatchObject({ sendStatus: 'SEND_OK' });
      expect(cluster.broker.stored).toHaveLength(2);
    },
  );

  it('because no broker can be reached uses its time, with ever longer pauses, and tells so', async () => {
    const producer = await producing(new FakeCluster({ topics: { t: 1 } }));
    cluster.takeDown(cluster.broker.address);
    const dials: number[] = [];
    const dialled = cluster.dialled.length;
    const sending = producer.send({ topic: 't', body: 'x' }).catch((thrown: unknown) => thrown);
    for (let ms = 0; ms < 3_000; ms += 50) {
      await cluster.clock.advance(50);
      dials.push(cluster.dialled.slice(dialled).filter((address) => address === cluster.broker.address).length);
    }
    const error = await sending;
    expect(error).toBeInstanceOf(SendFailedError);
    expect(error).toMatchObject({ code: 'SEND_FAILED', reason: 'unreachable', brokersTried: expect.any(Array) });
    expect((error as SendFailedError).elapsed).toBeGreaterThanOrEqual(2_700);
    expect((error as SendFailedError).elapsed).toBeLessThanOrEqual(3_000);
    expect(String(error)).toMatch(/nothing was sent: cannot connect to broker-a:10911: connection refused/);
    expect(dials.at(-1)! - dials[30]!).toBeLessThan(dials[30]!);
  });

  it('because a connection does not come about is no time-out of an answer', async () => {
    const producer = await producing(new FakeCluster({ topics: { t: 1 } }), { sendMsgTimeout: 1_000 });
    cluster.undialled.add(cluster.broker.address);
    const sending = producer.send({ topic: 't', body: 'x' }).catch((thrown: unknown) => thrown);
    await cluster.clock.advance(1_000);
    expect(await sending).toMatchObject({ reason: 'unreachable', cause: { code: 'CONNECT_FAILED' } });
    await cluster.clock.advance(3_000);
  });

  it('three times over because its broker is busy has paused in between', async () => {
    const producer = await producing(new FakeCluster({ topics: { t: 1 } }));
    const at: number[] = [];
    for (let i = 0; i < 3; i++) {
      cluster.broker.next('SEND_MESSAGE_V2', () => {
        at.push(cluster.clock.monotonic());
        return { code: ResponseCode.SYSTEM_BUSY };
      });
    }
    const sending = producer.send({ topic: 't', body: 'x' }).catch((thrown: unknown) => thrown);
    await cluster.clock.advance(3_000);
    expect(await sending).toMatchObject({ attempts: 3, reason: 'refused' });
    const pauses = [at[1]! - at[0]!, at[2]! - at[1]!];
    expect(pauses[0]).toBeGreaterThan(500);
    expect(pauses[1]).toBeGreaterThan(pauses[0]!);
    expect(at[2]).toBeGreaterThan(2_000);
  });

  it('is tried at all other brokers before any pause', async () => {
    const brokers = ['broker-a', 'broker-b', 'broker-c'];
    const producer = await producing(new FakeCluster({ brokers, topics: { t: 2 } }));
    for (const broker of cluster.brokers.slice(0, 2)) cluster.takeDown(broker.address);
    for (let i = 0; i < 6; i++) await producer.send({ topic: 't', body: 'x' });
    expect(cluster.brokers[2]!.stored).toHaveLength(6);
  });

  it('is not tried again where the producer wants no retries', async () => {
    const producer = await producing(new FakeCluster({ topics: { t: 1 } }), { retryTimesWhenSendFailed: 0 });
    cluster.takeDown(cluster.broker.address);
    await expect(producer.send({ topic: 't', body: 'x' })).rejects.toMatchObject({ attempts: 1 });
  });

  it('because its connection ended is made at once on a new one', async () => {
    const producer = await producing(new FakeCluster({ topics: { t: 1 } }));
    cluster.broker.next('SEND_MESSAGE_V2', ({ connection }) => {
      connection.close();
      return undefined;
    });
    expect(await producer.send({ topic: 't', body: 'x' })).toMatchObject({ sendStatus: 'SEND_OK' });
  });

  it('leaves time for a second broker when the first one hangs', async () => {
    const producer = await producing(new FakeCluster({ brokers: ['broker-a', 'broker-b'], topics: { t: 1 } }));
    cluster.hung.add(cluster.brokers[0]!.address);
    const sent = Promise.all([producer.send({ topic: 't', body: '1' }), producer.send({ topic: 't', body: '2' })]);
    await cluster.clock.advance(2_000);
    expect((await sent).map(({ messageQueue }) => messageQueue.brokerName)).toEqual(['broker-b', 'broker-b']);
    cluster.takeDown(cluster.brokers[0]!.address);
  });

  it('ends when sendMsgTimeout is over, all attempts together', async () => {
    const producer = await producing(new FakeCluster({ topics: { t: 1 } }), { sendMsgTimeout: 1_000 });
    await producer.send({ topic: 't', body: 'first' });
    cluster.broker.next('SEND_MESSAGE_V2', () => undefined);
    const error = producer.send({ topic: 't', body: 'x' }).catch((thrown: unknown) => thrown);
    await cluster.clock.advance(1_000);
    expect(await error).toMatchObject({ code: 'SEND_FAILED', attempts: 1, elapsed: 1_000, reason: 'timeout' });
  });
});
