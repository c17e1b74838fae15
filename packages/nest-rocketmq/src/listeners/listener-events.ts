// Tells whoever subscribes what becomes of each message, of answers to requests, and of the groups themselves.
import type { Outcome } from '@nest-rocketmq/client';
import { Subject } from 'rxjs';
import type { Observable } from 'rxjs';
import type { RocketMQContext } from '../decorators/rocketmq-context.js';
import type { ReplyEvent } from '../reply/replier.js';

/** What the events about one delivery have in common. */
export interface DeliveryEvent {
  /** The consumer group. */
  readonly group: string;
  /** 'CancelUnpaidOrder.onMessage (OrdersModule)'; undefined if the group has no listener for the message. */
  readonly listener: string | undefined;
  readonly context: RocketMQContext;
}

/** The listener has consumed the message. */
export interface ConsumedEvent extends DeliveryEvent {
  readonly type: 'consumed';
}

/** The delivery has failed. `retried` or `dead-lettered` follows at once, unless it is a broadcast. */
export interface FailedEvent extends DeliveryEvent {
  readonly type: 'failed';
  /** What was thrown; an `Outcome` if the listener has said so by one. */
  readonly error: unknown;
}

/** A message that failed is delivered again. */
export interface RetriedEvent extends DeliveryEvent {
  readonly type: 'retried';
  /** How long until then, ms; undefined: the group's usual pause, or `level`. */
  readonly delay: number | undefined;
  /** The delay level until then; undefined: none was named. */
  readonly level: number | undefined;
}

/** A message that failed goes to the dead letters. */
export interface DeadLetteredEvent extends DeliveryEvent {
  readonly type: 'dead-lettered';
  /** Why: what the listener has said, or the error, also that of its last retry. Undefined if it has said no reason. */
  readonly reason: string | undefined;
}

/** What became of the answer to a request. */
export interface RepliedEvent extends ReplyEvent {
  readonly type: 'replied';
}

/** A group has begun or ended to listen in this app, or was paused or resumed. */
export interface GroupEvent {
  readonly type: 'started' | 'stopped' | 'paused' | 'resumed';
  readonly group: string;
}

/** What `RocketMQListeners.events` emits: narrow it by `type`. */
export type ListenerEvent = ConsumedEvent | FailedEvent | RetriedEvent | DeadLetteredEvent | RepliedEvent | GroupEvent;

/** What becomes of a message that failed. */
export type Fate = 'retried' | 'dead-lettered' | 'dropped';

export class ListenerEvents {
  readonly #events = new Subject<ListenerEvent>();

  get all(): Observable<ListenerEvent> {
    return this.#events;
  }

  consumed(group: string, listener: string | undefined, context: RocketMQContext): void {
    // No object for each message unless somebody listens.
    if (this.#events.observed) this.#events.next({ type: 'consumed', group, listener, context });
  }

  failed(delivery: DeliveryEvent, error: unknown, { delay, level, reason }: Outcome, fate: Fate): void {
    if (!this.#events.observed) return;
    this.#events.next({ type: 'failed', ...delivery, error });
    if (fate === 'retried') this.#events.next({ type: 'retried', ...delivery, delay, level });
    if (fate === 'dead-lettered') this.#events.next({ type: 'dead-lettered', ...delivery, reason });
  }

  replied(event: ReplyEvent): void {
    if (this.#events.observed) this.#events.next({ type: 'replied', ...event });
  }

  group(type: GroupEvent['type'], group: string): void {
    if (this.#events.observed) this.#events.next({ type, group });
  }
}
