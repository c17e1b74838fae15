// Runs a consumer whose listener calls end when a test says so, on a fake cluster with messages.
import type { PushConsumerOptions } from '../src/consumer/options/consumer-options.js';
import type { PushConsumer } from '../src/consumer/push-consumer.js';
import { consuming, on } from './consuming.js';
import { FakeCluster } from './fake-cluster.js';

export { on };

export interface Held {
  readonly consumer: PushConsumer;
  /** Bodies of the messages whose calls have begun, in order. */
  readonly began: string[];
  /** Ends the earliest call that is held. */
  release(): void;
}

/**
 * @param count messages in each queue of t, 'm0' and so on, each of `bytes` bytes
 * @param isHeld by body, whether the listener's call waits
 */
export async function starting(
  topics: { t: number },
  count: number,
  bytes: number,
  options: Partial<PushConsumerOptions>,
  isHeld: (body: string) => boolean = () => true,
  propertiesOf: (index: number) => Record<string, string> = () => ({}),
): Promise<Held> {
  const fake = new FakeCluster({ topics });
  for (let index = 0; index < count; index++) {
    const body = `m${index}`.padEnd(bytes);
    for (let queueId = 0; queueId < topics.t; queueId++) {
      fake.broker.put('t', queueId, body, { properties: propertiesOf(index) });
    }
  }
  let ends: (() => void)[] = [];
  let over = false;
  on.atEnd.push(() => {
    over = true;
    for (const end of ends) end();
    ends = [];
  });
  const began: string[] = [];
  const consumer = await consuming(fake, {
    consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
    listener: ([message]) => {
      const body = message!.body.toString().trimEnd();
      began.push(body);
      return isHeld(body) && !over ? new Promise<void>((resolve) => ends.push(resolve)) : undefined;
    },
    ...options,
  });
  return { consumer, began, release: () => ends.shift()?.() };
}

export function pullsOf(topic: string): number {
  return on.cluster.broker.requests('PULL_MESSAGE').filter(({ header }) => header['topic'] === topic).length;
}

/** The properties that mqadmin's consumerStatus shows. */
export function decodeRunningInfo(consumer: PushConsumer): Record<string, string> {
  // The table of queues has objects as keys, which JSON does not know.
  const text = consumer.runningInfo().toString();
  const properties = /"properties":(\{[^}]*\})/.exec(text)![1]!;
  return JSON.parse(properties) as Record<string, string>;
}
