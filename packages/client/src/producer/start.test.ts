// Tests starts of a producer that fail, are doubled, or are ended.
import { afterEach, describe, expect, it } from '@jest/globals';
import { NotRunningError } from '@nest-rocketmq/remoting/internal';
import { FakeCluster, NAME_SERVER } from '../../test-kit/fake-cluster.js';
import { RocketMQClient } from '../client.js';
import { NameServerUnreachableError } from '../errors.js';
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

  it('can be tried again after it failed: sends are tried again as ever', async () => {
    await aProducer().start();
    const producer = client.createProducer({ group: 'later', topics: ['u'] });
    cluster.takeDown(NAME_SERVER);
    const failed = expect(producer.start()).rejects.toThrow(NameServerUnreachableError);
    await cluster.clock.advance(10_000);
    await failed;
    cluster.bringUp(NAME_SERVER);
    await cluster.clock.advance(60_000);
    await producer.start();
    cluster.takeDown(cluster.broker.address);
    const sending = producer.send({ topic: 't', body: 'x' });
    await cluster.clock.advance(500);
    cluster.bringUp(cluster.broker.address);
    await cluster.clock.advance(2_000);
    await sending;
  });
});
