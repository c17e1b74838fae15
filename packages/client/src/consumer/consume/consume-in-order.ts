// Runs the listener where order is kept: one call at a time in each lane, and a failed message again in its place. A lane
// is a queue (ORDERLY), or a sharding key within a queue (KEY_ORDERED).
import { MessageProperty, sleep } from '@nest-rocketmq/remoting/internal';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import { describe } from '../../errors.js';
import { callListener } from './call-listener.js';
import type { ConsumeParts } from './consume-concurrently.js';
import type { ConsumeService } from './consume-service.js';
import { SUSPEND_RANGE_MS } from '../options/consumer-options.js';
import type { ConsumeContext } from '../options/consumer-options.js';
import { Deliveries } from './deliveries.js';
import { Delivery } from './delivery.js';
import { failureOf } from './listener-outcomes.js';
import type { Outcomes } from './listener-outcomes.js';
import { Outcome } from '../options/outcome.js';
import { Lane } from './lane.js';
import { queueKey } from '../process-queue/process-queue.js';
import type { ProcessQueue } from '../process-queue/process-queue.js';

/** A message that cannot be read, and could not be sent to the dead letters, is sent there again after this. ms */
const REJECT_AGAIN_AFTER_MS = 5_000;
const DEAD_LETTER = Outcome.toDeadLetter();
/** A message that fails without end is logged the first few times, and from then on once in so many tries. */
const TRIES_LOGGED = 3;
const LOGGED_ONCE_IN = 60;

export interface ConsumeInOrderParts extends ConsumeParts {
  /** The message's lane within its queue. */
  laneOf: (message: MessageExt) => string;
  /** Deliveries after the first before a message goes to the dead letters. */
  maxReconsumeTimes: number;
  /** Whether the queue is this consumer's at this moment; what it is not must not be touched. */
  isHeld: (queue: ProcessQueue) => boolean;
}

export class ConsumeInOrder implements ConsumeService {
  readonly #parts: ConsumeInOrderParts;
  readonly #lanes = new Map<string, Lane>();
  /** Lanes that have messages and could begin a call, in the order of their turns. */
  readonly #ready = new Set<Lane>();
  readonly #deliveries: Deliveries;
  #stopped = false;
  #whenIdle: (() => void) | undefined;

  constructor(parts: ConsumeInOrderParts) {
    this.#parts = parts;
    const { clock } = parts.context;
    // No time-out: another consumer must not get what this one may still be at.
    this.#deliveries = new Deliveries({ clock, consumeTimeout: Infinity, onTimeout: () => undefined });
  }

  get running(): number {
    return this.#deliveries.count;
  }

  submit(queue: ProcessQueue, messages: readonly MessageExt[]): void {
    const now = this.#parts.context.clock.monotonic();
    for (const message of messages) {
      const key = `${queueKey(queue.messageQueue)}\n${this.#parts.laneOf(message)}`;
      let lane = this.#lanes.get(key);
      if (!lane) this.#lanes.set(key, (lane = new Lane(key)));
      lane.add(queue, message, now);
      if (!lane.waiting) this.#ready.add(lane);
    }
    this.#pump();
  }

