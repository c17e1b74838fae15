// Declares @Idempotent, for listeners that must not do a message's work twice, and reads what it leaves on classes.
import type { RocketMQContext } from '../decorators/rocketmq-context.js';
import type { MethodKey } from '../decorators/listener-metadata.js';
import { InvalidListenerError } from '../errors.js';
import { IDEMPOTENT_METADATA, IDEMPOTENT_METHODS_METADATA } from '../rocketmq.tokens.js';
import type { IdempotencySettings } from './stores/idempotency-settings.js';
import type { IdempotencyStore } from './stores/idempotency-store.js';

/** The token of a provider that is an `IdempotencyStore`. */
export type IdempotencyStoreToken = string | symbol | (abstract new (...args: never) => IdempotencyStore);

/** What is done with a message whose work has been done before. */
export type OnDuplicate<T = unknown> = 'ack' | 'callHandler' | ((payload: T, context: RocketMQContext) => unknown);

/** Options of `@Idempotent`. What is left out is as the module option `idempotency` says. */
export interface IdempotentOptions<T = unknown> extends IdempotencySettings {
  /**
   * What makes two messages duplicates. Default: topic, tag and the message's key, if it has exactly one; else UNIQ_KEY. For a
   * message for which it returns undefined the listener is called unprotected.
   */
  key?: (payload: T, context: RocketMQContext) => string | undefined | Promise<string | undefined>;
  /** Keys are compared within one scope. Default: consumer group, class and method: 'mails/SendMail.onMessage'. */
  scope?: string;
  /** Where the records are kept, or the token of a provider that is such a store. */
  store?: IdempotencyStore | IdempotencyStoreToken;
  /**
   * 'lease': the module claims the key before the call, and records after it that the work is done. 'transactional': the
   * listener calls `RocketMQIdempotency.claimIn` in its own database transaction, which commits record and effect together.
   * Default 'lease'.
   */
  mode?: 'lease' | 'transactional';
  /**
   * What is done with a duplicate: 'ack': it counts as consumed. 'callHandler': the listener is called, and finds
   * `RocketMQIdempotency.isDuplicate(context)`. A function is called in its place; its failure is a failed delivery. Default 'ack'.
   */
  onDuplicate?: OnDuplicate<T>;
}

/** The options of any listener: which payload it takes is not known here. */
export type AnyIdempotentOptions = Omit<IdempotentOptions<never>, 'key' | 'onDuplicate'> & {
  key?: (payload: unknown, context: RocketMQContext) => string | undefined | Promise<string | undefined>;
  onDuplicate?: OnDuplicate;
};

interface IdempotentDecorator {
  (target: abstract new (...args: never) => unknown): void;
  <M extends (...args: never) => unknown>(
    prototype: object,
    method: string | symbol,
    descriptor: TypedPropertyDescriptor<M>,
  ): void;
}

/**
 * Keeps a listener from doing the work of a message twice: put it beside `@RocketMQMessageListener`, on the class (for all of
 * its listeners) or on the method. A failure is no work: the message's redelivery runs. While one delivery is being worked on,
 * its duplicates come again later. What crashes between the work and its record is done again, unless the mode is
 * 'transactional'. Wrong options are reported when the app starts.
 * @throws InvalidListenerError on anything but a class or a method
 */
export function Idempotent<T = unknown>(options: IdempotentOptions<T> = {}): IdempotentDecorator {
  return (target: object, method?: MethodKey, descriptor?: unknown): void => {
    if (method === undefined) {
      Reflect.defineMetadata(IDEMPOTENT_METADATA, options, target);
      return;
    }
    const type = typeof target === 'function' ? target : target.constructor;
    if (typeof target === 'function' || typeof (descriptor as PropertyDescriptor | undefined)?.value !== 'function') {
      const name = `${type.name}.${String(method)}`;
      throw new InvalidListenerError(name, 'put @Idempotent on a class or on a method of its instances.');
    }
    Reflect.defineMetadata(IDEMPOTENT_METADATA, options, type, method);
    const marked = (Reflect.getOwnMetadata(IDEMPOTENT_METHODS_METADATA, type) ?? []) as MethodKey[];
    Reflect.defineMetadata(IDEMPOTENT_METHODS_METADATA, [...marked, method], type);
  };
}

/** The options for a listener: those of its method, else those of its class. */
export function idempotentOf(type: object, method: MethodKey): AnyIdempotentOptions | undefined {
  const found: unknown =
    Reflect.getMetadata(IDEMPOTENT_METADATA, type, method) ?? Reflect.getMetadata(IDEMPOTENT_METADATA, type);
  return found as AnyIdempotentOptions | undefined;
}

/** A method of the class that has @Idempotent but is no listener. */
export function idempotentWithoutListener(type: object, listeners: readonly MethodKey[]): MethodKey | undefined {
  const marked = (Reflect.getMetadata(IDEMPOTENT_METHODS_METADATA, type) ?? []) as MethodKey[];
  return marked.find((method) => !listeners.includes(method));
}
