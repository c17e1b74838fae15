// Keeps what a test knows of its app and of the app's broker.
import type { BrokerTesting } from '@nest-rocketmq/broker/internal';
import type { ManualClock, TurnOptions } from '@nest-rocketmq/remoting/internal';
import { TestingNotWiredError } from '../errors.js';
import type { RocketMQListeners } from '../listeners/rocketmq-listeners.js';
import { JsonMessageConverter } from '../message/message-converter.js';
import { RocketMQFaults } from './faults.js';
import { RecordedDeliveries } from './recorded-deliveries.js';
import { RecordedMessages, decodeWith } from './recorded-messages.js';
import { TimeSkipper } from './time-skipper.js';

export class AppUnderTest {
  readonly deliveries = new RecordedDeliveries();
  readonly messages: RecordedMessages;
  readonly faults: RocketMQFaults;
  readonly skipper: TimeSkipper;
  #listeners: RocketMQListeners | undefined;
  #backend: { restart(): Promise<void> } | undefined;

  constructor(
    readonly clock: ManualClock,
    readonly broker: BrokerTesting,
  ) {
    const converter = new JsonMessageConverter();
    const decode = decodeWith(() => this.#listeners?.underTest.options.messageConverter ?? converter);
    this.messages = new RecordedMessages(decode);
    this.faults = new RocketMQFaults(broker);
    this.skipper = new TimeSkipper(clock, () => this.faults.releaseHeld());
  }

  attached(backend: { restart(): Promise<void> }): void {
    this.#backend = backend;
  }

  adopt(listeners: RocketMQListeners): void {
    this.#listeners = listeners;
    listeners.holdBack = () => this.faults.holdBack();
    this.deliveries.watch(listeners, () => this.faults.delivered());
  }

  /** What is held back must not hold up the app. */
  closing(): void {
    this.faults.clear();
  }

  /** @throws TestingNotWiredError */
  wired(method: string): this {
    if (!this.#listeners) throw new TestingNotWiredError(method);
    return this;
  }

  get listeners(): RocketMQListeners {
    return this.wired('app').#listeners!;
  }

  async settle(options?: TurnOptions): Promise<void> {
    do await this.clock.settle(options);
    while (this.faults.releaseHeld());
  }

  async checkTransactions(options?: TurnOptions): Promise<void> {
    await this.settle(options);
    await this.broker.checkTransactions();
    await this.settle(options);
  }

  async restart(): Promise<void> {
    await this.#backend?.restart();
  }

  async reset(options?: TurnOptions): Promise<void> {
    this.faults.clear();
    await this.settle(options);
    await this.broker.discardAll();
    await this.listeners.skipToEnd((queue) => this.broker.endOf(queue));
    await this.settle(options);
    this.listeners.underTest.explorer.forgetDone();
    this.messages.clear();
    this.deliveries.clear();
  }
}
