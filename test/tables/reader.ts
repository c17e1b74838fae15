// Runs a consumer that notes what it gets, in the order in which it gets it.
import type { PushConsumer, PushConsumerOptions, RocketMQClient } from '@nest-rocketmq/client';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import type { Stage } from './stage.js';

export interface Got {
  readonly body: string;
  readonly queue: string;
  /** ms since the epoch */
  readonly at: number;
  readonly message: MessageExt;
  readonly reader: Reader;
}

export interface ReaderOptions extends Partial<PushConsumerOptions> {
  group: string;
  topic: string;
  expression?: string;
  /** Default: a new one. */
  client?: RocketMQClient;
  /** Where several readers of a group note in one order what they get. Default: the reader's own. */
  into?: Got[];
}

export class Reader {
  readonly got: Got[];
  #consumer: PushConsumer | undefined;

  private constructor(
    readonly client: RocketMQClient,
    got: Got[],
  ) {
    this.got = got;
  }

  static async start(
    stage: Stage,
    { topic, expression = '*', into = [], client, ...options }: ReaderOptions,
  ): Promise<Reader> {
    const reader = new Reader(client ?? (await stage.newClient()), into);
    reader.#consumer = reader.client.createPushConsumer({
      consumeMode: 'ORDERLY',
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      subscriptions: [{ topic, expression }],
      localOffsetStoreDir: 'memory',
      listener: (messages) => {
        for (const message of messages) {
          const queue = `${message.brokerName}:${message.queueId}`;
          reader.got.push({ body: message.body.toString(), queue, at: stage.now(), message, reader });
        }
      },
      ...options,
    });
    await reader.#consumer.start();
    return reader;
  }

  get bodies(): string[] {
    return this.got.map(({ body }) => body);
  }

  async stop(): Promise<void> {
    await this.#consumer?.shutdown();
  }
}

/** What came, queue by queue, in the order in which it came. */
export function byQueue(got: readonly Got[]): Record<string, string[]> {
  const queues: Record<string, string[]> = {};
  for (const { queue, body } of got) (queues[queue] ??= []).push(body);
  return queues;
}
