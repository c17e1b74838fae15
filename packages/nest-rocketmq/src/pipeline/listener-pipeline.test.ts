import 'reflect-metadata';
import { AsyncLocalStorage } from 'node:async_hooks';
import {
  Body,
  Catch,
  Injectable,
  Logger,
  Param,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  ValidationPipe,
  createParamDecorator,
} from '@nestjs/common';
import type { ArgumentMetadata, ExceptionFilter, ExecutionContext, NestInterceptor, Provider } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_PIPE, ApplicationConfig, DiscoveryModule } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { IsInt } from 'class-validator';
import { EMPTY, NEVER, Observable, concat, of, throwError } from 'rxjs';
import { Payload } from '../decorators/payload.js';
import { RocketMQMessageListener } from '../decorators/rocketmq-message-listener.js';
import { RocketMQTransactionListener } from '../decorators/rocketmq-transaction-listener.js';
import { LifecycleHooks } from '../nest/lifecycle-hooks.js';
import { ListenerExplorer } from '../discovery/listener-explorer.js';
import type { DiscoveredListener } from '../discovery/listener-explorer.js';
import { RocketMQLocalTransactionState } from '../decorators/listener-metadata.js';
import { RocketMQContext } from '../decorators/rocketmq-context.js';

const TOPIC = { topic: 'orders' };
const contextOf = (signal: AbortSignal) => ({ topic: 'orders', signal }) as unknown as RocketMQContext;
const CONTEXT = contextOf(new AbortController().signal);
const opened: { close(): Promise<void> }[] = [];

afterEach(async () => {
  jest.restoreAllMocks();
  await Promise.all(opened.splice(0).map((module) => module.close()));
});

async function explorerOf(
  providers: Provider[],
  configure?: (config: ApplicationConfig) => void,
): Promise<ListenerExplorer> {
  const module = await Test.createTestingModule({
    imports: [DiscoveryModule],
    providers: [LifecycleHooks, ListenerExplorer, ...providers],
  }).compile();
  opened.push(module);
  configure?.(module.get(ApplicationConfig));
  return module.get(ListenerExplorer);
}

async function listenerOf(...providers: Provider[]): Promise<DiscoveredListener> {
  const listener = (await (await explorerOf(providers)).messageListeners())[0]!;
  return listener;
}

function warnings(): string[] {
  const lines: string[] = [];
  jest.spyOn(Logger.prototype, 'warn').mockImplementation((line: unknown) => void lines.push(String(line)));
  return lines;
}

const guardOf = (log: string[], name: string) => ({ canActivate: () => (log.push(name), true) });

test('the order is the app, the class, the method; of the filters the nearest one is asked', async () => {
  const log: string[] = [];
  const filterOf = (name: string): ExceptionFilter => ({ catch: () => void log.push(name) });

  @UseGuards(guardOf(log, 'class'))
  @UseFilters(filterOf('class filter'))
  class Ordered {
    @UseGuards(guardOf(log, 'method 1'), guardOf(log, 'method 2'))
    @UseFilters(filterOf('method filter'))
    @RocketMQMessageListener(TOPIC)
    take(): void {
      throw new Error('no');
    }
  }
  const listener = await listenerOf(
    Ordered,
    { provide: APP_GUARD, useValue: guardOf(log, 'app') },
    { provide: APP_FILTER, useValue: filterOf('app filter') },
  );
  await expect(listener.handle('', CONTEXT)).rejects.toThrow('no');
  expect(log).toEqual(['app', 'class', 'method 1', 'method 2', 'method filter']);
});

describe('an exception filter', () => {
  class NotFound extends Error {}

  test('is asked only for what its @Catch names', async () => {
    const log: unknown[] = [];
    @Catch(NotFound)
    class OnNotFound implements ExceptionFilter {
      catch(error: unknown): void {
        log.push(error);
      }
    }
    class Fails {
      @UseFilters(OnNotFound)
      @RocketMQMessageListener(TOPIC)
      take(message: unknown): void {
        throw message;
      }
    }
    const { handle } = await listenerOf(Fails);
    const wanted = new NotFound();
    await expect(handle(wanted, CONTEXT)).rejects.toBe(wanted);
    await expect(handle(new Error('other'), CONTEXT)).rejects.toThrow('other');
    expect(log).toEqual([wanted]);
  });

  test.each<[string, () => unknown]>([
    ['returns', () => 'handled'],
    ['answers with an Observable', () => of('handled')],
    ['passes the error on, as one for microservices', () => throwError(() => new NotFound('not there'))],
    ['fails itself', () => (undefined as unknown as { status(code: number): void }).status(500)],
  ])('that %s leaves the failure what it was', async (_what, answer) => {
    const warned = warnings();
    class Fails {
      @UseFilters({ catch: answer })
      @RocketMQMessageListener(TOPIC)
      take(): void {
        throw new NotFound('not there');
      }
    }
    const { handle } = await listenerOf(Fails);
    await expect(handle('', CONTEXT)).rejects.toThrow('not there');
    await expect(handle('', CONTEXT)).rejects.toThrow('not there');
    expect(warned.length).toBeLessThanOrEqual(1); // not at every failure
  });
});

