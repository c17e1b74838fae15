// Finds the decorated classes and methods among the app's providers and controllers, and makes them callable through Nest's
// guards, interceptors and pipes.
import { types } from 'node:util';
import { Injectable, Logger, Optional, ValidationPipe } from '@nestjs/common';
import type { Type } from '@nestjs/common';
import { ApplicationConfig, DiscoveryService } from '@nestjs/core';
import { EnhancerResolver } from '../pipeline/enhancer-resolver.js';
import { InvalidListenerError } from '../errors.js';
import { idempotentOf, idempotentWithoutListener } from '../idempotency/idempotent.js';
import { RocketMQIdempotency } from '../idempotency/rocketmq-idempotency.js';
import { dependenciesOf } from '../nest/dependencies.js';
import { LifecycleHooks } from '../nest/lifecycle-hooks.js';
import { ListenerEnhancers } from '../pipeline/listener-enhancers.js';
import { ListenerHost } from '../pipeline/listener-host.js';
import { ListenerSelection, everyListener } from './listener-selection.js';
import {
  classListenersOf,
  declaredListenersOf,
  listenerMethodsOf,
  methodListenersOf,
  misplacedListenersOf,
} from '../decorators/listener-metadata.js';
import type { DeclaredListenerOptions, MessageListenerOptions, MethodKey } from '../decorators/listener-metadata.js';
import { isWholePayload, paramsOf } from '../decorators/listener-params.js';
import type { ListenerParams } from '../decorators/listener-params.js';
import { ListenerPipeline } from '../pipeline/listener-pipeline.js';
import type { PayloadReading } from '../message/read-payload.js';
import { plainOptions, readingOf } from './listener-options.js';
import type { ListenerOptions } from './listener-options.js';
import type { Wrapper } from '../nest/nest-container.js';
import type { CallContext } from '../pipeline/listener-pipeline.js';
import { markServed } from '../decorators/unserved-listeners.js';
import { TransactionHost } from './transaction-host.js';
import type { DiscoveredTransactionListener } from './transaction-host.js';

