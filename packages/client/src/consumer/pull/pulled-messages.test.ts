import { afterEach, describe, expect, it } from '@jest/globals';
import { COMPRESSION_FLAGS, canCompress, compressBody } from '@nest-rocketmq/remoting/internal';
import { FakeCluster, NAME_SERVER } from '../../../test-kit/fake-cluster.js';
import { RocketMQClient } from '../../client.js';
import { decodePulled } from './pulled-messages.js';

const MIB = 1024 * 1024;

let cluster: FakeCluster;
let client: RocketMQClient | undefined;

afterEach(async () => {
  await client?.shutdown();
  client = undefined;
  await cluster.close();
});

/** So many messages in queue 0 of topic t, whose bodies have so many MiB. */
async function bombs(count: number, size: number): Promise<Buffer[]> {
  cluster = new FakeCluster({ topics: { t: 1 } });
  const packed = await compressBody(Buffer.alloc(size * MIB), 'ZLIB', 1);
  const sysFlag = COMPRESSION_FLAGS.ZLIB;
  return Array.from({ length: count }, () => cluster.broker.put('t', 0, packed, { sysFlag }));
}

describe('an answer of compressed messages', () => {
  it('is read up to the message whose bodies would take too much memory, and tells where the rest begins', async () => {
    const records = await bombs(5, 1);
    const { readable, restFrom } = decodePulled(Buffer.concat(records), 2 * MIB);
    // Each takes a little less than its body beyond its record.
    expect([readable.map(({ queueOffset }) => queueOffset), restFrom]).toEqual([[0, 1, 2], 3]);
    expect(decodePulled(Buffer.concat(records)).restFrom).toBeUndefined();
  });

  it('tells why one cannot be read, and what to do', () => {
    cluster = new FakeCluster({ topics: { t: 1 } });
    const cut = Buffer.from('28b52ffd2005290000', 'hex');
    const record = cluster.broker.put('t', 0, cut, { sysFlag: COMPRESSION_FLAGS.ZSTD });
    const { unreadable, reason } = decodePulled(record);
    expect(unreadable.map(({ body }) => body)).toEqual([cut]);
    expect(reason).toMatch(
      canCompress('ZSTD') ? /ZSTD frame is cut off/ : /ZSTD needs Node 22.15 or later: update Node/,
    );
  });

  it.each(['push', 'lite pull'])('comes to a %s consumer in turns, and nothing is lost', async (kind) => {
    await bombs(4, 64);
    client = new RocketMQClient({ nameServer: NAME_SERVER, dial: cluster.dial, clock: cluster.clock });
    const got: number[] = [];
    if (kind === 'push') {
      const consumer = client.createPushConsumer({
        group: 'readers',
        subscriptions: [{ topic: 't' }],
        consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
        pullThresholdSizeForQueue: 1_000,
        listener: (messages) => {
          for (const { queueOffset } of messages) got.push(queueOffset);
        },
      });
      await consumer.start();
      await cluster.until('all', () => got.length === 4);
      expect(cluster.broker.requests('PULL_MESSAGE').map(({ header }) => header['queueOffset'])).toContain(3);
    } else {
      const consumer = client.createLitePullConsumer({ group: 'readers', pullThresholdSizeForQueue: 1_000 });
      await consumer.start();
      const queue = { topic: 't', brokerName: 'broker-a', queueId: 0 };
      await consumer.assign([queue]);
      await consumer.seek(queue, 0);
      while (got.length < 4) {
        const polled = consumer.poll({ timeout: 1_000 });
        await cluster.clock.advance(1);
        for (const { queueOffset } of await polled) got.push(queueOffset);
      }
    }
    expect(got.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3]);
  });
});
