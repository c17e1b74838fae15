// Sets up a consumer on a fake cluster for the tests of its parts, ends it after each test, and checks that no timer is
// left.
import { afterEach, expect } from '@jest/globals';
import { silentLogger } from '@nest-rocketmq/remoting/internal';
import type { Logger, MessageExt } from '@nest-rocketmq/remoting/internal';
import { RocketMQClient } from '../src/client.js';
import type { PushConsumerOptions } from '../src/consumer/options/consumer-options.js';
import type { PushConsumer } from '../src/consumer/push-consumer.js';
import { FakeCluster, NAME_SERVER } from './fake-cluster.js';

export const GROUP = 'stock';

/** What the current test runs on. */
export const on: {
  cluster: FakeCluster;
  client: RocketMQClient;
  got: MessageExt[];
  /** Called before the client ends. */
  atEnd: (() => void)[];
} = {
  cluster: new FakeCluster(),
  client: new RocketMQClient({ nameServer: NAME_SERVER }),
  got: [],
  atEnd: [],
};

export const bodies = (): string[] => on.got.map(({ body }) => body.toString());

/** A consumer of topic t that is not started yet. */
export function aConsumer(
  cluster: FakeCluster,
  options: Partial<PushConsumerOptions> = {},
  logger: Logger = silentLogger,
): PushConsumer {
  on.cluster = cluster;
  on.got = [];
  on.client = new RocketMQClient({ nameServer: NAME_SERVER, dial: cluster.dial, clock: cluster.clock, logger });
  return on.client.createPushConsumer({
    group: GROUP,
    subscriptions: [{ topic: 't' }],
    listener: (messages) => void on.got.push(...messages),
    ...options,
  });
}

/** The same, started. */
export async function consuming(
  cluster: FakeCluster,
  options: Partial<PushConsumerOptions> = {},
  logger: Logger = silentLogger,
): Promise<PushConsumer> {
  const consumer = aConsumer(cluster, options, logger);
  await consumer.start();
  return consumer;
}

afterEach(async () => {
  for (const end of on.atEnd.splice(0)) end();
  await on.client.shutdown();
  await on.cluster.close();
  expect(on.cluster.clock.pending).toBe(0);
});
