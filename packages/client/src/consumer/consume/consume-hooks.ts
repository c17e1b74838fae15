// Calls the hooks of a consumer around its listener, its polls, and what it gives back.
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import type { ClientContext } from '../../client-context.js';
import type { Namespace } from '../../config/namespace.js';
import { callEach, enabled } from '../../hooks/hooks.js';
import type { ConsumeContext, MessageListener } from '../options/consumer-options.js';
import type {
  ConsumedMessageContext,
  ConsumerHook,
  ConsumerHookContext,
  ReceivedMessageContext,
} from '../options/consumer-hooks.js';
import { outcomesOf } from './listener-outcomes.js';
import { Outcome } from '../options/outcome.js';

type Mutable<T> = { -readonly [Field in keyof T]: T[Field] };

export interface ConsumeHooksOptions {
  readonly group: string;
  readonly messageModel: 'CLUSTERING' | 'BROADCASTING';
  readonly consumeMessageBatchMaxSize?: number;
  readonly hooks?: readonly ConsumerHook[] | undefined;
}

/** @returns undefined where there are none */
export function consumeHooks(context: ClientContext, options: ConsumeHooksOptions): ConsumeHooks | undefined {
  return options.hooks && new ConsumeHooks(context, options, options.hooks);
}

export class ConsumeHooks {
  readonly #context: ClientContext;
  readonly #hooks: readonly ConsumerHook[];
  readonly #names: Namespace;
  readonly #own: ConsumerHookContext;
  readonly #isBatch: boolean;

  constructor(context: ClientContext, options: ConsumeHooksOptions, hooks: readonly ConsumerHook[]) {
    this.#context = context;
    this.#hooks = hooks;
    this.#names = context.names;
    this.#own = {
      consumerGroup: this.#names.strip(options.group),
      clientId: context.clientId,
      namespace: context.options.namespace ?? context.options.namespaceV2 ?? '',
      messageModel: options.messageModel,
    };
    this.#isBatch = (options.consumeMessageBatchMaxSize ?? 1) > 1;
  }

  /** The same listener, with the hooks around it. */
  listener(listener: MessageListener): MessageListener {
    return async (messages, delivery) => {
      const hooks = enabled(this.#hooks);
      if (!hooks) return listener(messages, delivery);
      const context = this.#consuming(messages, delivery);
      this.#each(hooks, (hook) => hook.consumeMessageBefore?.(context));
      try {
        const result = await surrounded(hooks, context, () => listener(messages, delivery));
        context.outcomes = outcomesOf(result, messages, delivery) ?? messages.map(() => Outcome.ack);
        return result;
      } catch (error) {
        // A thrown outcome says the same as one that is returned.
        if (Outcome.is(error)) context.outcomes = messages.map(() => error);
        else context.exception = error;
        throw error;
      } finally {
        this.#each(hooks, (hook) => hook.consumeMessageAfter?.(context));
      }
    };
  }

  async receive(take: () => Promise<MessageExt[]>): Promise<MessageExt[]> {
    const hooks = enabled(this.#hooks);
    if (!hooks) return take();
    const nothing = { messages: [], topic: undefined, brokerAddr: undefined, exception: undefined };
    const context: Mutable<ReceivedMessageContext> = { ...this.#own, ...nothing };
    this.#each(hooks, (hook) => hook.receiveMessageBefore?.(context));
    try {
      const messages = await take();
      context.messages = messages.map((message) => this.#names.stripMessage(message));
      context.topic = this.#names.strip(only(messages.map(({ topic }) => topic)) ?? '') || undefined;
      context.brokerAddr = this.#addressOf(only(messages.map(({ brokerName }) => brokerName)));
      return messages;
    } catch (error) {
      context.exception = error;
      throw error;
    } finally {
      this.#each(hooks, (hook) => hook.receiveMessageAfter?.(context));
    }
  }

  /** @param settle resolves with false when the message is still the consumer's */
  async settle(message: MessageExt, outcome: Outcome, settle: () => Promise<boolean>): Promise<boolean> {
    const hooks = enabled(this.#hooks);
    if (!hooks) return settle();
    const brokerAddr = this.#addressOf(message.brokerName);
    const shown = this.#names.stripMessage(message);
    const context = { ...this.#own, topic: shown.topic, message: shown, outcome, brokerAddr, success: false };
    this.#each(hooks, (hook) => hook.settleMessageBefore?.(context));
    try {
      context.success = await settle();
      return context.success;
    } finally {
      this.#each(hooks, (hook) => hook.settleMessageAfter?.(context));
    }
  }

  #consuming(messages: readonly MessageExt[], { messageQueue }: ConsumeContext): Mutable<ConsumedMessageContext> {
    return {
      ...this.#own,
      topic: this.#names.strip(messages[0]!.topic),
      messageQueue: this.#names.stripQueue(messageQueue),
      messages: messages.map((message) => this.#names.stripMessage(message)),
      isBatch: this.#isBatch,
      brokerAddr: this.#addressOf(messageQueue.brokerName),
      outcomes: undefined,
      exception: undefined,
    };
  }

  #each(hooks: readonly ConsumerHook[], call: (hook: ConsumerHook) => void): void {
    callEach(hooks, this.#context.logger, call);
  }

  #addressOf(brokerName: string | undefined): string | undefined {
    return brokerName === undefined ? undefined : this.#context.routes.brokerAddress(brokerName);
  }
}

/** The first hook is the outermost. */
function surrounded<T>(hooks: readonly ConsumerHook[], context: ConsumedMessageContext, call: () => T): T {
  const run = hooks.reduceRight<() => T>(
    (inner, hook) => () => (hook.aroundListener ? hook.aroundListener(context, inner) : inner()),
    call,
  );
  return run();
}

/** What all of them are; undefined when they differ. */
function only<T>(list: readonly T[]): T | undefined {
  return list.every((each) => each === list[0]) ? list[0] : undefined;
}
