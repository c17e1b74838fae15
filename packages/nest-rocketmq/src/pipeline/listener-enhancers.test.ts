import 'reflect-metadata';
import {
  Catch,
  Controller,
  Inject,
  Injectable,
  Module,
  Scope,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
} from '@nestjs/common';
import type {
  ArgumentMetadata,
  CallHandler,
  CanActivate,
  ExceptionFilter,
  ExecutionContext,
  NestInterceptor,
  PipeTransform,
  Provider,
  Type,
} from '@nestjs/common';
import {
  APP_FILTER,
  APP_GUARD,
  APP_INTERCEPTOR,
  APP_PIPE,
  ApplicationConfig,
  DiscoveryModule,
  REQUEST,
} from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { RocketMQMessageListener } from '../decorators/rocketmq-message-listener.js';
import { LifecycleHooks } from '../nest/lifecycle-hooks.js';
import { ListenerExplorer } from '../discovery/listener-explorer.js';
import type { DiscoveredListener } from '../discovery/listener-explorer.js';
import type { RocketMQContext } from '../decorators/rocketmq-context.js';

const CONTEXT = { topic: 'orders', signal: new AbortController().signal } as unknown as RocketMQContext;
const opened: { close(): Promise<void> }[] = [];

afterAll(async () => {
  await Promise.all(opened.splice(0).map((module) => module.close()));
});

@Injectable()
class Dependency {
  readonly built = true;
}

@Injectable()
class NeedsRequest {
  readonly built: boolean;
  constructor(@Inject(REQUEST) request: unknown) {
    this.built = request === CONTEXT;
  }
}

interface Built {
  readonly dependency: { readonly built: boolean };
}

/** One enhancer of each kind. Each writes into the log that it ran, or that it was never properly made. */
interface Enhancers {
  readonly log: string[];
  readonly classes: readonly [Type<CanActivate>, Type<NestInterceptor>, Type<PipeTransform>, Type<ExceptionFilter>];
}

function enhancersOf(scope: Scope, dependency: Type<{ built: boolean }>): Enhancers {
  const log: string[] = [];
  const write = (what: string, by: Built, context?: { getType(): string }): void => {
    const fine = by.dependency?.built && (context === undefined || context.getType() === 'rocketmq');
    log.push(fine ? what : `${what} that is not properly made`);
  };

  @Injectable({ scope })
  class Guard implements CanActivate {
    constructor(@Inject(dependency) readonly dependency: { built: boolean }) {}
    canActivate(context: ExecutionContext): boolean {
      write('guard', this, context);
      return context.switchToRpc().getData() !== 'deny';
    }
  }

  @Injectable({ scope })
  class Interceptor implements NestInterceptor {
    constructor(@Inject(dependency) readonly dependency: { built: boolean }) {}
    intercept(context: ExecutionContext, next: CallHandler) {
      write('interceptor', this, context);
      return next.handle();
    }
  }

  @Injectable({ scope })
  class Pipe implements PipeTransform {
    constructor(@Inject(dependency) readonly dependency: { built: boolean }) {}
    transform(value: unknown, { type }: ArgumentMetadata): string {
      write(`pipe of ${type}`, this);
      return `piped ${String(value)}`;
    }
  }

  @Injectable({ scope })
  @Catch()
  class Filter implements ExceptionFilter {
    constructor(@Inject(dependency) readonly dependency: { built: boolean }) {}
    catch(error: Error, context: ExecutionContext): string {
      write(`filter of ${error.message}`, this, context);
      return 'handled';
    }
  }
  return { log, classes: [Guard, Interceptor, Pipe, Filter] };
}

type Bind = (target: object, method?: string, descriptor?: PropertyDescriptor) => void;

/** How the enhancers are bound: by decorators on the class or method, as providers of the app, or on its config. */
interface Binding {
  readonly enhancers: Enhancers;
  readonly onClass?: Bind;
  readonly onMethod?: Bind;
  readonly providers?: Provider[];
  configure?(config: ApplicationConfig): void;
}

function decorate(given: readonly unknown[]): Bind {
  const [guard, interceptor, pipe, filter] = given as [never, never, never, never];
  return (...target) => {
    for (const use of [UseGuards(guard), UseInterceptors(interceptor), UsePipes(pipe), UseFilters(filter)]) {
      (use as (...args: unknown[]) => void)(...target);
    }
  };
}

