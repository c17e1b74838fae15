// Provides what a test of an app needs: options for a broker in memory whose clock the test turns, and all that it can ask
// and cause there.
import type { DynamicModule } from '@nestjs/common';
import { ManualClock } from '@nest-rocketmq/remoting/internal';
import type { TurnOptions } from '@nest-rocketmq/remoting/internal';
import type { Duration } from '../message/delay.js';
import type { PayloadOf as PayloadTo } from '../message/topic.js';
import type { RocketMQModuleOptions } from '../options/rocketmq.options.js';
import { RocketMQModule } from '../rocketmq.module.js';
import { checkKeys, inside } from '../option-checks.js';
import { DEFAULT_CLUSTER } from '../rocketmq.tokens.js';
import { AppUnderTest } from './app-under-test.js';
import type { TestingOptions } from './cluster-under-test.js';
import { deliver } from './deliver.js';
import type { DeliverOptions, DeliveryResult, ListenerChoice } from './deliver.js';
import { Deliveries } from './deliveries.js';
import type { WaitForOptions } from './deliveries.js';
import { chosenTopic, expectNothingSent, expectSent } from './expectations.js';
import type { ClusterChoice, SentOptions, TopicChoice, UntypedChoice } from './expectations.js';
import type { RocketMQFaults } from './faults.js';
import type { Fixed } from './matching.js';
import { pendingEvents } from './pending.js';
import type { PendingEvent } from './pending.js';
import type {
  DeliveredMessage,
  DeliveryMatch,
  DeliveryTarget,
  ListenerClass,
  PayloadOf,
} from './recorded-deliveries.js';
import type { SentMatch, SentMessage } from './recorded-messages.js';

/** A broker in memory with a clock that stands still, for the test of an app. `rocketMQTesting` makes one. */
export class RocketMQTesting {
  /** For a module under test that does not import `RocketMQModule` itself: import this beside it. */
  readonly module: DynamicModule;
  /** For a whole app: `.overrideProvider(ROCKETMQ_OPTIONS).useValue(testing.options)`. */
  readonly options: RocketMQModuleOptions;
  /** The clock of broker and client. It stands still until it is turned. */
  readonly clock = new ManualClock();
  readonly #app = new AppUnderTest(this.clock);
  readonly #deliveries = new Deliveries(this.#app);

  /** @internal */
  constructor(options: TestingOptions) {
    this.options = this.#app.cluster(DEFAULT_CLUSTER, options).options;
    this.module = RocketMQModule.forRoot(this.options);
  }

  /**
   * The options of a cluster with a name: `.overrideProvider(getRocketMQOptionsToken('billing')).useValue(testing.optionsOf('billing'))`.
   * It gets a broker in memory of its own, on the clock of this testing. Each cluster of the app needs its options from here.
   * @param cluster `name` of its forRoot
   * @param options as for forRoot, in the first call for the cluster; default: none
   * @throws InvalidOptionError
   */
  optionsOf(cluster: string, options?: TestingOptions): RocketMQModuleOptions {
    return this.#app.cluster(cluster, options).options;
  }

  /** The faults that this test can cause. */
  get faults(): RocketMQFaults {
    return this.#app.faults;
  }

  /** The time by the clock of broker and client. */
  get now(): Date {
    return new Date(this.clock.now());
  }

  /**
   * Turns the clock by ms, or by a length such as '30m'. What falls due happens in order, and the clock waits for every
   * running listener.
   * @throws ClockHeldError that names a listener which has not ended within `timeout`, by default 4000 ms of real time
   */
  advance(time: Duration, options?: TurnOptions): Promise<void> {
    return this.clock.advance(time, options);
  }

  /** Turns the clock to a time that is to come. @throws ClockHeldError, as `advance`; InvalidOptionError */
  advanceTo(time: Date | number, options?: TurnOptions): Promise<void> {
    return this.clock.advanceTo(time instanceof Date ? time.getTime() : time, options);
  }

