// Calls a listener with @Idempotent: at most one call of a message's duplicates is in progress, and none once one is done.
import { RocketMQBatchContext } from '../decorators/rocketmq-batch-context.js';
import type { Message } from '../decorators/message.js';
import type { RocketMQContext } from '../decorators/rocketmq-context.js';
import { BatchIdempotency } from './batch-idempotency.js';
import { OUTCOMES } from './listener-delivery.js';
import type { Handle, ListenerIdempotencyParts, OpenDelivery } from './listener-delivery.js';
import { ListenerKeys } from './listener-keys.js';
import { isDone, runOnce } from './once.js';
import { BloomFront } from './stores/bloom-front.js';
import type { IdempotencyKey } from './stores/idempotency-store.js';

export class ListenerIdempotency {
  readonly #keys: ListenerKeys;
  readonly #batch: BatchIdempotency;
  #hasWarned = false;

  constructor(private readonly parts: ListenerIdempotencyParts) {
    this.#keys = new ListenerKeys(parts.name, parts.options, parts.logger);
    this.#batch = new BatchIdempotency(parts, this.#keys, () => this.#warnOfClaim());
  }

  /**
   * The listener as it is to be called. For one message it returns what the listener returned, or what `onDuplicate` says, and
   * throws besides MessageInProgressError, LeaseLostError and IdempotencyStoreError; for a list it fails these messages.
   */
  around(handle: Handle): Handle {
    return (payload, context) => {
      if (context instanceof RocketMQBatchContext) return this.#batch.run(payload as Message[], context, handle);
      return this.#run(payload, context, () => handle(payload, context));
    };
  }

  async #run(payload: unknown, context: RocketMQContext, call: () => Promise<unknown>): Promise<unknown> {
    const id = await this.#keys.of(payload, context);
    if (id === undefined) return call();
    const outcome = await (this.parts.options.mode === 'transactional'
      ? this.#inTransaction(id, context, call)
      : runOnce(this.parts, id, call, OUTCOMES));
    if (!outcome.duplicate) return outcome.result;
    const { onDuplicate = 'ack' } = this.parts.options;
    if (onDuplicate === 'ack') return outcome.result;
    this.parts.deliveries.duplicates.add(context);
    return onDuplicate === 'callHandler' ? call() : onDuplicate(payload, context);
  }

  /** The listener claims the key itself, by `claimIn`. */
  async #inTransaction(
    id: IdempotencyKey,
    context: RocketMQContext,
    call: () => Promise<unknown>,
  ): Promise<{ duplicate: boolean; result?: unknown }> {
    const { deliveries, store } = this.parts;
    if (await isDone(this.parts, id)) return { duplicate: true };
    const delivery: OpenDelivery = { id, parts: this.parts };
    deliveries.open.set(context, delivery);
    let result: unknown;
    try {
      result = await call();
    } catch (error) {
      // It is the error that claimIn threw, however the database library has wrapped it.
      if (delivery.found === 'duplicate') return { duplicate: true };
      throw error;
    } finally {
      deliveries.open.delete(context);
    }
    if (delivery.found === 'duplicate') return { duplicate: true };
    if (OUTCOMES.isFailure(result)) return { duplicate: false, result };
    if (delivery.found === undefined) this.#warnOfClaim();
    else if (store instanceof BloomFront) store.learn(id);
    return { duplicate: false, result };
  }

  #warnOfClaim(): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    this.parts.logger.warn(
      `${this.parts.name} has mode 'transactional', but returned without having called RocketMQIdempotency.claimIn: its ` +
        'duplicates are not recognised. Call claimIn(transaction, context) first in the database transaction.',
    );
  }
}
