// Sends the events of an EventBus to their topics.
import { Logger } from '@nestjs/common';
import type { IEvent, IEventPublisher, UnhandledExceptionBus } from '@nestjs/cqrs';
import { reasonOf } from '../pipeline/failure-reason.js';
import type { RocketMQTemplate } from '../template/rocketmq-template.js';
import type { CheckedEvent } from './event-options.js';

/**
 * The EventBus' publisher: events of the declared classes go to their topics, all others to the publisher that was there before.
 * `RocketMQCqrsModule` sets it.
 */
export class RocketMQPublisher implements IEventPublisher {
  readonly #logger = new Logger('RocketMQ');
  readonly #sending = new Set<Promise<unknown>>();
  readonly #events: ReadonlyMap<unknown, CheckedEvent>;

  /** @internal */
  constructor(
    private readonly template: Pick<RocketMQTemplate, 'send'>,
    events: readonly CheckedEvent[],
    private readonly local: IEventPublisher,
    private readonly unhandled: UnhandledExceptionBus,
  ) {
    this.#events = new Map(events.map((each) => [each.event, each]));
  }

  /**
   * Resolves when a broker has stored the event. `AggregateRoot.commit` does not wait for that: what fails is logged, and goes to
   * the UnhandledExceptionBus. `eventBus.publish` returns this promise, so who awaits it has the error, too.
   */
  publish<TEvent extends IEvent>(event: TEvent, ...context: unknown[]): unknown {
    return this.publishAll([event], ...context);
  }

  /** The same for several events, one after the other, so that those of one sharding key stay in order. */
  publishAll<TEvent extends IEvent>(events: TEvent[], ...context: unknown[]): unknown {
    const outgoing = events.filter((event) => this.#optionsOf(event) !== undefined);
    for (const event of events) {
      if (this.#optionsOf(event)?.listen !== true) this.local.publish(event, ...(context as []));
    }
    if (outgoing.length === 0) return undefined;
    const sending = this.#sendAll(outgoing);
    this.#sending.add(sending);
    // Marks a rejection as handled: a commit drops the promise.
    void sending.then(
      () => this.#sending.delete(sending),
      () => this.#sending.delete(sending),
    );
    return sending;
  }

  /** Hands an event that came from a topic to the handlers of this process. It is not sent again. */
  publishLocally(event: object): void {
    this.local.publish(event);
  }

  /** Resolves when all events that were published so far are stored, or have failed. */
  async drain(): Promise<void> {
    await Promise.allSettled(this.#sending);
  }

  async #sendAll(events: readonly IEvent[]): Promise<void> {
    for (const [index, event] of events.entries()) {
      try {
        const { destination, sendOptions } = this.#optionsOf(event)!;
        await this.template.send(destination, event, sendOptions?.(event) ?? {});
      } catch (error) {
        // Those that come after it must not overtake it.
        for (const lost of events.slice(index)) this.#failed(lost, error);
        throw error;
      }
    }
  }

  #failed(event: IEvent, exception: unknown): void {
    const { name } = event.constructor;
    this.#logger.error(`event ${name} could not be sent: ${reasonOf(exception, true)}`);
    this.unhandled.publish({ cause: event, exception });
  }

  #optionsOf(event: IEvent): CheckedEvent | undefined {
    return this.#events.get(event.constructor);
  }
}
