// A provider or controller with listeners: its class, and the instance that a message is handled by.
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

  /** @returns undefined for a provider without listeners, as far as is known yet */
  static async of(wrapper: Wrapper, hooks: LifecycleHooks): Promise<ListenerHost | undefined> {
    const type = typeOf(wrapper);
    if (!type || !hasListeners(type)) return undefined;
    if (!wrapper.isDependencyTreeStatic() || !wrapper.isTransient) return new ListenerHost(wrapper, type, undefined);
    // A transient provider has an instance for each consumer, and this is one of them.
    const instance = await resolveTransient(wrapper);
    hooks.take(instance);
    return new ListenerHost(wrapper, type, instance as Instance);
  }

  /**
   * undefined: it is request-scoped, and made anew for each message. Read when it is needed: a send while the app is
   * still being put together looks for transaction listeners before Nest has made all of them.
   */
  get instance(): Instance | undefined {
    return this.transient ?? (isSingleton(this.wrapper) ? (this.wrapper.instance as Instance) : undefined);
  }

  /** 'CancelUnpaidOrder.onMessage (OrdersModule)': how logs and errors name a listener. */
  nameOf(method: MethodKey): string {
    return `${this.type.name}.${String(method)} (${this.wrapper.host?.name ?? 'no module'})`;
  }

  scope(request: object): MessageScope {
    return new MessageScope(request);
  }

  async instanceFor(scope: MessageScope): Promise<Instance> {
    return this.instance ?? ((await resolveFor(this.wrapper, scope)) as Instance);
  }

  /** Of a request-scoped class a method that is a field is not known before there is an instance. */
  method(name: MethodKey): ((...args: unknown[]) => unknown) | undefined {
    const method = (this.instance ?? (this.type.prototype as Instance))[name];
    return typeof method === 'function' ? method : undefined;
  }
}

/**
 * The class of a provider that may have listeners. A factory's product is known only once it is made: for a
 * request-scoped or transient one the token has to be the class.
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