describe('an interceptor', () => {
  const storage = new AsyncLocalStorage<string>();
  const around = (intercept: NestInterceptor['intercept']) => {
    class Listener {
      @UseInterceptors({ intercept })
      @RocketMQMessageListener(TOPIC)
      take(message: string): string {
        return `${message} in ${storage.getStore()}`;
      }
    }
    return listenerOf(Listener);
  };

  test('may run the listener in an async context of its own', async () => {
    const { handle } = await around((_context, next) => storage.run('store', () => next.handle()));
    await expect(handle('m', CONTEXT)).resolves.toBe('m in store');
  });

  test('may answer in its place, also with nothing', async () => {
    await expect((await around(() => of('cached'))).handle('m', CONTEXT)).resolves.toBe('cached');
    await expect((await around(() => EMPTY)).handle('m', CONTEXT)).resolves.toBeUndefined();
  });

  test('may run the listener again', async () => {
    const { handle } = await around((_context, next) => concat(next.handle(), next.handle()));
    await expect(handle('m', CONTEXT)).resolves.toBe('m in undefined');
  });
});

describe('what a listener returns:', () => {
  const returning = async (result: () => unknown, context = CONTEXT): Promise<unknown> => {
    class Listener {
      @RocketMQMessageListener(TOPIC)
      take(): unknown {
        return result();
      }
    }
    return (await listenerOf(Listener)).handle('', context);
  };

  test.each<[string, () => unknown, unknown]>([
    ['an Observable without a value', () => EMPTY, undefined],
    ['one with several', () => of(1, 2, 3), 3],
    ['a promise of one', () => Promise.resolve(of(1)), 1],
    ['a promise of one without a value', () => Promise.resolve(EMPTY), undefined],
    ['one that comes later', () => new Observable((to) => void setImmediate(() => to.complete())), undefined],
  ])('%s is a success', async (_what, result, expected) => {
    await expect(returning(result)).resolves.toBe(expected);
  });

  test.each<[string, () => unknown]>([
    ['an Observable with an error', () => throwError(() => new Error('no'))],
    [
      'one with an error after values',
      () =>
        concat(
          of(1),
          throwError(() => new Error('no')),
        ),
    ],
    ['a promise of one with an error', () => Promise.resolve(throwError(() => new Error('no')))],
  ])('%s is a failure', async (_what, result) => {
    await expect(returning(result)).rejects.toThrow('no');
  });

  test('an Observable that never ends is unsubscribed from when its message is taken away', async () => {
    const controller = new AbortController();
    let unsubscribed = false;
    const endless = new Observable(() => () => void (unsubscribed = true));
    const handled = returning(() => endless, contextOf(controller.signal));
    setImmediate(() => controller.abort());
    await expect(handled).rejects.toMatchObject({ code: 'LISTENER_ABORTED' });
    expect(unsubscribed).toBe(true);
    await expect(returning(() => NEVER, contextOf(controller.signal))).rejects.toThrow();
  });
});

class Order {
  @IsInt()
  quantity!: number;
}

describe('pipes', () => {
  const seen: [unknown, ArgumentMetadata][] = [];
  const schema = { transform: (value: unknown, metadata: ArgumentMetadata) => (seen.push([value, metadata]), value) };
  const User = createParamDecorator(
    (key: string, context: ExecutionContext) => `${key} of ${context.getType<string>()}`,
  );

  afterEach(() => void seen.splice(0));

  test('see the payload and not the context, also of a method with one parameter', async () => {
    class Orders {
      @UsePipes(schema)
      @RocketMQMessageListener(TOPIC)
      handle(order: Order): unknown {
        return order;
      }
    }
    const { handle } = await listenerOf(Orders);
    await expect(handle({ quantity: 1 }, CONTEXT)).resolves.toEqual({ quantity: 1 });
    expect(seen).toEqual([[{ quantity: 1 }, expect.objectContaining({ type: 'body', metatype: Order })]]);
  });

  test('of a parameter run after those of the method, on that parameter', async () => {
    const log: string[] = [];
    @Injectable()
    class Last {
      transform(value: unknown): unknown {
        log.push('parameter');
        return value;
      }
    }
    class Orders {
      @UsePipes({ transform: (value: unknown) => (log.push('method'), value) })
      @RocketMQMessageListener(TOPIC)
      handle(context: RocketMQContext, @Payload(Last) order: unknown): unknown[] {
        return [context, order];
      }
    }
    const { handle } = await listenerOf(Orders);
    await expect(handle(1, CONTEXT)).resolves.toEqual([CONTEXT, 1]);
    expect(log).toEqual(['method', 'parameter']);
  });

  test("Nest's own parameter decorators count: @Body and those of createParamDecorator", async () => {
    class Orders {
      @RocketMQMessageListener(TOPIC)
      handle(
        @User('name') user: string,
        context: RocketMQContext,
        @Body() order: unknown,
        @Body('id') id: unknown,
      ): unknown[] {
        return [user, context, order, id];
      }
    }
    const { handle } = await listenerOf(Orders);
    await expect(handle({ id: 7 }, CONTEXT)).resolves.toEqual(['name of rocketmq', CONTEXT, { id: 7 }, 7]);
  });

  test('a parameter decorator that means nothing for a message is refused', async () => {
    class Orders {
      @RocketMQMessageListener(TOPIC)
      handle(@Param() params: unknown): unknown {
        return params;
      }
    }
    await expect(listenerOf(Orders)).rejects.toThrow(/Orders\.handle \(RootTestModule\): parameter 1 .*@Param\(\)/);
  });
});

