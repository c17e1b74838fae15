// Tests starts of a producer that fail, are doubled, or are ended.
import { afterEach, describe, expect, it } from '@jest/globals';
import { NotRunningError } from '@nest-rocketmq/remoting/internal';
import { FakeCluster, NAME_SERVER } from '../../test-kit/fake-cluster.js';
import { RocketMQClient } from '../client.js';
import type { Producer } from './producer.js';

let cluster: FakeCluster;
let client: RocketMQClient;

function aProducer(): Producer {
  cluster = new FakeCluster({ topics: { t: 1 } });
  client = new RocketMQClient({ nameServer: NAME_SERVER, dial: cluster.dial, clock: cluster.clock });
  return client.createProducer({ group: 'orders', topics: ['t'] });
}

afterEach(async () => {
  await client.shutdown();
  await cluster.close();
  expect(cluster.clock.pending).toBe(0);
});

describe('the start of a producer', () => {
  it('happens once, however often it is called meanwhile', async () => {
    const producer = aProducer();
    await Promise.all([producer.start(), producer.start()]);
    await producer.send({ topic: 't', body: 'x' });
  });

  it('ends when the producer is shut down before the name server has answered', async () => {
    const producer = aProducer();
    const refused = expect(producer.start()).rejects.toThrow(NotRunningError);
    await producer.shutdown();
    await refused;
    expect(cluster.broker.heartbeats).toEqual([]);
  });
});
