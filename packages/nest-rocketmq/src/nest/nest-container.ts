// Asks Nest's container for instances of a module's providers and enhancers, for the life of the app or for one message.
import type { Type } from '@nestjs/common';
import { ContextIdFactory, ModuleRef } from '@nestjs/core';
import type { ContextId, DiscoveryService } from '@nestjs/core';

/** Nest's record of one provider, controller or enhancer. */
export type Wrapper = ReturnType<DiscoveryService['getProviders']>[number];
/** A module in the container. */
export type HostModule = NonNullable<Wrapper['host']>;

/** The request scope of one message or one transaction call. Providers get `request` injected as REQUEST. */
export class MessageScope {
  #contextId: ContextId | undefined;

  constructor(private readonly request: object) {}

  /** Created at first use: most apps have no request-scoped providers. */
  contextId(module: HostModule): ContextId {
    if (this.#contextId) return this.#contextId;
    const contextId = ContextIdFactory.getByRequest(this.request);
    // As Nest does: the payload of a durable strategy is added to the request. Durable providers get only that payload.
    const request = Object.assign(this.request, contextId.payload as object | undefined);
    moduleRefOf(module).registerRequestByContextId(request, contextId);
    this.#contextId = contextId;
    return contextId;
  }
}

export function moduleRefOf(module: HostModule): ModuleRef {
  return module.getProviderByKey<ModuleRef>(ModuleRef).instance;
}

/** Whether Nest's one instance is the one to use. */
export function isSingleton(wrapper: Wrapper): boolean {
  return wrapper.isDependencyTreeStatic() && !wrapper.isTransient;
}

/** Resolves the instance for one message. */
export function resolveFor(wrapper: Wrapper, scope: MessageScope): Promise<object> {
  return resolve(wrapper, scope.contextId(wrapper.host!));
}

/** Creates a new instance of a transient provider. */
export function resolveTransient(wrapper: Wrapper): Promise<object> {
  return resolve(wrapper, ContextIdFactory.create());
}

function resolve(wrapper: Wrapper, contextId: ContextId): Promise<object> {
  return moduleRefOf(wrapper.host!).resolve<object>(wrapper.token as Type<object>, contextId, { strict: true });
}
