// Runs one consumer group: takes delivered messages from its consumer to the listener's method, and reports the verdict.
import { Logger } from '@nestjs/common';
import { SubscriptionRefusedError } from '@nest-rocketmq/client';
import type { ConsumeContext, ConsumeMode, ConsumeResult, PushConsumer, RocketMQClient } from '@nest-rocketmq/client';
import { dlqTopic } from '@nest-rocketmq/remoting/internal';
import type { Clock, MessageExt } from '@nest-rocketmq/remoting/internal';
import { InvalidListenerError, MessageDecodeError } from '../errors.js';
import type { DiscoveredListener } from '../discovery/listener-explorer.js';
import type { ListenerGroup } from './listener-groups.js';
import type { MessageConverter } from '../message/message-converter.js';
import { reasonOf } from '../pipeline/failure-reason.js';
import { RocketMQContext } from '../decorators/rocketmq-context.js';
import type { CheckedConsumerSettings } from '../options/consumer-settings.js';
import { CONSUMER_ON_MANUAL_CLOCK, inRealTime, isManual } from '../manual-clock-settings.js';

/** The outcome of one delivery. */
export interface Consumption {
  /** The consumer group. */
  readonly group: string;
  readonly context: RocketMQContext;
  /** 'failed': the message is delivered again, or goes to the dead letters. A broadcast message is not delivered again. */
  readonly outcome: 'consumed' | 'failed';
  /** What the listener threw, if it failed. */
  readonly error?: unknown;
}

export interface ContainerSettings {
  readonly converter: MessageConverter;
  readonly defaults: CheckedConsumerSettings;
  /** A manual clock waits for running listeners. */
  readonly clock?: Clock;
  readonly onConsumption: (consumption: Consumption) => void;
  /** Calls a listener so that the app knows, within it, that it is in one. */
  readonly track: <T>(call: () => T) => T;
}

/** Apache's value for "to the dead letters at once": a body that is unreadable now stays so. */
const TO_DEAD_LETTERS = -1;
/** In order, a message that goes on failing is logged the first few times, and from then on once in so many tries. */
const TRIES_LOGGED = 3;
const LOGGED_ONCE_IN = 60;
/** What -1 means for maxReconsumeTimes. */
const APACHE_MAX_RECONSUME_TIMES: Readonly<Record<ConsumeMode, number>> = {
  CONCURRENTLY: 16,
  ORDERLY: Infinity,
  KEY_ORDERED: 16,
};

export class ListenerContainer {
  readonly #logger = new Logger('RocketMQ');
  readonly #consumer: PushConsumer;
  readonly #running = new Set<RocketMQContext>();
  readonly #broadcasting: boolean;
  readonly #inOrder: boolean;
  readonly #maxReconsumeTimes: number;

