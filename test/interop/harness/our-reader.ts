// Consumes with our client: accepts everything, or lets a test decide, and returns messages in the order of their arrival.
import type { ConsumeResult, PushConsumer, PushConsumerOptions, RocketMQClient } from '@nest-rocketmq/client';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';

/** A JVM that starts on a busy machine, and Java's consumers that divide the queues after 20 s, or hear of a topic after 30 s. ms */
const PATIENCE_MS = 120_000;

export interface Received extends MessageExt {
  /** ms epoch */
  receivedAt: number;
}

export class OurReader {
  readonly received: Received[] = [];
  private readonly watchers = new Set<() => void>();
  private consumer!: PushConsumer;

  /** Starts a consumer of the group; `verdict` decides on each message, default: success. */
  static async start(
    client: RocketMQClient,
    options: Omit<PushConsumerOptions, 'listener'>,
    verdict: (message: MessageExt) => ConsumeResult | Promise<ConsumeResult> = () => 'CONSUME_SUCCESS',
  ): Promise<OurReader> {
    const reader = new OurReader();
    reader.consumer = client.createPushConsumer({
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      ...options,
      listener: (messages) => {
        const message = messages[0]!; // the default batch is one
        reader.received.push({ ...message, receivedAt: Date.now() });
        for (const watcher of reader.watchers) watcher();
        return verdict(message);
      },
    });
    await reader.consumer.start();
    return reader;
  }

  /** Resolves when so many messages have come since the start, with all of them; rejects after 120 s. */
  async take(count: number): Promise<Received[]> {
    await this.until(() => this.received.length >= count, `${count} messages`);
    return this.received;
  }

  /** Resolves when the condition holds, which is asked after each message; rejects after 120 s. */
  until(condition: () => boolean, what: string): Promise<void> {
    return untilHolds([this], condition, what);
  }

  /** Calls `watcher` after each message until the returned function is called. */
  watch(watcher: () => void): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  async stop(): Promise<void> {
    await this.consumer.shutdown();
  }
}

export const bodiesOf = (messages: readonly MessageExt[]): string[] =>
  messages.map((message) => message.body.toString());

/** Resolves when the condition holds, which is asked after each message of any of the readers; rejects after 120 s. */
export function untilHolds(readers: readonly OurReader[], condition: () => boolean, what: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(limit);
      for (const unwatch of unwatches) unwatch();
    };
    const look = (): void => {
      if (!condition()) return;
      end();
      resolve();
    };
    const limit = setTimeout(() => {
      end();
      const bodies = readers.flatMap((reader) => bodiesOf(reader.received)).join(', ');
      reject(new Error(`waited ${PATIENCE_MS} ms for ${what}; there came: ${bodies}`));
    }, PATIENCE_MS);
    const unwatches = readers.map((reader) => reader.watch(look));
    look();
  });
}
