// Calls a listener with @Idempotent: at most one call of a message's duplicates is in progress, and none once one is done.
import type { RocketMQContext } from '../decorators/rocketmq-context.js';
import type { WorkParts } from './claimed-work.js';
import type { AnyIdempotentOptions } from './idempotent.js';
import { defaultKey, keyForReplay } from './message-key.js';
import { isDone, runOnce } from './once.js';
import { BloomFront } from './stores/bloom-front.js';
import type { IdempotencyKey } from './stores/idempotency-store.js';

/** A delivery of a transactional listener, until its call has ended. */
export interface OpenDelivery {
  readonly id: IdempotencyKey;
  readonly parts: WorkParts;
  /** What `claimIn` found: undefined before it was called. */
  found?: 'new' | 'duplicate';
}

/** What the service keeps about deliveries that are being worked on. */
export interface Deliveries {
  readonly open: WeakMap<object, OpenDelivery>;
  readonly duplicates: WeakSet<object>;
}

export interface ListenerIdempotencyParts extends WorkParts {
  /** 'CancelUnpaidOrder.onMessage (OrdersModule)' */
  readonly name: string;
  readonly options: AnyIdempotentOptions;
  readonly deliveries: Deliveries;
  /** Whether what the listener returned says that the message has failed. */
  readonly isFailure: (returned: unknown) => boolean;
}

type Call = () => Promise<unknown>;

export class ListenerIdempotency {
  #warnedOfKey = false;
  #warnedOfClaim = false;

  constructor(private readonly parts: ListenerIdempotencyParts) {}

  /**
   * @param call the listener, with its guards, interceptors and pipes, for this one message
   * @returns what the listener returned, or what `onDuplicate` says
   * @throws what the listener threw; MessageInProgressError, LeaseLostError, IdempotencyStoreError
   */
  async run(payload: unknown, context: RocketMQContext, call: Call): Promise<unknown> {
    const id = await this.#idOf(payload, context);
    if (id === undefined) return call();
    const outcome = await (this.parts.options.mode === 'transactional'
      ? this.#inTransaction(id, context, call)
      : runOnce(this.parts, id, call, this.parts.isFailure));
    return outcome.duplicate ? this.#onDuplicate(payload, context, call, outcome.result) : outcome.result;
  }

  /** The key of a message in this listener's scope. Undefined, with a warning once, for a message that has none. */
  async #idOf(payload: unknown, context: RocketMQContext): Promise<IdempotencyKey | undefined> {
    const { options, name, logger } = this.parts;
    const key = options.key ? await options.key(payload, context) : defaultKey(context);
    const scope = options.scope ?? `${context.group}/${name.replace(/ \(.*\)$/, '')}`;
    if (key !== undefined && key !== '') return { scope, key: keyForReplay(String(key), context) };
    if (!this.#warnedOfKey) {
      this.#warnedOfKey = true;
      const why = options.key
        ? 'option key of @Idempotent returned none'
        : 'it has neither exactly one key nor a UNIQ_KEY';
      logger.warn(`${name}: message ${context.msgId} is not protected from being worked on twice, since ${why}`);
    }
    return undefined;
  }

  /** The listener claims the key itself, by `claimIn`. */
  async #inTransaction(
    id: IdempotencyKey,
    context: RocketMQContext,
    call: Call,
  ): Promise<{ duplicate: boolean; result?: unknown }> {
    const { deliveries, store } = this.parts;
    if (await isDone(this.parts, id)) return { duplicate: true };
    const delivery: OpenDelivery = { id, parts: this.parts };
    deliveries.open.set(context, delivery);
    let result: unknown;
    try {
      result = await call();
    } catch (error) {
      // The error that claimIn threw, however the database library has wrapped it.
      if (delivery.found === 'duplicate') return { duplicate: true };
      throw error;
    } finally {
      deliveries.open.delete(context);
    }
    if (delivery.found === 'duplicate') return { duplicate: true };
    if (delivery.found === undefined) this.#warnOfClaim();
    else if (store instanceof BloomFront) store.learn(id);
    return { duplicate: false, result };
  }

  #onDuplicate(payload: unknown, context: RocketMQContext, call: Call, result: unknown): unknown {
    const { onDuplicate = 'ack' } = this.parts.options;
    if (onDuplicate === 'ack') return result;
    this.parts.deliveries.duplicates.add(context);
    return onDuplicate === 'callHandler' ? call() : onDuplicate(payload, context);
  }

  #warnOfClaim(): void {
    if (this.#warnedOfClaim) return;
    this.#warnedOfClaim = true;
    this.parts.logger.warn(
      `${this.parts.name} has mode 'transactional', but returned without having called RocketMQIdempotency.claimIn: its ` +
        'duplicates are not recognised. Call claimIn(transaction, context) first in the database transaction.',
    );
  }
}
