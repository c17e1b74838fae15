import 'reflect-metadata';
import { Controller, Inject, Injectable, Scope } from '@nestjs/common';
import type { Provider, Type } from '@nestjs/common';
import { ContextIdFactory, DiscoveryModule, REQUEST } from '@nestjs/core';
import type { ContextId, ContextIdStrategy } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, test } from '@jest/globals';
import { RocketMQMessageListener } from '../decorators/rocketmq-message-listener.js';
import { RocketMQTransactionListener } from '../decorators/rocketmq-transaction-listener.js';
import { LifecycleHooks } from '../nest/lifecycle-hooks.js';
import { ListenerExplorer } from '../discovery/listener-explorer.js';
import { RocketMQLocalTransactionState } from '../decorators/listener-metadata.js';
import type { TransactionContext } from '../decorators/listener-metadata.js';
import type { RocketMQContext } from '../decorators/rocketmq-context.js';

const { COMMIT, UNKNOWN } = RocketMQLocalTransactionState;
const message = (tenant: string) => ({ topic: 'orders', keys: [tenant] }) as unknown as RocketMQContext;
const opened: { close(): Promise<void> }[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((module) => module.close()));
});

async function start(providers: Provider[], controllers: Type<unknown>[] = []) {
  const module = await Test.createTestingModule({
    imports: [DiscoveryModule],
    controllers,
    providers: [LifecycleHooks, ListenerExplorer, ...providers],
  }).compile();
  opened.push(module);
  return module;
}

let made = 0;

/** Tells which instance it is, whether it was constructed, and what its request is. */
abstract class Telling {
  readonly number = ++made;
  abstract readonly request: unknown;

  @RocketMQMessageListener({ topic: 'orders' })
  take(): { number: number; request: unknown } {
    return { number: this.number, request: this.request };
  }
}

const told = async (module: Awaited<ReturnType<typeof start>>, context: object) => {
  const { handle } = (await module.get(ListenerExplorer).messageListeners())[0]!;
  return (await handle('', context as RocketMQContext)) as { number: number; request: unknown };
};

describe('request-scoped: each message has an instance of its own, and is its request, with', () => {
  @Injectable({ scope: Scope.REQUEST })
  class Scoped extends Telling {
    constructor(@Inject(REQUEST) readonly request: unknown) {
      super();
    }
  }
  @Controller({ scope: Scope.REQUEST })
  class ScopedController extends Telling {
    constructor(@Inject(REQUEST) readonly request: unknown) {
      super();
    }
  }
  const factory = { provide: Scoped, inject: [REQUEST], useFactory: (request: unknown) => new Scoped(request) };

  test.each<[string, Provider[], Type<unknown>[]]>([
    ['a class', [Scoped], []],
    ['a controller', [], [ScopedController]],
    ['a class under another token', [{ provide: 'host', useClass: Scoped }], []],
    ['a factory under the class', [{ ...factory, scope: Scope.REQUEST }], []],
    ['a factory that is so by what it needs', [factory], []],
  ])('%s', async (_what, providers, controllers) => {
    const module = await start(providers, controllers);
    const [one, two] = [message('a'), message('b')];
    const [first, second] = [await told(module, one), await told(module, two)];
    expect(first.request).toBe(one);
    expect(second.request).toBe(two);
    expect(first.number).not.toBe(second.number);
  });

  test('durable providers shared by the messages of one tenant', async () => {
    @Injectable({ scope: Scope.REQUEST, durable: true })
    class Durable extends Telling {
      constructor(@Inject(REQUEST) readonly request: unknown) {
        super();
      }
    }
    const tenants = new Map<string, ContextId>();
    const byTenant: ContextIdStrategy<RocketMQContext> = {
      attach(contextId, { keys: [tenant = ''] }) {
        const parent = tenants.get(tenant) ?? ContextIdFactory.create();
        tenants.set(tenant, parent);
        return { resolve: ({ isTreeDurable }) => (isTreeDurable ? parent : contextId), payload: { tenant } };
      },
    };
    ContextIdFactory.apply(byTenant);
    try {
      const module = await start([Durable]);
      const [a, again, b] = [
        await told(module, message('a')),
        await told(module, message('a')),
        await told(module, message('b')),
      ];
      expect(a.request).toEqual({ tenant: 'a' });
      expect(again.number).toBe(a.number);
      expect(b.request).toEqual({ tenant: 'b' });
      expect(b.number).not.toBe(a.number);
    } finally {
      ContextIdFactory.apply(undefined as never);
    }
  });
});

describe('transient: one instance, properly made, with its lifecycle hooks called, of', () => {
  const calls: string[] = [];

  @Injectable({ scope: Scope.TRANSIENT })
  class Transient extends Telling {
    readonly request = 'none';
    onModuleInit(): void {
      calls.push(`init ${this.number}`);
    }
    async onApplicationShutdown(signal: string): Promise<void> {
      await Promise.resolve();
      calls.push(`shutdown ${this.number} ${signal}`);
    }
  }

  test.each<[string, Provider]>([
    ['a class', Transient],
    ['a class under another token', { provide: 'host', useClass: Transient }],
    ['a factory', { provide: Transient, scope: Scope.TRANSIENT, useFactory: () => new Transient() }],
  ])('%s', async (_what, provider) => {
    calls.splice(0);
    const module = await start([provider]);
    const first = await told(module, message('a'));
    expect(first.number).toBeGreaterThan(0);
    expect(await told(module, message('b'))).toEqual(first);
    await module.get(LifecycleHooks).call('onModuleInit');
    await module.get(LifecycleHooks).call('onApplicationShutdown', 'SIGTERM');
    expect(calls).toEqual([`init ${first.number}`, `shutdown ${first.number} SIGTERM`]);
  });
});

describe('a transaction listener that is', () => {
  abstract class Decides {
    readonly #number = ++made;
    readonly seen: unknown[] = [];
    abstract readonly request: unknown;

    executeLocalTransaction(): RocketMQLocalTransactionState {
      return this.#number > 0 ? COMMIT : UNKNOWN;
    }
    checkLocalTransaction(_payload: unknown, context: unknown): RocketMQLocalTransactionState {
      return this.request === context ? COMMIT : UNKNOWN;
    }
  }

  test.each<[string, Scope]>([
    ['transient', Scope.TRANSIENT],
    ['request-scoped', Scope.REQUEST],
  ])('%s runs on an instance that was constructed', async (_what, scope) => {
    @RocketMQTransactionListener({ topic: 'orders' })
    @Injectable({ scope })
    class Transactions extends Decides {
      readonly request: unknown;
      constructor(@Inject(REQUEST) request: unknown) {
        super();
        this.request = request;
      }
    }
    @RocketMQTransactionListener({ topic: 'orders' })
    @Injectable({ scope })
    class Plain extends Decides {
      readonly request = undefined;
    }
    const type = scope === Scope.REQUEST ? Transactions : Plain;
    const { instance } = (await (await start([type])).get(ListenerExplorer).transactionListeners())[0]!;
    await expect(instance.executeLocalTransaction!(1, {} as TransactionContext)).resolves.toBe(COMMIT);
    const expected = scope === Scope.REQUEST ? COMMIT : UNKNOWN;
    await expect(instance.checkLocalTransaction(1, message('a'))).resolves.toBe(expected);
  });
});
