// Represents a provider or controller with listeners: its class, and the instance that handles a message.
import type { Type } from '@nestjs/common';
import { hasListeners } from '../decorators/listener-metadata.js';
import type { MethodKey } from '../decorators/listener-metadata.js';
import type { LifecycleHooks } from '../nest/lifecycle-hooks.js';
import { MessageScope, isSingleton, resolveFor, resolveTransient } from '../nest/nest-container.js';
import type { Wrapper } from '../nest/nest-container.js';

export type Instance = Record<MethodKey, (...args: unknown[]) => unknown>;

export class ListenerHost {
  private constructor(
    readonly wrapper: Wrapper,
    readonly type: Type<object>,
    private readonly transient: Instance | undefined,
  ) {}

  /**
   * Resolves with undefined for a provider without listeners, or one that its factory has not created yet.
   * @param isWanted whether any of the class's listeners is wanted
   */
  static async of(
    wrapper: Wrapper,
    hooks: LifecycleHooks,
    isWanted: (type: Type<object>) => boolean = hasListeners,
  ): Promise<ListenerHost | undefined> {
    const type = typeOf(wrapper);
    if (!type || !isWanted(type)) return undefined;
    if (!wrapper.isDependencyTreeStatic() || !wrapper.isTransient) return new ListenerHost(wrapper, type, undefined);
    // A transient provider has an instance for each consumer; this package is one.
    const instance = await resolveTransient(wrapper);
    hooks.add(instance);
    return new ListenerHost(wrapper, type, instance as Instance);
  }

  /**
   * The one instance; undefined if it is request-scoped. Read late, when it is needed: a send during the app's start looks
   * for transaction listeners before Nest has created all of them.
   */
  get instance(): Instance | undefined {
    return this.transient ?? (isSingleton(this.wrapper) ? (this.wrapper.instance as Instance) : undefined);
  }

  /** The name of a listener in logs and errors: 'CancelUnpaidOrder.onMessage (OrdersModule)'. */
  nameOf(method: MethodKey): string {
    return `${this.type.name}.${String(method)} (${this.wrapper.host?.name ?? 'no module'})`;
  }

  scope(request: object): MessageScope {
    return new MessageScope(request);
  }

  async instanceFor(scope: MessageScope): Promise<Instance> {
    return this.instance ?? ((await resolveFor(this.wrapper, scope)) as Instance);
  }

  /** A method that is a field is unknown for a request-scoped class: there is no instance yet. */
  method(name: MethodKey): ((...args: unknown[]) => unknown) | undefined {
    const method = (this.instance ?? (this.type.prototype as Instance))[name];
    return typeof method === 'function' ? method : undefined;
  }
}

/**
 * The class of a provider that may have listeners. The class of a factory's product is known once it is created: for a
 * request-scoped or transient factory the token has to be the class.
 */
function typeOf(wrapper: Wrapper): Type<object> | undefined {
  if (wrapper.isAlias) return undefined;
  if (!wrapper.isNotMetatype) return wrapper.metatype as Type<object>;
  if (!isSingleton(wrapper)) {
    return typeof wrapper.token === 'function' ? (wrapper.token as unknown as Type<object>) : undefined;
  }
  const instance: unknown = wrapper.instance;
  if (typeof instance !== 'object' || instance === null) return undefined;
  const type: unknown = instance.constructor;
  return typeof type === 'function' ? (type as Type<object>) : undefined;
}
