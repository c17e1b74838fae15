// The few things that this package asks of Nest's container: instances of a module's providers and enhancers, for the
// life of the app or for one message.
import type { Type } from '@nestjs/common';
import { ContextIdFactory, ModuleRef } from '@nestjs/core';
import type { ContextId, DiscoveryService } from '@nestjs/core';

/** What Nest keeps of one provider, controller or enhancer. */
export type Wrapper = ReturnType<DiscoveryService['getProviders']>[number];
/** A module as it stands in the container. */
export type HostModule = NonNullable<Wrapper['host']>;

/** One message's, or one transaction call's, view of request-scoped providers. What is injected as REQUEST is `request`. */
export class MessageScope {
  #contextId: ContextId | undefined;

  constructor(private readonly request: object) {}

  /** Made at first use: most apps have nothing that is request-scoped. */
  contextId(module: HostModule): ContextId {
    if (this.#contextId) return this.#contextId;
    const contextId = ContextIdFactory.getByRequest(this.request);
    // As in Nest: the payload of a durable strategy is added to the request. To what is durable Nest gives it alone.
    const request = Object.assign(this.request, contextId.payload as object | undefined);
    moduleRefOf(module).registerRequestByContextId(request, contextId);
    this.#contextId = contextId;
    return contextId;
  }
}

export function moduleRefOf(module: HostModule): ModuleRef {
  return module.getProviderByKey<ModuleRef>(ModuleRef).instance;
}

/** Whether the one instance that Nest has made is the one to use. */
export function isSingleton(wrapper: Wrapper): boolean {
  return wrapper.isDependencyTreeStatic() && !wrapper.isTransient;
}

/** The instance for one message. */
export function resolveFor(wrapper: Wrapper, scope: MessageScope): Promise<object> {
  return resolve(wrapper, scope.contextId(wrapper.host!));
}

/** A new instance of a transient provider. */
export function resolveTransient(wrapper: Wrapper): Promise<object> {
  return resolve(wrapper, ContextIdFactory.create());
}

function resolve(wrapper: Wrapper, contextId: ContextId): Promise<object> {
  return moduleRefOf(wrapper.host!).resolve<object>(wrapper.token as Type<object>, contextId, { strict: true });
}
