// Keeps which brokers have which topics, with how many queues and which permission.
import type { QueueData, TopicConfig } from '@nest-rocketmq/remoting/internal';

export class TopicQueues {
  /** Topic, then broker name. */
  readonly #topics = new Map<string, Map<string, QueueData>>();

  get size(): number {
    return this.#topics.size;
  }

  has(topic: string): boolean {
    return this.#topics.has(topic);
  }

  /** Broker name to what the broker has of the topic. */
  of(topic: string): ReadonlyMap<string, QueueData> | undefined {
    return this.#topics.get(topic);
  }

  /** @param replaces whether what was known of these topics is replaced; else only new topics are taken */
  update(brokerName: string, topics: readonly TopicConfig[], replaces: boolean): void {
    for (const config of topics) {
      let queues = this.#topics.get(config.topicName);
      if (!queues) this.#topics.set(config.topicName, (queues = new Map()));
      if (replaces || !queues.has(brokerName)) queues.set(brokerName, queueDataOf(config, brokerName));
    }
  }

  removeBroker(brokerName: string): void {
    for (const topic of this.#topics.keys()) this.delete(topic, [brokerName]);
  }

  /** @param brokerNames only at these; default: everywhere */
  delete(topic: string, brokerNames?: Iterable<string>): void {
    const queues = this.#topics.get(topic);
    if (!queues) return;
    for (const brokerName of brokerNames ?? [...queues.keys()]) queues.delete(brokerName);
    if (queues.size === 0) this.#topics.delete(topic);
  }

  /** Changes the permission of a broker's topics, until it registers them changed. @returns how many there are */
  changePermission(brokerName: string, change: (perm: number) => number): number {
    let count = 0;
    for (const queues of this.#topics.values()) {
      const data = queues.get(brokerName);
      if (!data) continue;
      queues.set(brokerName, { ...data, perm: change(data.perm) });
      count++;
    }
    return count;
  }

  names(): string[] {
    return [...this.#topics.keys()];
  }

  /** The topics of any of these brokers. */
  namesAt(brokerNames: ReadonlySet<string>): string[] {
    return [...this.#topics].flatMap(([topic, queues]) =>
      [...queues.keys()].some((name) => brokerNames.has(name)) ? [topic] : [],
    );
  }
}

function queueDataOf(config: TopicConfig, brokerName: string): QueueData {
  const { readQueueNums, writeQueueNums, perm, topicSysFlag } = config;
  return { brokerName, readQueueNums, writeQueueNums, perm, topicSysFlag };
}
