// Owns finding the decorated classes and methods among the app's providers and controllers, and making them callable
// through Nest's guards, interceptors and pipes. Leaves groups to listener-groups.ts.
import { Injectable } from '@nestjs/common';
import { ContextIdFactory, DiscoveryService, ExternalContextCreator, MetadataScanner, ModuleRef } from '@nestjs/core';
import type { ContextId } from '@nestjs/core';
import { InvalidListenerError } from './errors.js';
import { PAYLOAD_PARAM, classListenersOf, methodListenersOf, transactionListenerOf } from './listener-metadata.js';
import type {
  MessageListenerOptions,
  RocketMQLocalTransactionListener,
  TransactionListenerOptions,
} from './listener-metadata.js';
import type { RocketMQContext } from './rocketmq-context.js';
import { LISTENER_PARAMS_METADATA, ROCKETMQ_CONTEXT_TYPE } from './rocketmq.tokens.js';

export interface DiscoveredListener {
  /** 'CancelUnpaidOrder.onMessage' */
  readonly name: string;
  readonly options: MessageListenerOptions;
  readonly handle: (payload: unknown, context: RocketMQContext) => Promise<unknown>;
}

export interface DiscoveredTransactionListener {
  /** The class's name. */
  readonly name: string;
  readonly options: TransactionListenerOptions;
  readonly instance: RocketMQLocalTransactionListener;
}

type Wrapper = ReturnType<DiscoveryService['getProviders']>[number];
type Instance = Record<string, (...args: unknown[]) => unknown>;

const paramsFactory = {
  exchangeKeyForValue: (type: number, _data: unknown, args: unknown[]): unknown =>
    type === PAYLOAD_PARAM ? args[0] : undefined,
};

// Filters stay out: one that answers an error (as every HTTP filter does) would make a failed message look handled.
const ENHANCERS = { guards: true, interceptors: true, filters: false };

@Injectable()
export class ListenerExplorer {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    private readonly moduleRef: ModuleRef,
    private readonly external: ExternalContextCreator,
  ) {}

  messageListeners(): DiscoveredListener[] {
    return this.#hosts().flatMap((wrapper) => [...this.#onClass(wrapper), ...this.#onMethods(wrapper)]);
  }

  transactionListeners(): DiscoveredTransactionListener[] {
    return this.#hosts().flatMap((wrapper) => {
      const instance = instanceOf(wrapper);
      const options = transactionListenerOf(instance.constructor);
      if (!options) return [];
      const { name } = instance.constructor;
      for (const method of ['executeLocalTransaction', 'checkLocalTransaction']) requireMethod(instance, method, name);
      if (!wrapper.isDependencyTreeStatic()) {
        throw new InvalidListenerError(
          name,
          'a transaction listener cannot be request-scoped: a check has no request.',
        );
      }
      return [{ name, options, instance: instance as unknown as RocketMQLocalTransactionListener }];
    });
  }

  /** Providers and controllers that are objects, each once: an alias (useExisting) is the same listener. */
  #hosts(): Wrapper[] {
    const seen = new Set<unknown>();
    return [...this.discovery.getProviders(), ...this.discovery.getControllers()].filter((wrapper) => {
      const instance: unknown = wrapper.instance;
      if (typeof instance !== 'object' || instance === null || seen.has(instance)) return false;
      seen.add(instance);
      return typeof instance.constructor === 'function';
    });
  }

  #onClass(wrapper: Wrapper): DiscoveredListener[] {
    const instance = instanceOf(wrapper);
    const { name } = instance.constructor;
    return classListenersOf(instance.constructor).map((options) => {
      requireMethod(instance, 'onMessage', name);
      return { name: `${name}.onMessage`, options, handle: this.#handler(wrapper, 'onMessage') };
    });
  }

  #onMethods(wrapper: Wrapper): DiscoveredListener[] {
    const instance = instanceOf(wrapper);
    return this.scanner.getAllMethodNames(Object.getPrototypeOf(instance) as object).flatMap((method) =>
      methodListenersOf(instance.constructor, method).map((options) => ({
        name: `${instance.constructor.name}.${method}`,
        options,
        handle: this.#handler(wrapper, method),
      })),
    );
  }

  #handler(wrapper: Wrapper, method: string): DiscoveredListener['handle'] {
    if (wrapper.isDependencyTreeStatic()) return this.#pipeline(instanceOf(wrapper), method);
    return async (payload, context) => {
      const contextId = ContextIdFactory.create();
      this.moduleRef.registerRequestByContextId(context, contextId);
      const instance = await this.moduleRef.resolve<Instance>(wrapper.token as string, contextId, { strict: false });
      return this.#pipeline(instance, method, contextId, wrapper.id)(payload, context);
    };
  }

  #pipeline(
    instance: Instance,
    method: string,
    contextId?: ContextId,
    inquirerId?: string,
  ): DiscoveredListener['handle'] {
    return this.external.create(
      instance,
      instance[method],
      method,
      LISTENER_PARAMS_METADATA,
      paramsFactory,
      contextId,
      inquirerId,
      ENHANCERS,
      ROCKETMQ_CONTEXT_TYPE,
    );
  }
}

function instanceOf(wrapper: Wrapper): Instance {
  return wrapper.instance as Instance;
}

function requireMethod(instance: Instance, method: string, className: string): void {
  if (typeof instance[method] === 'function') return;
  throw new InvalidListenerError(className, `it is decorated as a listener but has no method ${method}().`);
}
