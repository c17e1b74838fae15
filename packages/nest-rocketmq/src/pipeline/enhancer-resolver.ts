// Finds the instances of the guards, interceptors, pipes and filters that are bound to a listener, in any of Nest's ways: as
// instance or class, on method, class or app, in any scope.
import { Scope } from '@nestjs/common';
import type { Type } from '@nestjs/common';
import { InvalidListenerError } from '../errors.js';
import type { LifecycleHooks } from '../nest/lifecycle-hooks.js';
import { isSingleton, moduleRefOf, resolveFor, resolveTransient } from '../nest/nest-container.js';
import type { HostModule, MessageScope, Wrapper } from '../nest/nest-container.js';
import { SCOPE_OPTIONS_METADATA } from '../nest/nest-metadata.js';

export type EnhancerKind = 'guard' | 'interceptor' | 'pipe' | 'exception filter';

export const ENHANCER_METHODS = {
  guard: 'canActivate',
  interceptor: 'intercept',
  pipe: 'transform',
  'exception filter': 'catch',
} as const satisfies Record<EnhancerKind, string>;

/** An enhancer that has the method of its kind, or a way to get one for a message. */
export type Enhancer<T> = { readonly instance: T } | { readonly perMessage: (scope: MessageScope) => Promise<T> };

/** The listener that the enhancers are for. */
export interface EnhancedListener {
  /** Names it in errors. */
  readonly name: string;
  readonly wrapper: Wrapper;
}

export class EnhancerResolver {
  /** Instances created here and not by Nest: one for each class and host, as Nest does. */
  readonly #created = new WeakMap<object, Map<unknown, Promise<object>>>();

  constructor(private readonly hooks: LifecycleHooks) {}

  /**
   * Resolves an enhancer of @UseGuards and the like.
   * @throws InvalidListenerError if it cannot run
   */
  async resolve<T>(kind: EnhancerKind, bound: unknown, listener: EnhancedListener): Promise<Enhancer<T>> {
    if (typeof bound !== 'function') return { instance: requireMethod<T>(kind, bound, undefined, listener) };
    const type = bound as Type<object>;
    const module = listener.wrapper.host!;
    const wrapper = registered(module, type);
    return wrapper ? this.#registered(kind, wrapper, type, listener) : this.#unregistered(kind, module, type, listener);
  }

  /** Resolves an enhancer of the app. @param wrapper of an APP_* token that is request-scoped or transient */
  resolveGlobal<T>(kind: EnhancerKind, wrapper: Wrapper, listener: EnhancedListener): Promise<Enhancer<T>> {
    return this.#registered(kind, wrapper, undefined, listener);
  }

  async #registered<T>(
    kind: EnhancerKind,
    wrapper: Wrapper,
    type: Type<object> | undefined,
    listener: EnhancedListener,
  ): Promise<Enhancer<T>> {
    if (isSingleton(wrapper)) return { instance: requireMethod<T>(kind, wrapper.instance, type, listener) };
    if (!wrapper.isDependencyTreeStatic()) {
      return {
        perMessage: async (scope) => requireMethod<T>(kind, await resolveFor(wrapper, scope), type, listener),
      };
    }
    const instance = await this.#once(listener, wrapper, () => resolveTransient(wrapper));
    return { instance: requireMethod<T>(kind, instance, type, listener) };
  }

  /** Nest creates enhancers for class providers and controllers only. For other hosts they are created here. */
  async #unregistered<T>(
    kind: EnhancerKind,
    module: HostModule,
    type: Type<object>,
    listener: EnhancedListener,
  ): Promise<Enhancer<T>> {
    const perMessage = async (scope: MessageScope): Promise<T> =>
      requireMethod<T>(kind, await moduleRefOf(module).create(type, scope.contextId(module)), type, listener);
    if (isRequestScopedClass(type)) return { perMessage };
    try {
      const instance = await this.#once(listener, type, () => moduleRefOf(module).create(type));
      return { instance: requireMethod<T>(kind, instance, type, listener) };
    } catch (cause) {
      if (cause instanceof InvalidListenerError) throw cause;
      if (needsRequest(cause)) return { perMessage };
      throw new InvalidListenerError(
        listener.name,
        `its ${kind} ${type.name} cannot be created in ${module.name}: ${messageOf(cause)} ` +
          `Make what ${type.name} needs available in ${module.name}, or bind an instance instead of the class.`,
        { cause },
      );
    }
  }

  async #once(listener: EnhancedListener, key: unknown, create: () => Promise<object>): Promise<object> {
    const created = this.#created.get(listener.wrapper) ?? new Map<unknown, Promise<object>>();
    this.#created.set(listener.wrapper, created);
    const before = created.get(key);
    if (before) return before;
    const instance = create();
    created.set(key, instance);
    this.hooks.add(await instance);
    return instance;
  }
}

/** Prefers the module's provider: Nest registers no enhancers for a host that comes from a factory. */
function registered(module: HostModule, type: Type<object>): Wrapper | undefined {
  const wrapper = module.injectables.get(type) ?? module.providers.get(type);
  return wrapper?.isAlias ? undefined : wrapper;
}

function isRequestScopedClass(type: Type<object>): boolean {
  const options = Reflect.getMetadata(SCOPE_OPTIONS_METADATA, type) as { scope?: Scope } | undefined;
  return options?.scope === Scope.REQUEST;
}

function needsRequest(error: unknown): boolean {
  return error instanceof Error && error.constructor.name === 'RequestScopedCreateException';
}

/** As in Nest, a static method of the class replaces a missing method of the instance. */
function requireMethod<T>(
  kind: EnhancerKind,
  instance: unknown,
  type: Type<object> | undefined,
  listener: EnhancedListener,
): T {
  const method = ENHANCER_METHODS[kind];
  for (const candidate of [instance, type]) {
    if (typeof (candidate as Record<string, unknown> | null | undefined)?.[method] === 'function')
      return candidate as T;
  }
  const name = type?.name ?? (instance as object | null | undefined)?.constructor?.name ?? String(instance);
  throw new InvalidListenerError(
    listener.name,
    `its ${kind} ${name} has no method ${method}(). Give it one, or remove it.`,
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
