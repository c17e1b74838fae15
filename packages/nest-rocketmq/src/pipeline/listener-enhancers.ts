// Lists the guards, interceptors, pipes and exception filters of one listener in Nest's order: the app's, the class's, the
// method's.
import type { CanActivate, ExceptionFilter, NestInterceptor, PipeTransform, Type } from '@nestjs/common';
import type { ApplicationConfig } from '@nestjs/core';
import type { Enhancer, EnhancedListener, EnhancerKind, EnhancerResolver } from './enhancer-resolver.js';
import { ENHANCER_METHODS } from './enhancer-resolver.js';
import { InvalidListenerError } from '../errors.js';
import type { PipedParam } from '../decorators/listener-params.js';
import type { MessageScope, Wrapper } from '../nest/nest-container.js';
import {
  EXCEPTION_FILTERS_METADATA,
  FILTER_CATCH_EXCEPTIONS,
  GUARDS_METADATA,
  INTERCEPTORS_METADATA,
  PIPES_METADATA,
} from '../nest/nest-metadata.js';

export interface EnhancedMethod extends EnhancedListener {
  readonly type: object;
  /** The method itself, on which Nest's decorators leave their metadata. */
  readonly callback: object | undefined;
  readonly piped: readonly PipedParam[];
}

/** The enhancers of one kind. The app's are read for each message, since `app.useGlobal…` may add some later. */
interface Bound<T> {
  readonly app: () => readonly T[];
  readonly scoped: readonly Enhancer<T>[];
  readonly own: readonly Enhancer<T>[];
}

export class ListenerEnhancers {
  private constructor(
    private readonly guard: Bound<CanActivate>,
    private readonly interceptor: Bound<NestInterceptor>,
    private readonly pipe: Bound<PipeTransform>,
    private readonly filter: Bound<ExceptionFilter>,
    private readonly paramPipes: ReadonlyMap<PipedParam, readonly Enhancer<PipeTransform>[]>,
  ) {}

  /** @throws InvalidListenerError for an enhancer that cannot run */
  static async of(
    method: EnhancedMethod,
    app: ApplicationConfig,
    resolver: EnhancerResolver,
  ): Promise<ListenerEnhancers> {
    const bind = <T>(
      kind: EnhancerKind,
      key: string,
      global: () => readonly (T | null | undefined)[],
      scoped: readonly Wrapper[],
    ): Promise<Bound<T>> => bindKind(kind, key, global, scoped, method, resolver);
    const paramPipes = new Map<PipedParam, readonly Enhancer<PipeTransform>[]>();
    for (const param of method.piped) {
      paramPipes.set(
        param,
        await Promise.all(param.pipes.map((pipe) => resolver.resolve<PipeTransform>('pipe', pipe, method))),
      );
    }
    return new ListenerEnhancers(
      await bind('guard', GUARDS_METADATA, () => app.getGlobalGuards(), app.getGlobalRequestGuards()),
      await bind(
        'interceptor',
        INTERCEPTORS_METADATA,
        () => app.getGlobalInterceptors(),
        app.getGlobalRequestInterceptors(),
      ),
      await bind('pipe', PIPES_METADATA, () => app.getGlobalPipes(), app.getGlobalRequestPipes()),
      await bind(
        'exception filter',
        EXCEPTION_FILTERS_METADATA,
        () => app.getGlobalFilters(),
        app.getGlobalRequestFilters(),
      ),
      paramPipes,
    );
  }

  /** Whether a message goes straight to the listener: no guard, no interceptor, no pipe. */
  get noneBeforeListener(): boolean {
    return this.#noOwnPipes && isNone(this.guard) && isNone(this.interceptor) && isNone(this.pipe);
  }

