// Runs the listener, several calls at a time in any order, and applies each result to its messages and the queue's offset.
import { MessageProperty, sleep } from '@nest-rocketmq/remoting/internal';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import type { ClientContext } from '../../client-context.js';
import type { SkippedReplays } from '../../dead-letters/skipped-replays.js';
import { describe } from '../../errors.js';
import { BatchFiller } from './batch-filler.js';
import { callListener, startListener } from './call-listener.js';
import type { ConsumeService } from './consume-service.js';
import type { ConsumeContext, ResolvedPushConsumerOptions } from '../options/consumer-options.js';
import type { ConsumerStats } from './consumer-stats.js';
import { Deliveries } from './deliveries.js';
import { Delivery } from './delivery.js';
import { DeliveryList } from './delivery-list.js';
import { failureOf } from './listener-outcomes.js';
import type { Outcomes } from './listener-outcomes.js';
import { Outcome } from '../options/outcome.js';
import type { PauseGate } from './pause-gate.js';
import type { OffsetStore } from '../offsets/offset-store.js';
import type { ProcessQueue } from '../process-queue/process-queue.js';
import { queueKey } from '../process-queue/process-queue.js';
import type { SendBack } from './send-back.js';

/** A message that could not be given back is consumed here again after this. ms */
const CONSUME_AGAIN_AFTER_MS = 5_000;
/** What becomes of a message whose listener has run too long: Apache's level of 10 s. */
const TIMED_OUT = Outcome.retryLater({ level: 3 });
const UNREADABLE = Outcome.toDeadLetter();
const MINUTE_MS = 60_000;

export interface ConsumeParts {
  context: ClientContext;
  options: ResolvedPushConsumerOptions;
  offsets: OffsetStore;
  sendBack: SendBack;
  stats: ConsumerStats;
  /** Replays that were undone. */
  skipped: SkippedReplays;
  /** Where a pause holds messages. */
  pauseGate: PauseGate;
}

export class ConsumeConcurrently implements ConsumeService {
  readonly #parts: ConsumeParts;
  readonly #waiting = new DeliveryList();
  readonly #deliveries: Deliveries;
  readonly #batches: BatchFiller;
  #stopped = false;
  #pumping = false;
  #whenIdle: (() => void) | undefined;

