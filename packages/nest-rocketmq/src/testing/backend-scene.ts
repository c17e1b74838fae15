// Sets clients up on a backend for one case of its contract, and ends them.
import { strict as assert } from 'node:assert';
import { randomUUID } from 'node:crypto';
import { silentLogger, sleep, systemClock } from '@nest-rocketmq/remoting/internal';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import { RocketMQClient } from '@nest-rocketmq/client';
import type {
  ListenerResult,
  Producer,
  ProducerOptions,
  PushConsumer,
  PushConsumerOptions,
} from '@nest-rocketmq/client';
import type { RocketMQBackend } from '../backends/backend.js';

const QUEUES = 4;

export class BackendScene {
  readonly #clients: RocketMQClient[] = [];
  readonly #id = randomUUID().slice(0, 8);
  #names = 0;

  private constructor(
    readonly backend: RocketMQBackend,
    readonly nameServer: string,
    /** ms */
    readonly patience: number,
  ) {}

  /** Starts the backend. */
  static async open(backend: RocketMQBackend, patience: number): Promise<BackendScene> {
    return new BackendScene(backend, await backend.start(), patience);
  }

  /** Ends the clients, and then the backend. */
  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.shutdown()));
    this.backend.stopping?.();
    await this.backend.stop();
  }

  unique(name: string): string {
    return `${name}-${this.#id}-${++this.#names}`;
  }

  /** A new client, with connections of its own. */
  async client(): Promise<RocketMQClient> {
    const { dial, clock, localOffsetStoreDir } = this.backend;
    const client = new RocketMQClient({
      nameServer: this.nameServer,
      dial: (address) => dial(address),
      clock,
      localOffsetStoreDir,
      logger: silentLogger,
    });
    this.#clients.push(client);
    await this.within('the start of a client', client.start());
    return client;
  }

  /** A topic that is new. */
  async topic(): Promise<string> {
    const topic = this.unique('topic');
    const { admin } = await this.client();
    await this.within('the topic', admin.createTopic({ topic, queues: QUEUES }));
    return topic;
  }

  async producer(options: Partial<ProducerOptions> = {}): Promise<Producer> {
    const producer = (await this.client()).createProducer({
      group: this.unique('producer'),
      sendMsgTimeout: this.patience,
      ...options,
    });
    await this.within('the start of a producer', producer.start());
    return producer;
  }

  async consumer(
    topic: string,
    options: Partial<PushConsumerOptions>,
    listener: PushConsumerOptions['listener'] = () => undefined,
  ): Promise<PushConsumer> {
    const consumer = (await this.client()).createPushConsumer({
      group: this.unique('group'),
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      subscriptions: [{ topic }],
      ...options,
      listener,
    });
    await this.within('the start of a consumer', consumer.start());
    return consumer;
  }

  /** A consumer of a topic. @returns resolves with its next message */
  async consume(
    topic: string,
    options: Partial<PushConsumerOptions> = {},
    listen: (message: MessageExt) => ListenerResult | Promise<ListenerResult> = () => undefined,
  ): Promise<() => Promise<MessageExt>> {
    const got: MessageExt[] = [];
    let arrived = (): void => undefined;
    await this.consumer(topic, options, async ([message]) => {
      const result = await listen(message!);
      got.push({ ...message! });
      arrived();
      return result;
    });
    return async () => {
      if (got.length === 0) await this.within('a message', new Promise<void>((resolve) => (arrived = resolve)));
      return got.shift()!;
    };
  }

  /** @throws AssertionError when it takes longer than the patience */
  readonly within = async <T>(what: string, work: Promise<T>): Promise<T> => {
    const ended = new AbortController();
    const late = sleep(systemClock, this.patience, ended.signal).then(() => {
      if (!ended.signal.aborted) assert.fail(`${what} has not come within ${this.patience} ms`);
    });
    try {
      return (await Promise.race([work, late])) as T;
    } finally {
      ended.abort();
    }
  };
}