const instances = ({ classes }: Enhancers): unknown[] => classes.map((type) => new type({ built: true } as never));
const APP_TOKENS = [APP_GUARD, APP_INTERCEPTOR, APP_PIPE, APP_FILTER];

function appProviders(make: (type: Type<unknown>, index: number) => object, { classes }: Enhancers): Provider[] {
  return classes.map((type, index) => ({ provide: APP_TOKENS[index], ...make(type, index) }) as Provider);
}

const { DEFAULT, REQUEST: PER_REQUEST, TRANSIENT } = Scope;

function bindings(): [string, () => Binding][] {
  const scopes: [string, Scope, Type<{ built: boolean }>][] = [
    ['a class', DEFAULT, Dependency],
    ['a request-scoped class', PER_REQUEST, NeedsRequest],
    ['a transient class', TRANSIENT, Dependency],
    ['a class that needs the request', DEFAULT, NeedsRequest],
  ];
  const found: [string, () => Binding][] = [];
  const plain = (): Enhancers => enhancersOf(DEFAULT, Dependency);
  for (const [place, key] of [
    ['on the class', 'onClass'],
    ['on the method', 'onMethod'],
  ] as const) {
    found.push([
      `an instance ${place}`,
      () => {
        const enhancers = plain();
        return { enhancers, [key]: decorate(instances(enhancers)) };
      },
    ]);
    for (const [what, scope, dependency] of scopes) {
      found.push([
        `${what} ${place}`,
        () => {
          const enhancers = enhancersOf(scope, dependency);
          return { enhancers, [key]: decorate(enhancers.classes) };
        },
      ]);
    }
  }
  const viaApp = (
    what: string,
    make: (type: Type<unknown>) => object,
    scope = DEFAULT,
    dependency: Type<{ built: boolean }> = Dependency,
  ): void => {
    found.push([
      `APP_* with ${what}`,
      () => {
        const enhancers = enhancersOf(scope, dependency);
        return { enhancers, providers: appProviders(make, enhancers) };
      },
    ]);
  };
  viaApp('useClass', (type) => ({ useClass: type }));
  viaApp('useClass, request-scoped', (type) => ({ useClass: type, scope: PER_REQUEST }), PER_REQUEST, NeedsRequest);
  viaApp('useClass, transient', (type) => ({ useClass: type, scope: TRANSIENT }), TRANSIENT);
  viaApp('useFactory', (type) => ({ inject: [Dependency], useFactory: (given: Dependency) => new type(given) }));
  viaApp('useFactory, request-scoped', (type) => ({
    inject: [NeedsRequest],
    scope: PER_REQUEST,
    useFactory: (given: NeedsRequest) => new type(given),
  }));
  viaApp('useValue', (type) => ({ useValue: new type(new Dependency()) }));
  found.push([
    'APP_* with useExisting',
    () => {
      const enhancers = plain();
      return {
        enhancers,
        providers: [...enhancers.classes, ...appProviders((type) => ({ useExisting: type }), enhancers)],
      };
    },
  ]);
  found.push([
    'app.useGlobal…()',
    () => {
      const enhancers = plain();
      const [guard, interceptor, pipe, filter] = instances(enhancers) as [never, never, never, never];
      return {
        enhancers,
        configure: (config) => {
          config.useGlobalGuards(guard);
          config.useGlobalInterceptors(interceptor);
          config.useGlobalPipes(pipe);
          config.useGlobalFilters(filter);
        },
      };
    },
  ]);
  return found;
}

type HostType = Type<{ built: boolean }>;
interface Hosted {
  readonly providers?: Provider[];
  readonly controllers?: Type<unknown>[];
}

