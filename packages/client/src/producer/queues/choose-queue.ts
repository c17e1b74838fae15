// Chooses the queue that a message goes to.
import { javaHashCode } from '@nest-rocketmq/remoting/internal';
import type { MessageQueue } from '@nest-rocketmq/remoting/internal';
import { InvalidMessageError } from '../../errors.js';
import type { OutgoingMessage, SendOptions } from '../options/producer-options.js';

/** Goes round the queues of each topic, from a random start. */
export class RoundRobin {
  readonly #next = new Map<string, number>();
  readonly #random: () => number;

  /** @param random [0, 1) */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** The next queue; not one of `lastBroker` where another broker is there. */
  choose(topic: string, queues: readonly MessageQueue[], lastBroker?: string): MessageQueue {
    for (let tried = 0; lastBroker !== undefined && tried < queues.length; tried++) {
      const queue = this.#advance(topic, queues);
      if (queue.brokerName !== lastBroker) return queue;
    }
    return this.#advance(topic, queues);
  }

  /** Goes on from a random queue. */
  restart(topic: string): void {
    this.#next.delete(topic);
  }

  #advance(topic: string, queues: readonly MessageQueue[]): MessageQueue {
    const index = (this.#next.get(topic) ?? Math.floor(this.#random() * queues.length)) % queues.length;
    this.#next.set(topic, index + 1);
    return queues[index]!;
  }
}

/** As Java's SelectMessageQueueByHash: one key, one queue, for producers of any language. */
export function queueOfKey(queues: readonly MessageQueue[], shardingKey: string): MessageQueue {
  return queues[Math.abs(javaHashCode(shardingKey) % queues.length)]!;
}

/** The queue that the caller has chosen in one of three ways; undefined when any will do. */
export function chosenQueue(
  queues: readonly MessageQueue[],
  message: OutgoingMessage,
  options: SendOptions,
): MessageQueue | undefined {
  if (options.messageQueue) {
    checkQueueTopic(message, options);
    return options.messageQueue;
  }
  if (options.selector) {
    const queue = options.selector(queues, message);
    if (!queue) throw new InvalidMessageError('the selector chose no queue; return one of those that it is given');
    return queue;
  }
  return options.shardingKey === undefined ? undefined : queueOfKey(queues, options.shardingKey);
}

/** @throws InvalidMessageError when the queue that is given belongs to another topic */
export function checkQueueTopic({ topic }: OutgoingMessage, { messageQueue }: SendOptions): void {
  if (messageQueue === undefined || messageQueue.topic === topic) return;
  throw new InvalidMessageError(
    `the message is for topic ${topic}, but the queue given is of topic ${messageQueue.topic}; give one of its own`,
  );
}

export function isQueueChosen({
  messageQueue,
  selector,
  shardingKey,
}: Pick<SendOptions, 'messageQueue' | 'selector' | 'shardingKey'>): boolean {
  return messageQueue !== undefined || selector !== undefined || shardingKey !== undefined;
}
