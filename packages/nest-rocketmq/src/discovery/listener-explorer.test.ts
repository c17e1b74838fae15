import 'reflect-metadata';
import { Controller, Inject, Injectable, Module, Scope, UseGuards, ValidationPipe } from '@nestjs/common';
import type { CanActivate, ExceptionFilter, ExecutionContext } from '@nestjs/common';
import { APP_FILTER, APP_PIPE, DiscoveryModule, REQUEST } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import type { ModuleMetadata } from '@nestjs/common';
import { afterEach, describe, expect, test } from '@jest/globals';
import { IsInt } from 'class-validator';
import { RocketMQMessageListener } from '../decorators/rocketmq-message-listener.js';
import { RocketMQTransactionListener } from '../decorators/rocketmq-transaction-listener.js';
import { LifecycleHooks } from '../nest/lifecycle-hooks.js';
import { ListenerExplorer } from './listener-explorer.js';
import { RocketMQLocalTransactionState } from '../decorators/listener-metadata.js';
import { RocketMQContext } from '../decorators/rocketmq-context.js';

const CONTEXT = { topic: 'orders' } as unknown as RocketMQContext;
const opened: { close(): Promise<void> }[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((module) => module.close()));
});

async function explore(metadata: ModuleMetadata): Promise<ListenerExplorer> {
  const providers = [LifecycleHooks, ListenerExplorer, ...(metadata.providers ?? [])];
  const module = await Test.createTestingModule({
    ...metadata,
    imports: [DiscoveryModule, ...(metadata.imports ?? [])],
    providers,
  }).compile();
  opened.push(module);
  return module.get(ListenerExplorer);
}

@Injectable()
class Greeter {
  readonly hello = 'hello';
}

@RocketMQMessageListener({ topic: 'orders' })
class OnClass {
  constructor(private readonly greeter: Greeter) {}

  onMessage(message: string, context: RocketMQContext): string {
    return `${this.greeter.hello} ${message} of ${context.topic}`;
  }
}

describe('found are', () => {
  test('a class, which its decorator has made injectable', async () => {
    const found = (await (await explore({ providers: [OnClass, Greeter] })).messageListeners())[0]!;
    expect(found.name).toBe('OnClass.onMessage (RootTestModule)');
    expect(found.options).toEqual({ topic: 'orders' });
    await expect(found.handle('ann', CONTEXT)).resolves.toBe('hello ann of orders');
  });

  test('methods, of controllers too, and each of several decorators on one', async () => {
    @Controller()
    class OnMethods {
      @RocketMQMessageListener({ topic: 'a' })
      @RocketMQMessageListener({ topic: 'b' })
      both(message: string): string {
        return message;
      }

      get trap(): never {
        throw new Error('a getter was touched');
      }
    }
    const found = await (await explore({ controllers: [OnMethods] })).messageListeners();
    expect(found.map(({ name, options }) => `${name} ${options.topic}`).sort()).toEqual([
      'OnMethods.both (RootTestModule) a',
      'OnMethods.both (RootTestModule) b',
    ]);
  });

  test('instances given by useFactory and useValue, an alias only once', async () => {
    const providers = [
      { provide: 'factory', useFactory: () => new OnClass(new Greeter()) },
      { provide: 'alias', useExisting: 'factory' },
      { provide: 'value', useValue: new OnClass(new Greeter()) },
      { provide: 'nothing', useValue: null },
      { provide: 'text', useValue: 'text' },
    ];
    expect(await (await explore({ providers })).messageListeners()).toHaveLength(2);
  });

  test('what a subclass inherits', async () => {
    class Sub extends OnClass {}
    const found = (await (await explore({ providers: [Sub, Greeter] })).messageListeners())[0]!;
    expect(found.name).toBe('Sub.onMessage (RootTestModule)');
  });
});

test('a request-scoped listener is made anew for each message, which is its request', async () => {
  @RocketMQMessageListener({ topic: 'orders' })
  @Injectable({ scope: Scope.REQUEST })
  class Scoped {
    readonly made = Symbol('made');
    constructor(@Inject(REQUEST) private readonly request: unknown) {}

    onMessage(): unknown[] {
      return [this.made, this.request];
    }
  }
  const found = (await (await explore({ providers: [Scoped] })).messageListeners())[0]!;
  const [first, request] = (await found.handle('', CONTEXT)) as unknown[];
  const [second] = (await found.handle('', CONTEXT)) as unknown[];
  expect(request).toBe(CONTEXT);
  expect(first).not.toBe(second);
});