describe('a ValidationPipe validates the payload of a class listener', () => {
  const pipe = { provide: APP_PIPE, useValue: new ValidationPipe({ transform: true }) };

  @RocketMQMessageListener({ ...TOPIC, payloadType: Order })
  class ByOption {
    onMessage(order: Order): unknown {
      return order;
    }
  }

  @RocketMQMessageListener(TOPIC)
  class ByDecorator {
    onMessage(@Payload() order: Order): unknown {
      return order;
    }
  }

  @RocketMQMessageListener(TOPIC)
  class Unknown {
    onMessage(order: Order): unknown {
      return order;
    }
  }

  test.each([ByOption, ByDecorator])('%p', async (type) => {
    const warned = warnings();
    const { handle } = await listenerOf(type, pipe);
    await expect(handle({ quantity: 'two' }, CONTEXT)).rejects.toMatchObject({
      code: 'MESSAGE_VALIDATION',
      cause: { response: { message: ['quantity must be an integer number'] } },
    });
    await expect(handle({ quantity: 2 }, CONTEXT)).resolves.toBeInstanceOf(Order);
    expect(warned).toEqual([]);
  });

  test('or says at the start that it cannot, and what to do', async () => {
    const warned = warnings();
    await listenerOf(Unknown, pipe);
    expect(warned).toEqual([
      expect.stringMatching(/^Unknown\.onMessage \(RootTestModule\).*payloadType.*@Payload\(\)/),
    ]);
    await listenerOf(Unknown);
    await listenerOf(Unknown, { provide: APP_PIPE, useValue: new ValidationPipe({ expectedType: Order }) });
    expect(warned).toHaveLength(1);
  });
});

test.each<[string, unknown, string]>([
  ['string', String, 'string'],
  ['Buffer', Buffer, 'buffer'],
  ['Uint8Array', Uint8Array, 'buffer'],
  ['a class', Order, 'json'],
])('a payload declared as %s is asked for as that', async (_what, payloadType, payload) => {
  @RocketMQMessageListener({ ...TOPIC, payloadType: payloadType as never })
  class Listener {
    onMessage(): void {}
  }
  expect((await listenerOf(Listener)).reading.kind).toBe(payload);
});

describe('refused at the start, with what to do, is', () => {
  class Missing {}
  @Injectable()
  class NeedsMissing {
    constructor(readonly missing: Missing) {}
    canActivate(): boolean {
      return true;
    }
  }
  class NoGuard {}

  test('a guard that cannot be made for a host of a factory', async () => {
    @UseGuards(NeedsMissing)
    class Guarded {
      @RocketMQMessageListener(TOPIC)
      take(): void {}
    }
    await expect(listenerOf({ provide: 'host', useFactory: () => new Guarded() })).rejects.toThrow(
      /Guarded\.take \(RootTestModule\): its guard NeedsMissing cannot be created in RootTestModule: .*Missing.*bind an instance/s,
    );
  });

  test('a class without canActivate, where Nest does not refuse it itself', async () => {
    @UseGuards(NoGuard as never)
    class Guarded {
      @RocketMQMessageListener(TOPIC)
      take(): void {}
    }
    await expect(listenerOf({ provide: 'host', useFactory: () => new Guarded() })).rejects.toThrow(
      /Guarded\.take \(RootTestModule\): its guard NoGuard has no method canActivate\(\)/,
    );
  });

  test.each<[string, (type: object, method: string) => void]>([
    ['a class', (type) => UseGuards({ canActivate: () => true })(type as never)],
    [
      'a method',
      (type, method) => {
        const { prototype } = type as { prototype: object };
        UseGuards({ canActivate: () => true })(prototype, method, Object.getOwnPropertyDescriptor(prototype, method)!);
      },
    ],
  ])('a guard on %s of transactions: nobody would run it', async (_what, bind) => {
    @RocketMQTransactionListener({ topic: 'orders' })
    class Transactions {
      executeLocalTransaction(): RocketMQLocalTransactionState {
        return RocketMQLocalTransactionState.COMMIT;
      }
      checkLocalTransaction(): RocketMQLocalTransactionState {
        return RocketMQLocalTransactionState.UNKNOWN;
      }
    }
    bind(Transactions, 'checkLocalTransaction');
    const explorer = await explorerOf([Transactions]);
    await expect(explorer.transactionListeners()).rejects.toThrow(/Transactions.*guards do not run/);
  });
});