  /**
   * Turns the clock until nothing is due any more: no delayed message, retry, check of a transaction.
   * @throws NothingPendingError when that goes on without end, as a listener that always fails in its place does
   */
  advanceToEnd(options?: WaitForOptions): Promise<void> {
    return this.#deliveries.toEnd(options);
  }

  /** Resolves when nothing is under way: no listener, send or delivery. The clock stands still. @throws ClockHeldError */
  async settled(options?: TurnOptions): Promise<void> {
    await this.#app.settle(options);
  }

  /**
   * Resolves as the promise does, and turns the clock meanwhile, to one due moment after the other. For what needs time, such
   * as a send whose answer is lost.
   * @throws NothingPendingError if it has not settled after `timeout` of real time, and nothing is due
   */
  until<T>(promise: Promise<T>, options?: WaitForOptions): Promise<T> {
    return this.#deliveries.until(promise, options);
  }

  /**
   * Resolves when a listener has consumed the message, and turns the clock by itself until then. It also finds one that was
   * consumed before, since the start of the test or the last `reset`.
   * @param target the listener's class, or a topic
   * @param match one of the message's keys or its id, some fields of its payload, or a function; default: the first message of all
   * @throws NotConsumedError at once when nothing is due that could bring it about, with what is pending and when;
   * TestingNotWiredError; ClockHeldError
   */
  expectConsumed<T extends ListenerClass>(
    target: T,
    match?: DeliveryMatch<PayloadOf<T>>,
    options?: WaitForOptions,
  ): Promise<DeliveredMessage<PayloadOf<T>>>;
  expectConsumed<P = unknown>(
    target: TopicChoice,
    match?: DeliveryMatch<Fixed<P>>,
    options?: WaitForOptions,
  ): Promise<DeliveredMessage<P>>;
  expectConsumed<P>(
    target: DeliveryTarget,
    match?: DeliveryMatch<P>,
    options?: WaitForOptions,
  ): Promise<DeliveredMessage<P>> {
    return this.#deliveries.expect<P>('consumed', target, match, options);
  }

  /** Resolves when a listener has failed on the message. Otherwise as `expectConsumed`. */
  expectFailed<T extends ListenerClass>(
    target: T,
    match?: DeliveryMatch<PayloadOf<T>>,
    options?: WaitForOptions,
  ): Promise<DeliveredMessage<PayloadOf<T>>>;
  expectFailed<P = unknown>(
    target: TopicChoice,
    match?: DeliveryMatch<Fixed<P>>,
    options?: WaitForOptions,
  ): Promise<DeliveredMessage<P>>;
  expectFailed<P>(
    target: DeliveryTarget,
    match?: DeliveryMatch<P>,
    options?: WaitForOptions,
  ): Promise<DeliveredMessage<P>> {
    return this.#deliveries.expect<P>('failed', target, match, options);
  }

  /** Resolves when the group has given the message up, after all its retries. Otherwise as `expectConsumed`. */
  expectDeadLetter<P = unknown>(
    group: string,
    match?: SentMatch<Fixed<P>>,
    options?: WaitForOptions,
  ): Promise<SentMessage<P>> {
    return this.#deliveries.expectDeadLetter<P>(group, match, options);
  }

  /**
   * What was sent to the topic, or to all topics, in order: also delayed messages; a transaction's once it is committed. Whoever sent
   * it: the app, or another client of this broker. Of all clusters of the app, or of one. Of a destination with a tag, and of a
   * typed topic with one, the messages with that tag; a typed topic gives the type of the payloads.
   */
  sent<D extends TopicChoice>(topic: D, options?: ClusterChoice): SentMessage<PayloadTo<D>>[];
  sent<P = unknown>(topic?: UntypedChoice, options?: ClusterChoice): SentMessage<P>[];
  sent<P = unknown>(topic?: TopicChoice, options: ClusterChoice = {}): SentMessage<P>[] {
    const { messages } = this.#in('sent', options);
    return messages.sent(topic === undefined ? undefined : chosenTopic(topic), options.cluster) as SentMessage<P>[];
  }

