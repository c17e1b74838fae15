// Tests asking and pulling on an embedded broker in memory, by the same expectations as on Apache's (test/interop/client).
import { afterAll, beforeAll, describe } from '@jest/globals';
import { startBroker } from '@nest-rocketmq/broker';
import type { Broker } from '@nest-rocketmq/broker';
import { RocketMQClient } from '@nest-rocketmq/client';
import { declareAskingTests } from '../interop/client/asking.js';
import { declarePullTests } from '../interop/client/pulling.js';
import type { Peer } from '../interop/client/peer.js';

describe('our client on an embedded broker', () => {
  const peer = {} as Peer;
  let broker: Broker;
  beforeAll(async () => {
    broker = await startBroker({ store: 'memory' });
    const { nameServerAddress: nameServer, brokerAddress, dial } = broker;
    peer.newClient = () => new RocketMQClient({ nameServer, dial, persistConsumerOffsetInterval: 500 });
    peer.client = peer.newClient();
    peer.cluster = { nameServer, brokerAddress } as Peer['cluster'];
    peer.producer = peer.client.createProducer({ group: 'our_producer', sendMsgTimeout: 20_000 });
    await peer.producer.start();
  });
  afterAll(async () => {
    await peer.client?.shutdown();
    await broker?.stop();
  });
  declareAskingTests(peer);
  declarePullTests(peer);
});
