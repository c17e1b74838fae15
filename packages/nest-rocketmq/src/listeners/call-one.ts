// Calls a listener with the payload of one message, and has a request answered with what it returns.
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import type { ConsumeContext, Outcome } from '@nest-rocketmq/client';
import { RocketMQContext } from '../decorators/rocketmq-context.js';
import type { DiscoveredListener } from '../discovery/listener-explorer.js';
import { readPayload } from '../message/read-payload.js';
import { failureSaid } from '../pipeline/listener-outcome.js';
import type { Failure } from '../pipeline/listener-outcome.js';
import type { ContainerSettings } from './container-settings.js';
import { tryInPlace } from './in-place.js';
import type { RetryPolicy } from './retry-policy.js';
import type { RunningCalls } from './running-calls.js';

export interface CallOneParts {
  readonly group: string;
  readonly keepsOrder: boolean;
  readonly settings: ContainerSettings;
  readonly running: RunningCalls<RocketMQContext | string>;
  /** @throws InvalidListenerError when there is none */
  listenerFor(context: RocketMQContext): DiscoveredListener;
  policyOf(listener: DiscoveredListener | undefined): RetryPolicy;
  /** Reports what became of the message. */
  conclude(listener: DiscoveredListener | undefined, context: RocketMQContext, failure: Failure): Outcome | undefined;
}

export class CallOne {
  constructor(private readonly parts: CallOneParts) {}

  /** A plain listener that returns at once takes no promise. */
  deliver(message: MessageExt, delivery: ConsumeContext): Outcome | undefined | Promise<Outcome | undefined> {
    const { group, keepsOrder, running, settings } = this.parts;
    const context = RocketMQContext.of(message, group, delivery);
    const place = running.begin(context);
    const held = keepsOrder ? undefined : settings.holdBack?.(context);
    if (held || settings.clock?.busy) return this.#deliverLater(context, place, held);
    let listener: DiscoveredListener | undefined;
    let returned: unknown;
    try {
      listener = this.parts.listenerFor(context);
      returned = this.#handle(listener, context);
    } catch (error) {
      return this.#settle(listener, context, place, Promise.reject(error as Error));
    }
    if (returned instanceof Promise) return this.#settle(listener, context, place, returned);
    running.end(place);
    return this.parts.conclude(listener, context, failureSaid(returned));
  }

  /** @returns a promise only if the listener's schema is asynchronous @throws MessageDecodeError, MessageValidationError */
  payload(listener: DiscoveredListener, { message }: RocketMQContext): unknown {
    return readPayload(this.parts.settings.converter, message, listener.reading);
  }

  /** Where a test's clock is told of the call, or a test holds it back. */
  async #deliverLater(
    context: RocketMQContext,
    place: number,
    held: Promise<void> | undefined,
  ): Promise<Outcome | undefined> {
    if (held) await held;
    const { settings, listenerFor } = this.parts;
    let listener: DiscoveredListener | undefined;
    let ended: (() => void) | undefined;
    let returned: Promise<unknown>;
    try {
      listener = listenerFor(context);
      ended = settings.clock?.busy?.(`${listener.name} (message ${context.msgId} of topic ${context.topic})`);
      returned = Promise.resolve(this.#handle(listener, context));
    } catch (error) {
      returned = Promise.reject(error as Error);
    }
    return this.#settle(listener, context, place, returned, ended);
  }

  /** @param returned resolves with what the listener returns */
  async #settle(
    listener: DiscoveredListener | undefined,
    context: RocketMQContext,
    place: number,
    returned: Promise<unknown>,
    ended?: () => void,
  ): Promise<Outcome | undefined> {
    const { running, policyOf, conclude } = this.parts;
    let failure: Failure;
    try {
      failure = failureSaid(await returned);
    } catch (error) {
      failure = listener
        ? await tryInPlace(policyOf(listener), error, async () => this.#handle(listener, context), context)
        : { error };
    } finally {
      running.end(place);
      ended?.();
    }
    return conclude(listener, context, failure);
  }

  /** @returns a promise only if there is something to wait for @throws at once what is thrown at once */
  #handle(listener: DiscoveredListener, context: RocketMQContext): unknown {
    const payload = this.payload(listener, context);
    // Only a schema may take its time: another promise is the payload itself.
    if (!listener.reading.schema || !(payload instanceof Promise)) return this.#call(listener, context, payload);
    return payload.then((valid) => this.#call(listener, context, valid));
  }

  #call(listener: DiscoveredListener, context: RocketMQContext, payload: unknown): unknown {
    const { track, answer } = this.parts.settings;
    const { handle, handleAtOnce = handle } = listener;
    const handled = track(() => handleAtOnce(payload, context));
    return answer && context.isRequest ? answered(answer, listener, context, handled) : handled;
  }
}

async function answered(
  answer: NonNullable<ContainerSettings['answer']>,
  listener: DiscoveredListener,
  context: RocketMQContext,
  handled: unknown,
): Promise<unknown> {
  const returned = await handled;
  await answer(listener, context, returned);
  return returned;
}
