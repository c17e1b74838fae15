// Runs one consumer group: takes delivered messages from its consumer to the listener's method, and reports the verdict.
import { Logger } from '@nestjs/common';
import { Outcome, SubscriptionRefusedError } from '@nest-rocketmq/client';
import type {
  ConsumeContext,
  ConsumerShutdownOptions,
  PushConsumer,
  QueueOffset,
  RocketMQClient,
} from '@nest-rocketmq/client';
import type { MessageExt, MessageQueue } from '@nest-rocketmq/remoting/internal';
import { InvalidListenerError } from '../errors.js';
import type { DiscoveredListener } from '../discovery/listener-explorer.js';
import type { ContainerSettings } from './container-settings.js';
import type { ListenerGroup } from './listener-groups.js';
import type { Failure } from '../pipeline/listener-outcome.js';
import { callBatch } from './batch-call.js';
import type { BatchResult } from './batch-call.js';
import { CallOne } from './call-one.js';
import { FailureLog } from './failure-log.js';
import { stoppedState } from './group-state.js';
import type { ListenerGroupState } from './group-state.js';
import { RetryPolicy } from './retry-policy.js';
import { RunningCalls } from './running-calls.js';
import { RocketMQContext } from '../decorators/rocketmq-context.js';
import { CONSUMER_ON_MANUAL_CLOCK, inRealTime, isManual } from '../manual-clock-settings.js';

/** Apache's default of pullBatchSize: a larger list needs larger pulls. */
const PULL_BATCH_SIZE = 32;

export class ListenerContainer {
  readonly #logger = new Logger('RocketMQ');
  readonly #consumer: PushConsumer;
  readonly #running = new RunningCalls<RocketMQContext | string>();
  readonly #inOrder: boolean;
  readonly #callOne: CallOne;
  readonly #failureLog: FailureLog;
  readonly #policy: RetryPolicy;
  readonly #policies = new Map<DiscoveredListener, RetryPolicy>();
  #paused = false;
  /** Set by `setConcurrency`. */
  #concurrency: number | undefined;