  reject(queue: ProcessQueue, messages: MessageExt[], reason: string): void {
    const { context, options } = this.#parts;
    for (const message of messages) {
      context.logger.error(`message ${message.msgId} cannot be read by ${options.group}: ${reason}`);
      this.#reject(queue, message).catch((error: unknown) =>
        context.logger.error(`rejecting of ${queueKey(queue.messageQueue)}: ${describe(error)}`),
      );
    }
  }

  call(messages: MessageExt[], context: ConsumeContext): Promise<Outcomes> {
    return callListener(this.#parts.options, messages, context, this.#parts.skipped);
  }

  resume(): void {
    this.#pump();
  }

  stop(): Promise<void> {
    this.#stopped = true;
    this.#ready.clear();
    for (const { timer } of this.#lanes.values()) this.#parts.context.clock.clearTimeout(timer);
    this.#deliveries.stop();
    return this.running === 0 ? Promise.resolve() : new Promise((resolve) => (this.#whenIdle = resolve));
  }

  #pump(): void {
    const { pauseGate, options } = this.#parts;
    for (const lane of this.#ready) {
      if (!pauseGate.isOpen || this.#stopped || this.running >= options.consumeConcurrency) return;
      this.#ready.delete(lane);
      if (this.#waitsForMore(lane)) continue;
      const batch = lane.take(options.consumeMessageBatchMaxSize, this.#parts.isHeld);
      if (!batch) this.#lanes.delete(lane.key);
      else if ('blockedBy' in batch) this.#waitFor(batch.blockedBy, lane);
      else this.#begin(lane, batch.queue, batch.messages);
    }
  }

  /** Whether the lane's next list may still fill up: then a timer brings the lane back, or another message does. */
  #waitsForMore(lane: Lane): boolean {
    const { context, options } = this.#parts;
    const { consumeMessageBatchMaxSize: size, consumeMessageBatchMaxWait: wait } = options;
    if (wait === 0) return false;
    const left = lane.count >= size ? 0 : lane.waitingSince + wait - context.clock.monotonic();
    context.clock.clearTimeout(lane.timer);
    if (left <= 0) return false;
    lane.timer = context.clock.setTimeout(
      () => this.#free(lane),
      left,
      `a list of group ${options.group} that fills up`,
    );
    return true;
  }

  /** The queue is about to go: what comes behind it in the lane, if anything does, has its turn then. */
  #waitFor({ signal }: ProcessQueue, lane: Lane): void {
    lane.waiting = true;
    signal.addEventListener('abort', () => this.#free(lane), { once: true });
  }

  #free(lane: Lane): void {
    lane.waiting = false;
    if (this.#stopped) return;
    // The others that are ready come first: one lane that always has messages must not keep them waiting.
    this.#ready.add(lane);
    this.#pump();
  }

  #begin(lane: Lane, queue: ProcessQueue, messages: MessageExt[]): void {
    const { logger } = this.#parts.context;
    const delivery = new Delivery(queue, messages);
    lane.waiting = true;
    queue.callBegins();
    this.#deliveries.add(delivery);
    this.#consume(lane, delivery)
      .catch((error: unknown) => {
        logger.error(`consuming ${queueKey(queue.messageQueue)}: ${describe(error)}`);
        return 0;
      })
      .then((pause) => this.#ended(lane, delivery, pause))
      .catch((error: unknown) => logger.error(`consuming ${queueKey(queue.messageQueue)}: ${describe(error)}`));
  }

  async #ended(lane: Lane, delivery: Delivery, pause: number): Promise<void> {
    const { queue } = delivery;
    this.#deliveries.delete(delivery);
    queue.callEnded();
    if (this.running === 0) {
      this.#whenIdle?.();
      this.#whenIdle = undefined;
    }
    this.#pump();
    if (pause > 0) {
      const event = `the next try, in its place, of what has failed in group ${this.#parts.options.group}`;
      await sleep(this.#parts.context.clock, pause, queue.signal, event);
    }
    this.#free(lane);
  }

  /** @returns ms to wait before the lane goes on */
  async #consume(lane: Lane, delivery: Delivery): Promise<number> {
    const { context, options, stats } = this.#parts;
    const { queue, messages } = delivery;
    const startedAt = String(context.clock.now());
    for (const message of messages) message.properties.set(MessageProperty.CONSUME_START_TIME, startedAt);
    let outcomes: Outcomes;
    try {
      outcomes = await this.call(messages, delivery);
    } catch (error) {
      outcomes = messages.map(() => failureOf(delivery).because(error));
      this.#logFailure(messages[0]!, error);
    }
    const took = context.clock.monotonic() - delivery.startedAt;
    const failures = outcomes ? outcomes.filter(({ kind }) => kind !== 'ack').length : 0;
    stats.consumed(queue.messageQueue.topic, messages.length - failures, failures, took);
    const done = outcomes ? await this.#doneOf(delivery, outcomes) : messages.length;
    // Another consumer may have the queue now, and gets these messages as well: its result counts.
    if (queue.dropped || !this.#parts.isHeld(queue)) return 0;
    queue.lastConsumeTimestamp = context.clock.now();
    if (done > 0) {
      const gone = done === messages.length ? messages : messages.slice(0, done);
      this.#parts.offsets.update(queue.messageQueue, queue.remove(gone), gone.at(-1));
    }
    if (done === messages.length) return 0;
    lane.putBack(queue, messages.slice(done));
    return pauseAfter(outcomes?.[done], delivery, options.suspendCurrentQueueTimeMillis);
  }

  /** @returns how many messages are done with. The next one is to be tried again here, and all after it, to keep their order */
  async #doneOf({ queue, messages }: Delivery, outcomes: readonly Outcome[]): Promise<number> {
    let done = 0;
    for (; done < messages.length; done++) {
      const [message, outcome] = [messages[done]!, outcomes[done]!];
      if (outcome.kind === 'ack') continue;
      if (outcome.isUntried) break;
      if (queue.dropped || !this.#parts.isHeld(queue)) return done;
      const spent = outcome.kind === 'deadLetter' || message.reconsumeTimes >= this.#parts.maxReconsumeTimes;
      if (!spent || !(await this.#giveUp(message, outcome))) break;
    }
    for (let at = done; at < messages.length; at++) {
      const failed = outcomes[at]!.kind !== 'ack' && !outcomes[at]!.isUntried;
      if (failed) messages[at]!.reconsumeTimes++;
    }
    return done;
  }

  /** @returns false when the message is still ours */
  #giveUp(message: MessageExt, outcome: Outcome): Promise<boolean> {
    const { context, options, sendBack } = this.#parts;
    const tries = `message ${message.msgId} has failed ${message.reconsumeTimes + 1} times in ${options.group}`;
    if (options.messageModel === 'BROADCASTING') {
      context.logger.warn(`${tries} and is dropped: broadcasting has no dead letters`);
      return Promise.resolve(true);
    }
    context.logger.warn(`${tries} and goes to the dead letters`);
    const last = outcome.givenUp();
    return sendBack.giveBack(message, last.kind === 'deadLetter' ? last : DEAD_LETTER);
  }

  async #reject(queue: ProcessQueue, message: MessageExt): Promise<void> {
    const { context, offsets, sendBack, options } = this.#parts;
    const { clock } = context;
    const broadcasting = options.messageModel === 'BROADCASTING';
    while (!queue.dropped && !broadcasting && !(await sendBack.giveBack(message, DEAD_LETTER))) {
      await sleep(
        clock,
        REJECT_AGAIN_AFTER_MS,
        queue.signal,
        `another try of group ${options.group} to give a message up`,
      );
    }
    if (!queue.dropped) offsets.update(queue.messageQueue, queue.remove([message]), message);
  }

  #logFailure(message: MessageExt, error: unknown): void {
    const { context, options } = this.#parts;
    const { reconsumeTimes, msgId } = message;
    if (reconsumeTimes >= TRIES_LOGGED && reconsumeTimes % LOGGED_ONCE_IN !== 0) return;
    const what = `the listener of ${options.group} failed for ${msgId}, try ${reconsumeTimes + 1}`;
    context.logger.error(`${what}: ${describe(error)}`);
  }
}

/** @returns ms. Java's bounds are for its own setting; an outcome may name any time. */
function pauseAfter(outcome: Outcome | undefined, delivery: Delivery, usual: number): number {
  if (outcome?.delay !== undefined) return Math.max(outcome.delay, SUSPEND_RANGE_MS.min);
  const wanted = delivery.suspendCurrentQueueTimeMillis;
  // A listener in JavaScript may set anything: NaN would be no pause at all.
  const pause = Number.isFinite(wanted) && wanted !== -1 ? wanted : usual;
  return Math.min(Math.max(pause, SUSPEND_RANGE_MS.min), SUSPEND_RANGE_MS.max);
}