/** Where the listener lives. */
const HOSTS: [string, (type: HostType) => Hosted][] = [
  ['a controller', (type) => (Controller()(type), { controllers: [type] })],
  ['a request-scoped controller', (type) => (Controller({ scope: PER_REQUEST })(type), { controllers: [type] })],
  ['a provider', (type) => ({ providers: [type] })],
  ['useClass', (type) => ({ providers: [{ provide: 'host', useClass: type }] })],
  ['useFactory', (type) => ({ providers: [{ provide: 'host', useFactory: () => new type() }] })],
  [
    'an asynchronous useFactory',
    (type) => ({ providers: [{ provide: 'host', useFactory: () => Promise.resolve(new type()) }] }),
  ],
  ['useValue', (type) => ({ providers: [{ provide: 'host', useValue: new type() }] })],
  ['useExisting', (type) => ({ providers: [type, { provide: 'host', useExisting: type }] })],
  ['a request-scoped provider', (type) => (Injectable({ scope: PER_REQUEST })(type), { providers: [type] })],
  ['a transient provider', (type) => (Injectable({ scope: TRANSIENT })(type), { providers: [type] })],
  [
    'a request-scoped useFactory',
    (type) => ({ providers: [{ provide: type, scope: PER_REQUEST, useFactory: () => new type() }] }),
  ],
  [
    'a transient useFactory',
    (type) => ({ providers: [{ provide: type, scope: TRANSIENT, useFactory: () => new type() }] }),
  ],
  ['a class that inherits the listener', (type) => ({ providers: [class extends (type as Type<object>) {}] })],
];

const SYMBOL = Symbol('take');
const LISTENERS: [string, string | symbol, boolean][] = [
  ['a class listener', 'onMessage', true],
  ['a method listener', 'take', false],
  ['a method listener named by a symbol', SYMBOL, false],
];

interface Case {
  readonly topic: string;
  readonly host: string;
  readonly listener: string;
  readonly method: string | symbol;
  readonly onClass: boolean;
  hosted(type: HostType): Hosted;
}

const CASES: Case[] = HOSTS.flatMap(([host, hosted], first) =>
  LISTENERS.map(([listener, method, onClass], second) => {
    return { topic: `topic-${first}-${second}`, host, hosted, listener, method, onClass };
  }),
);

function hostOf(binding: Binding, { topic, method, onClass }: Case): HostType {
  const { log } = binding.enhancers;
  class Host {
    readonly built = true;
    handle(message: string, context: unknown): string {
      const fine = this.built && context === CONTEXT;
      log.push(fine ? `listener of ${message}` : 'a listener that is not properly made');
      if (message.endsWith('fail')) throw new Error('failure');
      return message;
    }
  }
  const { value } = Object.getOwnPropertyDescriptor(Host.prototype, 'handle')!;
  const descriptor = { value: value as unknown, configurable: true, writable: true };
  Object.defineProperty(Host.prototype, method, descriptor);
  if (onClass) RocketMQMessageListener({ topic })(Host as never);
  else RocketMQMessageListener({ topic })(Host.prototype, method, descriptor as never);
  binding.onClass?.(Host);
  binding.onMethod?.(Host.prototype, method as string, descriptor);
  return Host;
}

/** Each host in a module of its own: in a shared one Nest would have made the enhancers for another host already. */
async function listenersOf(binding: Binding): Promise<DiscoveredListener[]> {
  const modules = CASES.map((each) => {
    const hosted = each.hosted(hostOf(binding, each));
    @Module({ ...hosted, providers: [Dependency, NeedsRequest, ...(hosted.providers ?? [])] })
    class HostModule {}
    return HostModule;
  });
  const module = await Test.createTestingModule({
    imports: [DiscoveryModule, ...modules],
    providers: [LifecycleHooks, ListenerExplorer, Dependency, NeedsRequest, ...(binding.providers ?? [])],
  }).compile();
  opened.push(module);
  binding.configure?.(module.get(ApplicationConfig));
  return module.get(ListenerExplorer).messageListeners();
}

describe.each(bindings())('bound as %s, guard, interceptor, pipe and filter run on', (_way, bind) => {
  const binding = bind();
  const { log } = binding.enhancers;
  let listeners: DiscoveredListener[];

  beforeAll(async () => {
    listeners = await listenersOf(binding);
    expect(listeners).toHaveLength(CASES.length);
  });

  test.each(CASES)('$host, $listener', async ({ topic }) => {
    const { handle } = listeners.find(({ options }) => options.topic === topic)!;

    await expect(handle('x', CONTEXT)).resolves.toBe('piped x');
    expect(log.splice(0)).toEqual(['guard', 'interceptor', 'pipe of body', 'listener of piped x']);

    await expect(handle('fail', CONTEXT)).rejects.toThrow('failure');
    expect(log.splice(0)).toEqual([
      'guard',
      'interceptor',
      'pipe of body',
      'listener of piped fail',
      'filter of failure',
    ]);

    await expect(handle('deny', CONTEXT)).rejects.toThrow('Forbidden');
    expect(log.splice(0)).toEqual(['guard', expect.stringMatching(/^filter of Forbidden/)]);
  });
});