export interface DiscoveredListener {
  /** 'CancelUnpaidOrder.onMessage (OrdersModule)' */
  readonly name: string;
  readonly options: ListenerOptions;
  readonly reading: PayloadReading;
  /** Its class. */
  readonly type?: Type<object>;
  readonly method?: MethodKey;
  readonly isIdempotent?: boolean;
  /** @param payload with `batch` the messages: it fails those that a pipe refuses, and calls the method with the others */
  readonly handle: (payload: unknown, context: CallContext) => Promise<unknown>;
  /** The same; returns a promise only if there is something to wait for. Default: `handle`. */
  readonly handleAtOnce?: (payload: unknown, context: CallContext) => unknown;
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
    @Optional() private readonly idempotency?: RocketMQIdempotency,
  ) {
    this.#enhancers = new EnhancerResolver(hooks);
  }

  /**
   * Each call returns the same objects, then those of modules loaded since.
   * @param selection of a cluster; the same in each call
   * @throws InvalidListenerError, UnknownClusterError
   */
  async messageListeners(selection: ListenerSelection = everyListener()): Promise<DiscoveredListener[]> {
    const found: DiscoveredListener[] = [];
    for (const host of await this.#all(selection)) {
      markServed(host.wrapper.isTransient ? host.type : (host.instance ?? {}));
      const listeners = this.#listeners.get(host) ?? this.#listenersOf(host, selection);
      this.#listeners.set(host, listeners);
      found.push(...(await listeners));
    }
    return found;
  }

  /** @param selection of a cluster; the same in each call @throws InvalidListenerError, UnknownClusterError */
  async transactionListeners(selection: ListenerSelection = everyListener()): Promise<DiscoveredTransactionListener[]> {
    return (await this.#all(selection)).flatMap((host) => new TransactionHost(host).listeners(selection));
  }

  /** For the testing kit: has messages count as new again. */
  forgetDone(): void {
    this.idempotency?.clearMemory();
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
  injects(token: object, except: Type<object>): boolean {
    return this.#wrappers().some(
      // By the instance: a cluster with a name makes it by a factory.
      (each) => !(each.instance instanceof except) && dependenciesOf(each).includes(token),
    );
  }

  /** Returns each instance once: a value that several providers share is one listener, under its own class if provided. */
  async #all(selection: ListenerSelection): Promise<ListenerHost[]> {
    const seen = new Set<unknown>();
    const hosts: ListenerHost[] = [];
    for (const wrapper of this.#wrappers()) {
      const isOurs = (type: Type<object>): boolean => isOf(type, wrapper, selection);
      const known = this.#hosts.get(wrapper) ?? ListenerHost.of(wrapper, this.hooks, isOurs);
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

  async #listenersOf(host: ListenerHost, selection: ListenerSelection): Promise<DiscoveredListener[]> {
    const [misplaced] = misplacedListenersOf(host.type);
    if (misplaced) throw new InvalidListenerError(host.nameOf(misplaced.method), misplaced.reason);
    const unused = idempotentWithoutListener(host.type, [...listenerMethodsOf(host.type), 'onMessage']);
    if (unused !== undefined) throw new InvalidListenerError(host.nameOf(unused), IDEMPOTENT_ALONE);
    const listeners: DiscoveredListener[] = [];
    const ours = (method: MethodKey, declared: readonly DeclaredListenerOptions[]): MessageListenerOptions[] => {
      const name = host.nameOf(method);
      const taken = declared.filter((each) => selection.takes(each, name));
      return taken.map((each) => selection.read<MessageListenerOptions>(each, `@RocketMQMessageListener on ${name}`));
    };
    const onClass = ours('onMessage', classListenersOf(host.type));
    if (onClass.length > 0) listeners.push(...(await this.#onMethod(host, 'onMessage', onClass)));
    for (const method of listenerMethodsOf(host.type)) {
      const onMethod = ours(method, methodListenersOf(host.type, method));
      if (onMethod.length > 0) listeners.push(...(await this.#onMethod(host, method, onMethod)));
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
    for (const given of decorators) {
      const options = plainOptions(name, given);
      const params = paramsOf(name, host.type, method, options);
      const reading = readingOf(name, given, params);
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
      const once = idempotent && this.idempotency?.listener(name, idempotent);
      const handle: DiscoveredListener['handle'] = (payload, context) => pipeline.run(payload, context);
      listeners.push({
        name,
        options,
        reading,
        type: host.type,
        method,
        isIdempotent: once !== undefined,
        ...(once
          ? { handle: once.around(handle) }
          : { handle, handleAtOnce: (payload, context) => pipeline.start(payload, context) }),
      });
    }
    return listeners;
  }

  /** A ValidationPipe validates by the declared class. Without one it silently accepts everything. */
  #warnOfUnknownType(name: string, { payloadType, piped }: ListenerParams, enhancers: ListenerEnhancers): void {
    if (payloadType !== undefined || !piped.some(isWholePayload)) return;
    const blind = enhancers.knownPipes.some((pipe) => pipe instanceof ValidationPipe && !hasExpectedType(pipe));
    if (!blind) return;
    this.#logger.warn(
      `${name}: its ValidationPipe validates nothing, because the payload's class is unknown. Give it as ` +
        `payloadType in @RocketMQMessageListener, or put @Payload() before the parameter.`,
    );
  }
}

/** Whether the class has a listener of the cluster. @throws UnknownClusterError */
function isOf(type: Type<object>, { host }: Wrapper, selection: ListenerSelection): boolean {
  const ours = declaredListenersOf(type).filter(({ member, options }) =>
    selection.takes(options, `${type.name}${member} (${host?.name ?? 'no module'})`),
  );
  return ours.length > 0 || misplacedListenersOf(type).length > 0;
}

/** Nest's own check reads this protected field, too. */
function hasExpectedType(pipe: ValidationPipe): boolean {
  return (pipe as unknown as { expectedType?: unknown }).expectedType !== undefined;
}
