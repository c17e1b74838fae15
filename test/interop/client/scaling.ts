// Puts load on a group while members join and stop, and counts what comes twice.
import { setTimeout as wait } from 'node:timers/promises';
import { type Producer, type PushConsumer, RocketMQClient } from '@nest-rocketmq/client';
import type { Cluster } from '../harness/cluster.js';
import { SEND_TIMEOUT_MS } from './peer.js';

/** As in ScaleScenario.java. */
export const SCALE_QUEUES = 8;
const CALL_MS = 150;
const LOAD_MS = 3_000;
/** Between two messages of a queue. ms */
const SEND_EVERY_MS = 40;
const PATIENCE_MS = 60_000;

export interface Scaled {
  /** Messages that were sent. */
  sent: number;
  distinct: number;
  /** Deliveries beyond the first of each, until the third member had joined; then all. */
  twiceAtJoin: number;
  twice: number;
}

/** Sends to each queue of the topic, until `stop` is called, which sends the last ones. */
export class Load {
  sent = 0;
  #stopped = false;
  readonly #running: Promise<void>;

  constructor(
    readonly topic: string,
    readonly producer: Producer,
  ) {
    this.#running = this.#run();
  }

  static async on(client: RocketMQClient, topic: string): Promise<Load> {
    const producer = client.createProducer({ group: `${topic}_producer`, sendMsgTimeout: SEND_TIMEOUT_MS });
    await producer.start();
    return new Load(topic, producer);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
    await this.#each('stop');
  }

  async #run(): Promise<void> {
    for (let number = 0; !this.#stopped; number++) {
      await this.#each(`m${number}`);
      await wait(SEND_EVERY_MS);
    }
  }

  async #each(body: string): Promise<void> {
    const queues = await this.producer.fetchPublishMessageQueues(this.topic);
    await Promise.all(
      queues.map((messageQueue) =>
        this.producer.send({ topic: this.topic, body: `${body} ${messageQueue.queueId}` }, { messageQueue }),
      ),
    );
    this.sent += queues.length;
  }
}

/** Two of our members, a third that joins, and the first that stops: what ScaleScenario.java does with Java's. */
export async function scaleOurs(cluster: Cluster, sender: RocketMQClient, topic: string): Promise<Scaled> {
  const deliveries = new Map<string, number>();
  let stops = 0;
  const clients: RocketMQClient[] = [];
  const member = async (): Promise<PushConsumer> => {
    const client = new RocketMQClient({ nameServer: cluster.nameServer });
    clients.push(client);
    const consumer = client.createPushConsumer({
      group: `${topic}_group`,
      subscriptions: [{ topic }],
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      listener: async ([message]) => {
        const body = message!.body.toString();
        const count = (deliveries.get(body) ?? 0) + 1;
        deliveries.set(body, count);
        if (body.startsWith('stop') && count === 1) stops++;
        await wait(CALL_MS);
      },
    });
    await consumer.start();
    return consumer;
  };
  const twice = (): number => [...deliveries.values()].reduce((sum, count) => sum + count - 1, 0);
  const first = await member();
  await member();
  const load = await Load.on(sender, topic);
  await wait(LOAD_MS);
  await member();
  await wait(LOAD_MS);
  const twiceAtJoin = twice();
  await first.shutdown();
  await wait(LOAD_MS);
  await load.stop();
  for (let waited = 0; stops < SCALE_QUEUES && waited < PATIENCE_MS; waited += 100) await wait(100);
  await wait(1_000);
  await Promise.all(clients.map((client) => client.shutdown()));
  return { sent: load.sent, distinct: deliveries.size, twiceAtJoin, twice: twice() };
}