  constructor(parts: ConsumeParts) {
    this.#parts = parts;
    this.#batches = new BatchFiller({
      clock: parts.context.clock,
      size: parts.options.consumeMessageBatchMaxSize,
      wait: parts.options.consumeMessageBatchMaxWait,
      ready: (queue, messages) => this.#ready(queue, messages),
    });
    this.#deliveries = new Deliveries({
      clock: parts.context.clock,
      consumeTimeout: parts.options.consumeTimeout * MINUTE_MS,
      onTimeout: (delivery) => this.#timedOut(delivery),
    });
  }

  get running(): number {
    return this.#deliveries.count;
  }

  submit(queue: ProcessQueue, messages: readonly MessageExt[]): void {
    this.#batches.add(queue, messages);
  }

  reject(queue: ProcessQueue, messages: MessageExt[], reason: string): void {
    const { context, options } = this.#parts;
    for (const message of messages) {
      context.logger.error(`message ${message.msgId} cannot be read by ${options.group}: ${reason}`);
    }
    this.#apply(
      queue,
      messages,
      messages.map(() => UNREADABLE),
    )
      .then((stuck) => (stuck.length > 0 ? this.#later(queue, () => this.reject(queue, stuck, reason)) : undefined))
      .catch((error: unknown) =>
        context.logger.error(`rejecting of ${queueKey(queue.messageQueue)}: ${describe(error)}`),
      );
  }

  stop(): Promise<void> {
    this.#stopped = true;
    this.#waiting.clear();
    this.#batches.stop();
    this.#deliveries.stop();
    return this.running === 0 ? Promise.resolve() : new Promise((resolve) => (this.#whenIdle = resolve));
  }

  call(messages: MessageExt[], context: ConsumeContext): Promise<Outcomes> {
    return callListener(this.#parts.options, messages, context, this.#parts.skipped);
  }

  resume(): void {
    this.#pump();
  }

  #ready(queue: ProcessQueue, messages: MessageExt[]): void {
    this.#waiting.push(new Delivery(queue, messages));
    this.#pump();
  }

  /** A listener that returns at once ends within this loop, which then begins the next call. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    const { pauseGate, options } = this.#parts;
    while (pauseGate.isOpen && !this.#stopped && this.#waiting.count > 0 && this.running < options.consumeConcurrency) {
      const delivery = this.#waiting.shift()!;
      const { queue } = delivery;
      // What waits in a queue that is about to go is left to its next consumer.
      if (!queue.dropped && !queue.closing) this.#begin(delivery);
    }
    this.#pumping = false;
  }

  /** Nearly every call ends well: that takes no promise but the listener's own. */
  #begin(delivery: Delivery): void {
    const { context, options } = this.#parts;
    const { queue, messages } = delivery;
    this.#deliveries.add(delivery);
    queue.callBegins();
    const startedAt = String(context.clock.now());
    for (const message of messages) message.properties.set(MessageProperty.CONSUME_START_TIME, startedAt);
    let outcomes: Outcomes | Promise<Outcomes>;
    try {
      outcomes = startListener(options, messages, delivery, this.#parts.skipped);
    } catch (error) {
      return this.#threw(delivery, error);
    }
    if (!(outcomes instanceof Promise)) return this.#conclude(delivery, outcomes);
    outcomes.then(
      (each) => this.#conclude(delivery, each),
      (error: unknown) => this.#threw(delivery, error),
    );
  }

  #threw(delivery: Delivery, error: unknown): void {
    const { context, options } = this.#parts;
    const { messages } = delivery;
    context.logger.error(`the listener of ${options.group} failed for ${messages[0]!.msgId}: ${describe(error)}`);
    this.#conclude(
      delivery,
      messages.map(() => failureOf(delivery).because(error)),
    );
  }

  #conclude(delivery: Delivery, outcomes: Outcomes): void {
    delivery.returned = true;
    const { queue, messages } = delivery;
    try {
      const took = this.#parts.context.clock.monotonic() - delivery.startedAt;
      const failed = outcomes ? outcomes.filter(({ kind }) => kind !== 'ack').length : 0;
      this.#parts.stats.consumed(queue.messageQueue.topic, messages.length - failed, failed, took);
      // Another consumer has the queue now, and gets these messages as well: its result counts.
      if (!queue.dropped) {
        if (delivery.over) this.#tooLate(delivery, failed === 0);
        else if (failed === 0) this.#done(queue, messages);
        else return this.#giveBack(delivery, outcomes, () => this.#callEnded(delivery));
      }
    } catch (error) {
      this.#failed(delivery, error);
    }
    this.#callEnded(delivery);
  }

  /** @param end called when that is done */
  #giveBack(delivery: Delivery, outcomes: Outcomes, end: () => void): void {
    this.#settle(delivery, outcomes)
      .catch((error: unknown) => this.#failed(delivery, error))
      .finally(end);
  }

  /** The listener has ended, and its result is counted. */
  #callEnded(delivery: Delivery): void {
    delivery.queue.callEnded();
    this.#ended(delivery);
  }

  #failed({ messageQueue }: Delivery, error: unknown): void {
    this.#parts.context.logger.error(`consuming ${queueKey(messageQueue)}: ${describe(error)}`);
  }

  #ended(delivery: Delivery): void {
    this.#deliveries.delete(delivery);
    this.#pump();
    if (this.running > 0) return;
    this.#whenIdle?.();
    this.#whenIdle = undefined;
  }

  /** A listener that does not return would hold its place, and the queue's offset, for ever: both are freed. */
  #timedOut(delivery: Delivery): void {
    const { context, options } = this.#parts;
    const ids = delivery.messages.map(({ msgId }) => msgId).join(', ');
    const next = options.messageModel === 'CLUSTERING' ? 'it is given back, and delivered again' : 'it is dropped';
    context.logger.warn(
      `the listener of ${options.group} has had message ${ids} for ${options.consumeTimeout} min: ${next}, and another ` +
        'message takes its place. Raise consumeTimeout if that is a usual time.',
    );
    delivery.end();
    const outcomes = delivery.messages.map(() => TIMED_OUT);
    this.#giveBack(delivery, outcomes, () => this.#ended(delivery));
  }

  #tooLate({ messages, startedAt }: Delivery, success: boolean): void {
    const { context, options } = this.#parts;
    const minutes = ((context.clock.monotonic() - startedAt) / MINUTE_MS).toFixed(1);
    context.logger.warn(
      `the listener of ${options.group} ended after ${minutes} min, with ${success ? 'success' : 'a failure'}, for ` +
        `${messages.map(({ msgId }) => msgId).join(', ')}: past consumeTimeout, so that this counts for nothing`,
    );
  }

  /** What is not consumed is given back, or is consumed here again later. */
  async #settle({ queue, messages }: Delivery, outcomes: Outcomes): Promise<void> {
    const stuck = await this.#apply(queue, messages, outcomes);
    if (stuck.length > 0) void this.#later(queue, () => this.submit(queue, stuck));
  }

  /** @returns those that failed and could not be given back either: they are still ours */
  async #apply(queue: ProcessQueue, messages: MessageExt[], outcomes: Outcomes): Promise<MessageExt[]> {
    const stuck: MessageExt[] = [];
    for (const [index, outcome] of outcomes?.entries() ?? []) {
      const message = messages[index]!;
      // One that was given back for its time-out has left the queue already.
      if (outcome.kind === 'ack' || !queue.has(message) || (await this.#fail(message, outcome))) continue;
      message.reconsumeTimes++;
      stuck.push(message);
    }
    if (queue.dropped) return [];
    this.#done(queue, stuck.length === 0 ? messages : messages.filter((message) => !stuck.includes(message)));
    return stuck;
  }

  #done(queue: ProcessQueue, messages: readonly MessageExt[]): void {
    const { context, offsets } = this.#parts;
    queue.lastConsumeTimestamp = context.clock.now();
    offsets.update(queue.messageQueue, queue.remove(messages), messages.at(-1));
  }

  /** @returns false when the message must be consumed here again */
  #fail(message: MessageExt, outcome: Outcome): Promise<boolean> {
    const { context, options, sendBack } = this.#parts;
    if (options.messageModel === 'CLUSTERING') return sendBack.giveBack(message, outcome);
    context.logger.warn(
      `broadcast message ${message.msgId} failed in ${options.group} and is dropped: there is no retry`,
    );
    return Promise.resolve(true);
  }

  async #later(queue: ProcessQueue, again: () => void): Promise<void> {
    const event = `the next try, here, of what has failed in group ${this.#parts.options.group}`;
    await sleep(this.#parts.context.clock, CONSUME_AGAIN_AFTER_MS, queue.signal, event);
    if (!queue.dropped && !this.#stopped) again();
  }
}