  /** @throws InvalidOptionError for consumer settings out of their range */
  constructor(
    client: RocketMQClient,
    private readonly group: ListenerGroup,
    private readonly settings: ContainerSettings,
  ) {
    const { concurrency, allocateStrategy, ...options } = { ...settings.defaults, ...group.shared };
    const { maxReconsumeTimes = -1, consumeMode = 'CONCURRENTLY' } = options;
    this.#maxReconsumeTimes = maxReconsumeTimes < 0 ? APACHE_MAX_RECONSUME_TIMES[consumeMode] : maxReconsumeTimes;
    this.#inOrder = consumeMode !== 'CONCURRENTLY';
    this.#broadcasting = options.messageModel === 'BROADCASTING';
    this.#consumer = client.createPushConsumer({
      ...options,
      consumeConcurrency: concurrency,
      allocateMessageQueueStrategy: allocateStrategy,
      // One message a call: the failure of one must not cause the redelivery of others.
      consumeMessageBatchMaxSize: 1,
      ...(isManual(settings.clock) && CONSUMER_ON_MANUAL_CLOCK),
      group: group.group,
      subscriptions: group.subscriptions,
      listener: (messages, delivery) => this.#deliver(messages[0]!, delivery),
    });
  }

  get name(): string {
    return this.group.group;
  }

  /** Listener calls under way. */
  get running(): number {
    return this.#running.size;
  }

  /** 'shop: order (paid || refunded), payment' */
  get summary(): string {
    const topics = this.group.subscriptions.map(({ topic, expression }) =>
      expression === '*' ? topic : `${topic} (${expression})`,
    );
    return `${this.name}: ${topics.join(', ')}`;
  }

  /** @throws InvalidListenerError if the broker refuses the listener's SQL92 condition */
  async start(): Promise<void> {
    try {
      await this.#consumer.start();
    } catch (cause) {
      if (!(cause instanceof SubscriptionRefusedError)) throw cause;
      const listener = this.group.find(cause.topic, undefined)?.name ?? `group ${this.name}`;
      throw new InvalidListenerError(listener, cause.message, { cause });
    }
  }

  pause(): void {
    this.#consumer.pause();
  }

  resume(): void {
    this.#consumer.resume();
  }

  /** @throws InvalidOptionError unless it is an integer from 1 to 1000 */
  setConcurrency(concurrency: number): void {
    this.#consumer.setConcurrency(concurrency);
  }

  /** Stops pulling and waits for running listeners. @param deadline ms */
  async stop(deadline: number): Promise<void> {
    if (isManual(this.settings.clock)) await inRealTime(deadline, (late) => this.#consumer.shutdown(late));
    else await this.#consumer.shutdown({ deadline });
    if (this.#running.size === 0) return;
    this.#logger.warn(
      `group ${this.name}: after ${deadline} ms ${this.#running.size} listener(s) still run and are abandoned; ` +
        `their messages will be delivered again: ${[...this.#running].map(described).join(', ')}`,
    );
  }

  async #deliver(message: MessageExt, delivery: ConsumeContext): Promise<ConsumeResult> {
    const context = RocketMQContext.of(message, this.name, delivery);
    this.#running.add(context);
    let listener: DiscoveredListener | undefined;
    let ended: (() => void) | undefined;
    try {
      listener = this.#listenerFor(context);
      const { clock } = this.settings;
      if (clock?.busy) ended = clock.busy(`${listener.name} (message ${context.msgId} of topic ${context.topic})`);
      await this.#handle(listener, context);
    } catch (error) {
      if (error instanceof MessageDecodeError) delivery.delayLevelWhenNextConsume = TO_DEAD_LETTERS;
      this.#logFailure(listener, context, error);
      this.settings.onConsumption({ group: this.name, context, outcome: 'failed', error });
      return 'RECONSUME_LATER';
    } finally {
      this.#running.delete(context);
      ended?.();
    }
    this.settings.onConsumption({ group: this.name, context, outcome: 'consumed' });
    return 'CONSUME_SUCCESS';
  }

  #handle(listener: DiscoveredListener, context: RocketMQContext): Promise<unknown> {
    return this.settings.track(() => listener.handle(this.#payload(listener, context), context));
  }

  #listenerFor(context: RocketMQContext): DiscoveredListener {
    const listener = this.group.find(context.topic, context.tags);
    if (listener) return listener;
    // A redelivery from before a deployment that removed a listener. Failing it leaves it to an instance that still has one.
    throw new InvalidListenerError(
      `group ${this.name}`,
      `has no listener for topic '${context.topic}' with tag '${context.tags ?? ''}', only ${this.group.listeners.join(', ')}.`,
    );
  }

  #payload(listener: DiscoveredListener, context: RocketMQContext): unknown {
    try {
      return this.settings.converter.decode(context.message, listener.options.payload ?? 'json');
    } catch (cause) {
      if (cause instanceof MessageDecodeError) throw cause;
      throw new MessageDecodeError(`the message converter failed: ${String(cause)}`, { cause });
    }
  }

  #logFailure(listener: DiscoveredListener | undefined, context: RocketMQContext, error: unknown): void {
    const { reconsumeTimes } = context;
    const last = error instanceof MessageDecodeError || reconsumeTimes >= this.#maxReconsumeTimes;
    // One that is tried again in its place may fail each second, without end.
    if (this.#inOrder && !last && reconsumeTimes >= TRIES_LOGGED && reconsumeTimes % LOGGED_ONCE_IN !== 0) return;
    const by = listener ? ` in ${listener.name}` : '';
    this.#logger.warn(
      `group ${this.name}: message ${context.msgId} of topic ${context.topic} failed${by} at delivery ` +
        `${reconsumeTimes + 1}, ${this.#fate(last)}: ${reasonOf(error, reconsumeTimes === 0)}`,
    );
  }

  #fate(last: boolean): string {
    if (this.#broadcasting) return 'not to be delivered again, since it is a broadcast';
    if (last) return `on its way to ${dlqTopic(this.name)}`;
    return this.#inOrder ? 'to be tried again in its place' : 'to be delivered again';
  }
}

function described({ topic, msgId, queueId, queueOffset }: RocketMQContext): string {
  return `${topic} ${msgId} (queue ${queueId}, offset ${queueOffset})`;
}
