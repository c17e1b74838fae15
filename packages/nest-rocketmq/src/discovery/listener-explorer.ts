// Finds the decorated classes and methods among the app's providers and controllers, and makes them callable through Nest's
// guards, interceptors and pipes.
import { types } from 'node:util';
import { Injectable, Logger, ValidationPipe } from '@nestjs/common';
import { ApplicationConfig, DiscoveryService, ModuleRef } from '@nestjs/core';
import { EnhancerResolver } from '../pipeline/enhancer-resolver.js';
import { InvalidListenerError } from '../errors.js';
import { idempotentOf, idempotentWithoutListener } from '../idempotency/idempotent.js';
import { RocketMQIdempotency } from '../idempotency/rocketmq-idempotency.js';
import { dependenciesOf } from '../nest/dependencies.js';
import { LifecycleHooks } from '../nest/lifecycle-hooks.js';
import { ListenerEnhancers } from '../pipeline/listener-enhancers.js';
import { ListenerHost } from '../pipeline/listener-host.js';
import {
  classListenersOf,
  listenerMethodsOf,
  methodListenersOf,
  misplacedListenersOf,
} from '../decorators/listener-metadata.js';
import type { MessageListenerOptions, MethodKey } from '../decorators/listener-metadata.js';
import { paramsOf } from '../decorators/listener-params.js';
import type { ListenerParams } from '../decorators/listener-params.js';
import { ListenerPipeline } from '../pipeline/listener-pipeline.js';
import type { PayloadKind } from '../message/message-converter.js';
import type { Wrapper } from '../nest/nest-container.js';
import type { CallContext } from '../pipeline/listener-pipeline.js';
import { markServed } from '../decorators/unserved-listeners.js';
import { TransactionHost } from './transaction-host.js';
import type { DiscoveredTransactionListener } from './transaction-host.js';

export interface DiscoveredListener {
  /** 'CancelUnpaidOrder.onMessage (OrdersModule)' */
  readonly name: string;
  readonly options: MessageListenerOptions;
  readonly isIdempotent?: boolean;
  /** @param payload with `batch` the messages: it fails those that a pipe refuses, and calls the method with the others */
  readonly handle: (payload: unknown, context: CallContext) => Promise<unknown>;
}

const IDEMPOTENT_ALONE =
  '@Idempotent has no effect on a method without @RocketMQMessageListener. Add that, or remove it.';