describe('a failure stays a failure', () => {
  class AnswersEverything implements ExceptionFilter {
    catch(): string {
      return 'handled';
    }
  }

  class Fails {
    @RocketMQMessageListener({ topic: 'sync' })
    sync(): void {
      throw new Error('thrown');
    }

    @RocketMQMessageListener({ topic: 'async' })
    rejected(): Promise<void> {
      return Promise.reject(new Error('rejected'));
    }
  }

  test.each([
    ['thrown', 0],
    ['rejected', 1],
  ])('when %s, also with a global filter that answers everything', async (error, index) => {
    const explorer = await explore({ providers: [Fails, { provide: APP_FILTER, useClass: AnswersEverything }] });
    const listeners = await explorer.messageListeners();
    await expect(listeners[index]!.handle('', CONTEXT)).rejects.toThrow(error);
  });
});

describe("Nest's enhancers", () => {
  class Order {
    @IsInt()
    quantity!: number;
  }

  class Validated {
    @RocketMQMessageListener({ topic: 'orders' })
    take(order: Order, context: RocketMQContext): unknown[] {
      return [order, context];
    }
  }

  test('a global ValidationPipe validates the payload and leaves the context alone', async () => {
    const pipe = { provide: APP_PIPE, useValue: new ValidationPipe({ transform: true, whitelist: true }) };
    const listener = (await (await explore({ providers: [Validated, pipe] })).messageListeners())[0]!;
    const [order, context] = (await listener.handle({ quantity: 2, other: 1 }, CONTEXT)) as unknown[];
    expect(order).toBeInstanceOf(Order);
    expect(order).toEqual({ quantity: 2 });
    expect(context).toBe(CONTEXT);
    await expect(listener.handle({ quantity: 'two' }, CONTEXT)).rejects.toThrow('Bad Request');
  });

  test('a global ValidationPipe passes the payload of a class whose method has no types on to it', async () => {
    const pipe = { provide: APP_PIPE, useValue: new ValidationPipe({ transform: true, whitelist: true }) };
    const listener = (await (await explore({ providers: [OnClass, Greeter, pipe] })).messageListeners())[0]!;
    await expect(listener.handle('ann', CONTEXT)).resolves.toBe('hello ann of orders');
  });

  test("a guard sees the context type 'rocketmq' and may refuse", async () => {
    const seen: string[] = [];
    class Guard implements CanActivate {
      canActivate(context: ExecutionContext): boolean {
        seen.push(`${context.getType<string>()} ${context.getHandler().name}`);
        return false;
      }
    }
    class Guarded {
      @UseGuards(Guard)
      @RocketMQMessageListener({ topic: 'orders' })
      take(): void {}
    }
    const listener = (await (await explore({ providers: [Guarded, Guard] })).messageListeners())[0]!;
    await expect(listener.handle('', CONTEXT)).rejects.toThrow('Forbidden');
    expect(seen).toEqual(['rocketmq take']);
  });
});

describe('transaction listeners', () => {
  test('are found with their topic', async () => {
    @RocketMQTransactionListener({ topic: 'orders' })
    class Transactions {
      executeLocalTransaction = () => RocketMQLocalTransactionState.COMMIT;
      checkLocalTransaction = () => RocketMQLocalTransactionState.UNKNOWN;
    }
    const found = (await (await explore({ providers: [Transactions] })).transactionListeners())[0]!;
    expect(found.name).toBe('Transactions (RootTestModule)');
    expect(found.options).toEqual({ topic: 'orders' });
  });

  test('must have both methods', async () => {
    class Half {
      executeLocalTransaction(): RocketMQLocalTransactionState {
        return RocketMQLocalTransactionState.COMMIT;
      }
    }
    RocketMQTransactionListener({ topic: 'orders' })(Half as never);
    const explorer = await explore({ providers: [Half] });
    await expect(explorer.transactionListeners()).rejects.toThrow(/Half\.checkLocalTransaction \(.*\).*no such method/);
  });
});

test('a decorated class without onMessage is refused by name', async () => {
  @Module({})
  class NoListener {}
  RocketMQMessageListener({ topic: 'orders' })(NoListener as never);
  const explorer = await explore({ providers: [NoListener] });
  await expect(explorer.messageListeners()).rejects.toThrow(/NoListener\.onMessage \(.*\).*no such method/);
});