  /** @throws InvalidOptionError for consumer settings out of their range */
  constructor(
    client: RocketMQClient,
    private readonly group: ListenerGroup,
    private readonly settings: ContainerSettings,
  ) {
    const {
      concurrency,
      retry: _perListener,
      batch,
      allocateStrategy,
      ...options
    } = { ...settings.defaults, ...group.shared };
    this.#policy = new RetryPolicy(settings.defaults.retry);
    for (const listener of group.discovered) {
      this.#policies.set(listener, new RetryPolicy({ ...settings.defaults.retry, ...group.retryOf(listener) }));
    }
    this.#inOrder = options.consumeMode !== undefined && options.consumeMode !== 'CONCURRENTLY';
    this.#failureLog = new FailureLog(group.group, options);
    this.#callOne = new CallOne({
      group: group.group,
      keepsOrder: this.#inOrder,
      settings,
      running: this.#running,
      listenerFor: (context) => this.#listenerFor(context),
      policyOf: (listener) => this.#policyOf(listener),
      conclude: (listener, context, failure) => this.#concludeOne(listener, context, failure),
    });
    this.#consumer = client.createPushConsumer({
      ...options,
      consumeConcurrency: concurrency,
      allocateMessageQueueStrategy: allocateStrategy,
      ...(batch && { consumeMessageBatchMaxWait: batch.wait, pullBatchSize: Math.max(batch.size, PULL_BATCH_SIZE) }),
      // Without `batch`, one message a call: the failure of one must not cause the redelivery of others.
      consumeMessageBatchMaxSize: batch?.size ?? 1,
      ...(isManual(settings.clock) && CONSUMER_ON_MANUAL_CLOCK),
      group: group.group,
      hooks: settings.hooks,
      subscriptions: group.subscriptions,
      listener: batch
        ? (messages, delivery) => this.#deliverBatch(messages, delivery)
        : (messages, delivery) => this.#callOne.deliver(messages[0]!, delivery),
    });
  }

  get name(): string {
    return this.group.group;
  }

  /** Listener calls under way. */
  get running(): number {
    return this.#running.count;
  }

  /** 'group shop listens to order (paid || refunded), payment' */
  get summary(): string {
    const topics = this.group.subscriptions.map(({ topic, expression }) =>
      expression === '*' ? topic : `${topic} (${expression})`,
    );
    return `group ${this.name} listens to ${topics.join(', ')}`;
  }

  /** How far this process has consumed its queues. */
  get offsets(): readonly QueueOffset[] {
    return this.#consumer.offsets;
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

  get isPaused(): boolean {
    return this.#paused;
  }

  get state(): ListenerGroupState {
    const { group, settings } = this;
    return {
      ...stoppedState(group, settings.defaults),
      state: this.#paused ? 'paused' : 'running',
      active: this.#running.count,
      ...(this.#concurrency !== undefined && { concurrency: this.#concurrency }),
    };
  }

  pause(): void {
    this.#consumer.pause();
    if (!this.#paused) this.settings.events.group('paused', this.name);
    this.#paused = true;
  }

  resume(): void {
    this.#consumer.resume();
    if (this.#paused) this.settings.events.group('resumed', this.name);
    this.#paused = false;
  }

  /** @throws InvalidOptionError unless it is an integer from 1 to 1000 */
  setConcurrency(concurrency: number): void {
    this.#consumer.setConcurrency(concurrency);
    this.#concurrency = concurrency;
  }

  /** For the testing kit. */
  skipToEnd(end: (queue: MessageQueue) => number): Promise<void> {
    return this.#consumer.skipToEnd(end);
  }

  /** Stops pulling and waits for running listeners. @param deadline ms */
  async stop(deadline: number): Promise<void> {
    const onAbandoned = (): void => this.#warnOfAbandoned(deadline);
    const shutDown = (options: ConsumerShutdownOptions): Promise<void> =>
      this.#consumer.shutdown({ ...options, onAbandoned });
    await (isManual(this.settings.clock) ? inRealTime(deadline, shutDown) : shutDown({ deadline }));
  }

  #warnOfAbandoned(deadline: number): void {
    const messages = this.#running.all.map((each) => (typeof each === 'string' ? each : placeOf(each)));
    this.#logger.warn(
      `group ${this.name}: after ${deadline} ms ${messages.length} listener(s) still run and are abandoned; ` +
        `their messages will be delivered again: ${messages.join(', ')}`,
    );
  }

  #concludeOne(
    listener: DiscoveredListener | undefined,
    context: RocketMQContext,
    failure: Failure,
  ): Outcome | undefined {
    if (failure) return this.#failed(listener, context, failure.error);
    this.#consumed(listener, context);
    return undefined;
  }

  async #deliverBatch(messages: readonly MessageExt[], delivery: ConsumeContext): Promise<Outcome[]> {
    const { clock } = this.settings;
    const running = `${messages.length} messages from ${placeOf(RocketMQContext.of(messages[0]!, this.name, delivery))}`;
    const place = this.#running.begin(running);
    const ended = clock?.busy?.(`group ${this.name}: ${running}`);
    try {
      const results = await callBatch(
        {
          group: this.name,
          keepsOrder: this.#inOrder,
          signal: delivery.signal,
          listenerFor: (context) => this.#listenerFor(context),
          policyOf: (listener) => this.#policyOf(listener),
          payload: (listener, context) => this.#callOne.payload(listener, context),
          handle: (listener, list, context) => this.settings.track(() => listener.handle(list, context)),
        },
        messages,
      );
      return results.map((result) => this.#concluded(result));
    } finally {
      this.#running.end(place);
      ended?.();
    }
  }

  #concluded({ context, listener, failure }: BatchResult): Outcome {
    if (failure?.outcome?.isUntried) return failure.outcome;
    if (failure) return this.#failed(listener, context, failure.error, failure.outcome);
    this.#consumed(listener, context);
    return Outcome.ack;
  }

  #consumed(listener: DiscoveredListener | undefined, context: RocketMQContext): void {
    const { name: group } = this;
    const outcome = 'consumed';
    this.settings.onConsumption(listener ? { group, context, listener, outcome } : { group, context, outcome });
    this.settings.events.consumed(this.name, listener?.name, context);
  }

  #failed(
    listener: DiscoveredListener | undefined,
    context: RocketMQContext,
    error: unknown,
    said = this.#policyOf(listener).outcomeOf(error, context.reconsumeTimes + 1),
  ): Outcome {
    const outcome = this.#failureLog.withReason(context, error, said);
    if (outcome.kind === 'ack') {
      this.#consumed(listener, context);
      return outcome;
    }
    this.#failureLog.write(listener, context, error, outcome);
    const thrown: { error?: unknown } = Outcome.is(error) ? {} : { error };
    this.settings.onConsumption({
      group: this.name,
      context,
      ...(listener && { listener }),
      outcome: 'failed',
      ...thrown,
    });
    const delivery = { group: this.name, listener: listener?.name, context };
    this.settings.events.failed(delivery, error, outcome, this.#failureLog.fateOf(context, outcome));
    if (!this.settings.hooks || outcome.isUntried || !('error' in thrown)) return outcome;
    // Hooks are to know the error, which ends here.
    return outcome.because(thrown.error);
  }

  #policyOf(listener: DiscoveredListener | undefined): RetryPolicy {
    return (listener && this.#policies.get(listener)) ?? this.#policy;
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
}

/** Names a delivery in the log. */
function placeOf({ topic, msgId, queueId, queueOffset }: RocketMQContext): string {
  return `${topic} ${msgId} (queue ${queueId}, offset ${queueOffset})`;
}