@Injectable()
export class ListenerExplorer {
  readonly #logger = new Logger('RocketMQ');
  readonly #enhancers: EnhancerResolver;
  /** Each provider is examined once, even if modules that are loaded later bring new ones. */
  readonly #hosts = new Map<Wrapper, Promise<ListenerHost | undefined>>();
  readonly #listeners = new WeakMap<ListenerHost, Promise<DiscoveredListener[]>>();

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly app: ApplicationConfig,
    private readonly hooks: LifecycleHooks,
    private readonly modules: ModuleRef,
  ) {
    this.#enhancers = new EnhancerResolver(hooks);
  }

  /** Each call returns the same objects, then those of modules loaded since. @throws InvalidListenerError */
  async messageListeners(): Promise<DiscoveredListener[]> {
    const found: DiscoveredListener[] = [];
    for (const host of await this.#all()) {
      markServed(host.wrapper.isTransient ? host.type : (host.instance ?? {}));
      const listeners = this.#listeners.get(host) ?? this.#listenersOf(host);
      this.#listeners.set(host, listeners);
      found.push(...(await listeners));
    }
    return found;
  }

  /** @throws InvalidListenerError */
  async transactionListeners(): Promise<DiscoveredTransactionListener[]> {
    return (await this.#all()).flatMap((host) => new TransactionHost(host).listeners());
  }

  /** The classes of all providers and controllers, with or without listeners. */
  classes(): Set<object> {
    const classes = new Set<object>();
    for (const { token, metatype, instance, isNotMetatype } of this.#wrappers()) {
      const type: unknown = isNotMetatype ? (instance as object | null | undefined)?.constructor : metatype;
      for (const each of [token, type]) if (typeof each === 'function') classes.add(each);
    }
    return classes;
  }

  /** Whether Nest injects `token` into something of the app other than `except`. What ModuleRef finds later is not seen. */
  injects(token: object, except: object): boolean {
    return this.#wrappers().some((each) => each.metatype !== except && dependenciesOf(each).includes(token));
  }

  /** Returns each instance once: a value that several providers share is one listener, under its own class if provided. */
  async #all(): Promise<ListenerHost[]> {
    const seen = new Set<unknown>();
    const hosts: ListenerHost[] = [];
    for (const wrapper of this.#wrappers()) {
      const known = this.#hosts.get(wrapper) ?? ListenerHost.of(wrapper, this.hooks);
      this.#hosts.set(wrapper, known);
      const host = await known;
      if (!host) this.#hosts.delete(wrapper); // its factory may not have run yet
      if (!host || (host.instance && seen.has(host.instance))) continue;
      seen.add(host.instance);
      hosts.push(host);
    }
    return hosts;
  }

  #wrappers(): Wrapper[] {
    const wrappers = [...this.discovery.getProviders(), ...this.discovery.getControllers()];
    return wrappers.toSorted((a, b) => Number(a.isNotMetatype) - Number(b.isNotMetatype));
  }

  async #listenersOf(host: ListenerHost): Promise<DiscoveredListener[]> {
    const [misplaced] = misplacedListenersOf(host.type);
    if (misplaced) throw new InvalidListenerError(host.nameOf(misplaced.method), misplaced.reason);
    const unused = idempotentWithoutListener(host.type, [...listenerMethodsOf(host.type), 'onMessage']);
    if (unused !== undefined) throw new InvalidListenerError(host.nameOf(unused), IDEMPOTENT_ALONE);
    const listeners: DiscoveredListener[] = [];
    const onClass = classListenersOf(host.type);
    if (onClass.length > 0) listeners.push(...(await this.#onMethod(host, 'onMessage', onClass)));
    for (const method of listenerMethodsOf(host.type)) {
      listeners.push(...(await this.#onMethod(host, method, methodListenersOf(host.type, method))));
    }
    return listeners;
  }

  async #onMethod(
    host: ListenerHost,
    method: MethodKey,
    decorators: readonly MessageListenerOptions[],
  ): Promise<DiscoveredListener[]> {
    const name = host.nameOf(method);
    const callback = host.method(method);
    if (!callback) throw new InvalidListenerError(name, 'the class is decorated as a listener but has no such method.');
    if (types.isGeneratorFunction(callback)) {
      throw new InvalidListenerError(
        name,
        'it is a generator function, whose body would never run. Make it an async method.',
      );
    }
    const listeners: DiscoveredListener[] = [];
    for (const options of decorators) {
      const params = paramsOf(name, host.type, method, options);
      const { piped } = params;
      const target = { name, wrapper: host.wrapper, type: host.type, callback, piped };
      const enhancers = await ListenerEnhancers.of(target, this.app, this.#enhancers);
      this.#warnOfUnknownType(name, params, enhancers);
      const pipeline = new ListenerPipeline({
        name,
        host,
        method,
        params,
        enhancers,
        answers: options.reply !== false,
      });
      const idempotent = idempotentOf(host.type, method);
      const once = idempotent && this.modules.get(RocketMQIdempotency).listener(name, idempotent);
      const handle: DiscoveredListener['handle'] = (payload, context) => pipeline.run(payload, context);
      listeners.push({
        name,
        options: withKind(options, params),
        isIdempotent: once !== undefined,
        handle: once ? once.around(handle) : handle,
      });
    }
    return listeners;
  }

  /** A ValidationPipe validates by the declared class. Without one it silently accepts everything. */
  #warnOfUnknownType(name: string, { payloadType }: ListenerParams, enhancers: ListenerEnhancers): void {
    if (payloadType !== undefined) return;
    const blind = enhancers.knownPipes.some((pipe) => pipe instanceof ValidationPipe && !hasExpectedType(pipe));
    if (!blind) return;
    this.#logger.warn(
      `${name}: its ValidationPipe validates nothing, because the payload's class is unknown. Give it as ` +
        `payloadType in @RocketMQMessageListener, or put @Payload() before the parameter.`,
    );
  }
}

/** Adds the payload kind that the declared type asks for, unless the option is set. */
function withKind(options: MessageListenerOptions, { payloadType }: ListenerParams): MessageListenerOptions {
  const kind: PayloadKind | undefined =
    payloadType === String ? 'string' : payloadType === Buffer || payloadType === Uint8Array ? 'buffer' : undefined;
  return options.payload === undefined && kind !== undefined ? { ...options, payload: kind } : options;
}

/** Nest's own check reads this protected field, too. */
function hasExpectedType(pipe: ValidationPipe): boolean {
  return (pipe as unknown as { expectedType?: unknown }).expectedType !== undefined;
}
