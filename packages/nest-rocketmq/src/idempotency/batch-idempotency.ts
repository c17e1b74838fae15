// Calls a batch listener with @Idempotent: each message of the list is claimed by itself, and duplicates are left out.
import { Outcome } from '@nest-rocketmq/client';
import type { Message } from '../decorators/message.js';
import type { RocketMQBatchContext } from '../decorators/rocketmq-batch-context.js';
import { failuresSaid } from '../pipeline/listener-outcome.js';
import type { Failure } from '../pipeline/listener-outcome.js';
import { ClaimedWork } from './claimed-work.js';
import { OUTCOMES } from './listener-delivery.js';
import type { Handle, ListenerIdempotencyParts, OpenDelivery } from './listener-delivery.js';
import type { ListenerKeys } from './listener-keys.js';
import { isDone } from './once.js';
import { BloomFront } from './stores/bloom-front.js';
import type { IdempotencyKey } from './stores/idempotency-store.js';

/** What is known about a message before the call. */
type Found =
  /** The listener is to be called, and `work` to be ended after it; undefined: unprotected, or claimed by the listener. */
  | { readonly state: 'new'; readonly work?: ClaimedWork; readonly open?: OpenDelivery }
  | { readonly state: 'duplicate' }
  /** An earlier message of the same list has the same key. */
  | { readonly state: 'twin'; readonly of: Message };

export class BatchIdempotency {
  constructor(
    private readonly parts: ListenerIdempotencyParts,
    private readonly keys: ListenerKeys,
    private readonly warnOfClaim: () => void,
  ) {}

  /** What fails, also by a lease that is held or lost, is failed by its message. Returns what the listener returned. */
  async run(messages: readonly Message[], context: RocketMQBatchContext, handle: Handle): Promise<unknown> {
    const found = await this.#findAll(messages, context.keepsOrder);
    const callsDuplicates = this.parts.options.onDuplicate === 'callHandler';
    const handed = messages.filter((message) => {
      const state = found.get(message)?.state;
      return state === 'new' || (state !== undefined && callsDuplicates);
    });
    context.keep(handed);
    const returned = handed.length === 0 ? undefined : await this.#call(handed, context, handle);
    for (const message of messages) await this.#end(message, found.get(message));
    for (const message of messages) await this.#duplicate(message, found.get(message));
    return returned;
  }

  /** A message that is not in the map has failed, and where order is kept those behind it are not looked at. */
  async #findAll(messages: readonly Message[], keepsOrder: boolean): Promise<Map<Message, Found>> {
    const found = new Map<Message, Found>();
    const first = new Map<string, Message>();
    let keptBack = false;
    for (const message of messages) {
      if (keptBack) {
        message.fail(Outcome.untried);
        continue;
      }
      try {
        const id = await this.keys.of(message.payload, message.context);
        const name = id && JSON.stringify([id.scope, id.key]);
        const twin = name === undefined ? undefined : first.get(name);
        found.set(message, twin ? { state: 'twin', of: twin } : await this.#find(message, id));
        if (name !== undefined && !twin) first.set(name, message);
      } catch (error) {
        message.fail(error);
        keptBack = keepsOrder;
      }
    }
    for (const [message, { state }] of found)
      if (state !== 'new') this.parts.deliveries.duplicates.add(message.context);
    return found;
  }

  async #find({ context }: Message, id: IdempotencyKey | undefined): Promise<Found> {
    if (id === undefined) return { state: 'new' };
    if (this.parts.options.mode !== 'transactional') {
      const claim = await ClaimedWork.claim(this.parts, id);
      if (claim === undefined) return { state: 'new' };
      return claim instanceof ClaimedWork ? { state: 'new', work: claim } : { state: 'duplicate' };
    }
    if (await isDone(this.parts, id)) return { state: 'duplicate' };
    const open: OpenDelivery = { id, parts: this.parts };
    this.parts.deliveries.open.set(context, open);
    return { state: 'new', open };
  }

  /** What the listener throws is the failure of each message that it was given, and not of the duplicates. */
  async #call(handed: readonly Message[], context: RocketMQBatchContext, handle: Handle): Promise<unknown> {
    let returned: unknown;
    let said: readonly Failure[];
    try {
      returned = await handle(handed, context);
      said = failuresSaid(returned, context.messages);
    } catch (error) {
      for (const message of handed) if (!message.failure) message.fail(error);
      return undefined;
    }
    for (const [at, failure] of said.entries()) {
      const message = context.messages[at]!;
      if (failure && !message.failure) message.fail(failure.error);
    }
    return returned;
  }

  async #end(message: Message, found: Found | undefined): Promise<void> {
    if (found?.state !== 'new') return;
    const { failure, context } = message;
    const isConsumed = !failure || OUTCOMES.isSuccess(failure.error);
    if (found.open) {
      this.parts.deliveries.open.delete(context);
      if (isConsumed) this.#learn(found.open);
    }
    if (!found.work) return;
    try {
      await (isConsumed ? found.work.complete(undefined) : found.work.release());
    } catch (error) {
      message.fail(error); // its lease was lost
    }
  }

  #learn({ found, id }: OpenDelivery): void {
    if (found === undefined) this.warnOfClaim();
    else if (this.parts.store instanceof BloomFront) this.parts.store.learn(id);
  }

  /** One with the key of an earlier message of the list fares as that one does. */
  async #duplicate(message: Message, found: Found | undefined): Promise<void> {
    if (found === undefined || found.state === 'new' || message.failure) return;
    if (found.state === 'twin' && found.of.failure) return message.fail(found.of.failure.error);
    const { onDuplicate } = this.parts.options;
    if (typeof onDuplicate !== 'function') return;
    try {
      const returned = await onDuplicate(message.payload, message.context);
      if (OUTCOMES.isFailure(returned)) message.fail(returned);
    } catch (error) {
      message.fail(error);
    }
  }
}
