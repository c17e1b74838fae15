// Runs a consumer that pulls on a fake cluster, for the tests of its parts. Ends all of it after each test, and holds that no
// timer is left.
import { afterEach, expect } from '@jest/globals';
import type { MessageExt, MessageQueue } from '@nest-rocketmq/remoting/internal';
import { RocketMQClient } from '../src/client.js';
import type { LitePullConsumer } from '../src/consumer/lite-pull/lite-pull-consumer.js';
import type { LitePullConsumerOptions } from '../src/consumer/lite-pull/lite-pull-options.js';
import { FakeCluster, NAME_SERVER } from './fake-cluster.js';

export const GROUP = 'readers';

/** What the current test runs on. */
export const on: { cluster: FakeCluster; client: RocketMQClient; log: string[] } = {
  cluster: new FakeCluster(),
  client: new RocketMQClient({ nameServer: NAME_SERVER }),
  log: [],
};

/** A consumer of topic t, from its first message on, that is not started yet. */
export function aPuller(cluster: FakeCluster, options: Partial<LitePullConsumerOptions> = {}): LitePullConsumer {
  on.cluster = cluster;
  on.log = [];
  const note = (line: string): void => void on.log.push(line);
  const logger = { log: note, warn: note, error: note };
  on.client = new RocketMQClient({ nameServer: NAME_SERVER, dial: cluster.dial, clock: cluster.clock, logger });
  return on.client.createLitePullConsumer({
    group: GROUP,
    subscriptions: [{ topic: 't' }],
    consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
    ...options,
  });
}

/** The same, started. */
export async function pulling(
  cluster: FakeCluster,
  options: Partial<LitePullConsumerOptions> = {},
): Promise<LitePullConsumer> {
  const consumer = aPuller(cluster, options);
  await consumer.start();
  return consumer;
}

export const bodiesOf = (messages: readonly MessageExt[]): string[] => messages.map(({ body }) => body.toString());

export const queueOf = (queueId: number, topic = 't'): MessageQueue => ({ topic, brokerName: 'broker-a', queueId });

/** Polls again and again, without time passing, until so many have come. */
export async function take(consumer: LitePullConsumer, count: number): Promise<MessageExt[]> {
  const got: MessageExt[] = [];
  await on.cluster.until('the pulls are answered', () => on.cluster.broker.requests('LITE_PULL_MESSAGE').length > 0);
  for (let turn = 0; turn < 200 && got.length < count; turn++) {
    await on.cluster.clock.advance(0);
    got.push(...(await consumer.poll({ timeout: 0, max: count - got.length })));
  }
  return got;
}

/** A cluster whose topic t has so many queues, each with messages 'q-0', 'q-1' and so on. */
export function filled(queues: number, messages: number): FakeCluster {
  const cluster = new FakeCluster({ topics: { t: queues } });
  for (let i = 0; i < messages; i++) {
    for (let queueId = 0; queueId < queues; queueId++) cluster.broker.put('t', queueId, `${queueId}-${i}`);
  }
  return cluster;
}

afterEach(async () => {
  await on.client.shutdown();
  await on.cluster.close();
  expect(on.cluster.clock.pending).toBe(0);
});