  get #noOwnPipes(): boolean {
    for (const pipes of this.paramPipes.values()) if (pipes.length > 0) return false;
    return true;
  }

  guards(scope: MessageScope): Promise<CanActivate[]> {
    return instancesOf(this.guard, scope);
  }

  interceptors(scope: MessageScope): Promise<NestInterceptor[]> {
    return instancesOf(this.interceptor, scope);
  }

  /** The pipes of a parameter itself come last. */
  async pipes(scope: MessageScope, param: PipedParam): Promise<PipeTransform[]> {
    return [...(await instancesOf(this.pipe, scope)), ...(await this.paramPipesOf(scope, param))];
  }

  /** The pipes of the parameter itself. */
  async paramPipesOf(scope: MessageScope, param: PipedParam): Promise<PipeTransform[]> {
    const pipes: PipeTransform[] = [];
    for (const own of this.paramPipes.get(param) ?? []) pipes.push(await instanceOf(own, scope));
    return pipes;
  }

  /** Those nearest to the method come first: only the first one that catches the error is called. */
  async filters(scope: MessageScope): Promise<ExceptionFilter[]> {
    return (await instancesOf(this.filter, scope)).reverse();
  }

  /** The pipes that exist before any message, for checks at the start. */
  get knownPipes(): readonly PipeTransform[] {
    const own = [...this.pipe.own, ...[...this.paramPipes.values()].flat()];
    return [...this.pipe.app(), ...own.flatMap((each) => ('instance' in each ? [each.instance] : []))];
  }
}

const NONE: readonly never[] = [];

async function bindKind<T>(
  kind: EnhancerKind,
  key: string,
  global: () => readonly (T | null | undefined)[],
  scoped: readonly Wrapper[],
  method: EnhancedMethod,
  resolver: EnhancerResolver,
): Promise<Bound<T>> {
  // A factory of an APP_* token may return nothing to switch the enhancer off.
  const app = (): readonly T[] => {
    const all = global();
    return all.length === 0 ? NONE : all.filter((each) => each !== null && each !== undefined);
  };
  for (const enhancer of app()) requireGlobal(kind, enhancer, method);
  const bound = [...metadata(key, method.type), ...(method.callback ? metadata(key, method.callback) : [])];
  const own: Enhancer<T>[] = [];
  for (const each of bound) own.push(await resolver.resolve<T>(kind, each, method));
  return { app, scoped: await Promise.all(scoped.map((each) => resolver.resolveGlobal<T>(kind, each, method))), own };
}

function metadata(key: string, target: object): unknown[] {
  return (Reflect.getMetadata(key, target) ?? []) as unknown[];
}

function requireGlobal(kind: EnhancerKind, enhancer: unknown, { name }: EnhancedMethod): void {
  const method = ENHANCER_METHODS[kind];
  if (typeof (enhancer as Record<string, unknown>)[method] === 'function') return;
  throw new InvalidListenerError(
    name,
    `a global ${kind} of the app has no method ${method}(). Give an instance that has one.`,
  );
}

function isNone({ app, scoped, own }: Bound<unknown>): boolean {
  return own.length === 0 && scoped.length === 0 && app().length === 0;
}

async function instancesOf<T>({ app, scoped, own }: Bound<T>, scope: MessageScope): Promise<T[]> {
  const instances = [...app()];
  for (const each of scoped) instances.push(await instanceOf(each, scope));
  for (const each of own) instances.push(await instanceOf(each, scope));
  return instances;
}

function instanceOf<T>(enhancer: Enhancer<T>, scope: MessageScope): T | Promise<T> {
  return 'instance' in enhancer ? enhancer.instance : enhancer.perMessage(scope);
}

/** Whether the filter's @Catch() names the error's class, or none. */
export function catches(filter: ExceptionFilter, error: unknown): boolean {
  const prototype = Object.getPrototypeOf(filter) as object;
  const types = (Reflect.getMetadata(FILTER_CATCH_EXCEPTIONS, prototype) ??
    Reflect.getMetadata(FILTER_CATCH_EXCEPTIONS, filter.constructor) ??
    []) as Type<unknown>[];
  return types.length === 0 || types.some((type) => error instanceof type);
}