  /** The message that was sent, the last one of several; of which topic as in `sent`. @throws NotSentError with what was sent instead */
  expectSent<D extends TopicChoice>(
    topic: D,
    match?: SentMatch<PayloadTo<D>>,
    options?: SentOptions,
  ): SentMessage<PayloadTo<D>>;
  expectSent<P = unknown>(topic: UntypedChoice, match?: SentMatch<Fixed<P>>, options?: SentOptions): SentMessage<P>;
  expectSent<P = unknown>(topic: TopicChoice, match?: SentMatch<Fixed<P>>, options: SentOptions = {}): SentMessage<P> {
    const { messages } = this.#in('expectSent', options, ['times']);
    return expectSent(messages, topic, match as never, options) as SentMessage<P>;
  }

  /** @param topic default: all topics @throws UnexpectedMessageError with what was sent */
  expectNothingSent(topic?: TopicChoice, options: ClusterChoice = {}): void {
    expectNothingSent(this.#in('expectNothingSent', options).messages, topic, options);
  }

  /** The dead letters of a group. */
  dlq<P = unknown>(group: string, options: ClusterChoice = {}): SentMessage<P>[] {
    return this.#in('dlq', options).messages.deadLetters(group, options.cluster) as SentMessage<P>[];
  }

  /** All deliveries to listeners since the start or the last `reset`, in the order of their end. */
  get deliveries(): readonly DeliveredMessage[] {
    return this.#app.deliveries.all;
  }

  /** How often a message was given to a listener. @param id one of its keys, or its id */
  attempts(id: string, options: ClusterChoice = {}): number {
    return this.#in('attempts', options).deliveries.attempts(id, options.cluster);
  }

  /** What will happen when the clock is turned, and when. */
  get pending(): PendingEvent[] {
    return pendingEvents(this.clock, this.#app.messages);
  }

  /** Has the broker ask about each open transaction now, however young. Resolves when the answers are there. */
  async checkTransactions(options?: TurnOptions): Promise<void> {
    await this.#wired('checkTransactions').checkTransactions(options);
  }

  /** Stops the broker and starts it again on the same store. Resolves when the app is connected again. */
  async restartBroker(options: WaitForOptions = {}): Promise<void> {
    await this.#wired('restartBroker').restart(options.cluster);
    await this.#deliveries.toReconnect(options);
  }

  /**
   * Empties the broker for the next test: topics, dead letters, what waits, offsets, faults, and all that was recorded. The
   * app runs on, and the clock stands where it stands.
   */
  async reset(options?: TurnOptions): Promise<void> {
    await this.#wired('reset').reset(options);
  }

  /**
   * Gives a listener a message through its guards, interceptors, pipes and converter, without a broker: a module that was
   * compiled is enough.
   * @param listener its class, `[Class, 'method']`, or the topic that it listens to
   * @param payload as for `RocketMQTemplate.send`; converted to a body and back
   * @returns what became of it; what the listener threw is its `error`
   * @throws InvalidOptionError unless exactly one listener is meant
   */
  async deliver(listener: ListenerChoice, payload: unknown, options: DeliverOptions = {}): Promise<DeliveryResult> {
    const all = this.#app.listeners('deliver', options.cluster);
    return deliver(all, listener, payload, options, this.clock.now());
  }

  #in(method: string, options: ClusterChoice, others: readonly string[] = []): AppUnderTest {
    inside(`RocketMQTesting.${method}`, undefined, () => checkKeys('options', options, ['cluster', ...others]));
    const app = this.#wired(method);
    app.clusters(method, options.cluster);
    return app;
  }

  #wired(method: string): AppUnderTest {
    return this.#app.wired(method);
  }
}

/**
 * Makes a broker in memory and a clock that stands still, for the test of an app. Nothing listens on a port.
 * @param options as for forRoot; `embedded.store` defaults to 'memory'
 */
export function rocketMQTesting(options: TestingOptions = {}): RocketMQTesting {
  return new RocketMQTesting(options);
}
