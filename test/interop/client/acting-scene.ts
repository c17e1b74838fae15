// Sets up a slave that acts for its master: what waits at the master when it is killed, and who reads on from the slave.
import type { Producer } from '@nest-rocketmq/client';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import { MASTER_A, startReplicatedCluster } from '../harness/replicated-cluster.js';
import type { ReplicatedCluster } from '../harness/replicated-cluster.js';
import { MixedGroups } from './mixed-groups.js';
import { ORDERED, ReplicatedTraffic, STEADY } from './replicated-traffic.js';

const QUEUES = 4;
const DELAYED = 'delayed';
const FAILING = 'failing';
const ENDED = 'ended';
/** Due while the slave acts. Level 3 is as long as this. ms */
const DELAY_MS = 4_000;
const DELAY_LEVEL = 3;

interface Later {
  readonly body: string;
  readonly brokerName: string | undefined;
}

export class ActingScene {
  /** What was due, or failed, or was committed, after the kill. */
  readonly later: Later[] = [];
  #killedAt = Infinity;
  #actingAt = 0;
  #backAt = 0;

  private constructor(
    readonly cluster: ReplicatedCluster,
    readonly traffic: ReplicatedTraffic,
    readonly mixed: MixedGroups,
    private readonly producer: Producer,
  ) {}

  static async on(nameServer: string): Promise<ActingScene> {
    const topics = Object.fromEntries([STEADY, ORDERED, DELAYED, FAILING, ENDED].map((topic) => [topic, QUEUES]));
    const cluster = await startReplicatedCluster(topics, { actingMaster: true, nameServers: [nameServer] });
    const traffic = new ReplicatedTraffic(cluster);
    await traffic.start();
    const mixed = await MixedGroups.start(traffic, 'acting', { 'topic.ended': ENDED });
    await traffic.beginSending();
    const producer = traffic.client.createProducer({
      group: 'transactions',
      transactionListener: {
        executeLocalTransaction: () => 'UNKNOW',
        checkLocalTransaction: () => 'COMMIT_MESSAGE',
      },
    });
    await producer.start();
    const scene = new ActingScene(cluster, traffic, mixed, producer);
    await scene.#readLater();
    return scene;
  }

  /** Sends to the master what is due, fails or is asked about after its end. */
  async beforeTheKill(): Promise<void> {
    const { mixed, producer } = this;
    await mixed.untilShared(this.cluster.masterA.brokerAddress, QUEUES);
    await this.#toMaster(STEADY, 'begin-0');
    await mixed.java.line(/"event":"begun".*true/);
    await this.#untilAtMaster((i) => producer.sendMessageInTransaction({ topic: ENDED, body: `ours-listener-${i}` }));
    await this.#untilAtMaster(async (i) => {
      const transaction = await producer.beginTransaction({ topic: ENDED, body: `ours-handle-${i}` });
      const { messageQueue } = transaction.sendResult;
      // The commit goes to the slave, which refuses it; the other master asks then.
      if (messageQueue.brokerName === MASTER_A) this.#commit = () => transaction.commit();
      else await transaction.rollback();
      return transaction.sendResult;
    });
    await this.#toMaster(DELAYED, 'level', { delayLevel: DELAY_LEVEL });
    await this.#toMaster(DELAYED, 'timer', { delay: DELAY_MS });
    await this.#toMaster(FAILING, 'fails-0');
  }

  #commit: () => Promise<void> = () => Promise.resolve();

  /** Kills the master. @returns when, ms epoch, once the slave has its place in routes */
  async kill(): Promise<number> {
    this.#killedAt = Date.now();
    await this.cluster.masterA.kill();
    await this.traffic.until(
      'an acting master',
      async () => (await this.#masterOf()) === this.cluster.slave.brokerAddress,
    );
    this.#actingAt = Date.now();
    await this.#commit();
    return this.#killedAt;
  }

  /** @returns when the master was started again, ms epoch, once it has its place in routes */
  async restart(): Promise<number> {
    this.#backAt = Date.now();
    const { masterA } = this.cluster;
    await this.cluster.restart(masterA);
    await this.traffic.until('the master', async () => (await this.#masterOf()) === masterA.brokerAddress);
    return this.#backAt;
  }

  /** Broker name to what it permits, by the route. */
  async perm(): Promise<Record<string, number>> {
    const route = await this.traffic.client.admin.topicRoute(STEADY);
    return Object.fromEntries(route!.queueDatas.map(({ brokerName, perm }) => [brokerName, perm]));
  }

  /** Acknowledged messages of the master that a group has not had yet. */
  missing(): string[] {
    const { traffic, mixed } = this;
    const [steady, ordered] = [traffic.of(STEADY, MASTER_A), traffic.of(ORDERED, MASTER_A)];
    return [
      ...Object.values(traffic.steady).flatMap((arrivals) => arrivals.missing(steady)),
      ...Object.values(traffic.ordered).flatMap((arrivals) => arrivals.missing(ordered)),
      ...mixed.missing('steady', steady),
      ...mixed.missing('ordered', ordered),
    ];
  }

  report(turned: string): string {
    const { traffic, mixed } = this;
    const { javas, both } = mixed.twice;
    return (
      `the slave acts ${this.#actingAt - this.#killedAt} ms after the kill; ${traffic.load.acknowledged.size} acknowledged, ` +
      `the longest gap ${traffic.load.longestGap(this.#killedAt)} ms; ${turned}; again to Java's ${javas.length}, to both ${both.length}`
    );
  }

  async end(): Promise<void> {
    await this.mixed.stop();
    await this.traffic.end();
  }

  async #masterOf(): Promise<string | undefined> {
    const route = await this.traffic.client.admin.topicRoute(STEADY);
    return route?.brokerDatas.find(({ brokerName }) => brokerName === MASTER_A)?.brokerAddrs.get(0);
  }

  async #toMaster(topic: string, body: string, more: { delay?: number; delayLevel?: number } = {}): Promise<void> {
    const messageQueue = { topic, brokerName: MASTER_A, queueId: 0 };
    await this.producer.send({ topic, body, ...more }, { messageQueue });
  }

  async #untilAtMaster(send: (i: number) => Promise<{ messageQueue: { brokerName: string } }>): Promise<void> {
    for (let i = 0; ; i++) if ((await send(i)).messageQueue.brokerName === MASTER_A) return;
  }

  async #readLater(): Promise<void> {
    for (const topic of [DELAYED, FAILING, ENDED]) {
      const consumer = this.traffic.client.createPushConsumer({
        group: `later_${topic}`,
        subscriptions: [{ topic }],
        consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
        listener: async ([message]) => this.#take(message!),
      });
      await consumer.start();
    }
  }

  /** Those of before the kill are not looked at; the one that fails does so while the slave acts. */
  async #take({ body, brokerName, topic, reconsumeTimes }: MessageExt): Promise<void> {
    if (topic === FAILING && reconsumeTimes === 0) {
      await this.traffic.until('an acting master', () => this.#actingAt > 0);
      throw new Error('fails once');
    }
    if (this.#actingAt > 0) this.later.push({ body: body.toString(), brokerName });
  }
}
