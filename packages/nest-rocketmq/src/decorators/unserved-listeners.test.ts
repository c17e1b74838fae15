import 'reflect-metadata';
import { Injectable, Logger, Module, Scope } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { RocketMQMessageListener } from './rocketmq-message-listener.js';
import { RocketMQTransactionListener } from './rocketmq-transaction-listener.js';
import { rocketMQTesting } from '../testing/index.js';

const TOPIC = { topic: 'orders' };

afterEach(() => void jest.restoreAllMocks());

/** What an app with these providers says at its start. */
async function warningsOf(providers: object[], withModule = true): Promise<string[]> {
  const lines: string[] = [];
  jest.spyOn(Logger.prototype, 'warn').mockImplementation((line: unknown) => void lines.push(String(line)));
  const imports = withModule ? [rocketMQTesting({ group: 'app' }).module] : [];
  const app = await NestFactory.createApplicationContext(
    { module: class App {}, imports, providers: providers as [] },
    { logger: ['warn'], abortOnError: false },
  );
  await app.close();
  return lines;
}

describe('at the start is named', () => {
  test('a class that no module provides, once', async () => {
    @RocketMQMessageListener(TOPIC)
    class Provided {
      onMessage(): void {}
    }
    @RocketMQMessageListener(TOPIC)
    class Forgotten {
      onMessage(): void {}
    }
    class ForgottenToo {
      @RocketMQMessageListener(TOPIC)
      take(): void {}
    }
    abstract class Base {
      @RocketMQMessageListener({ topic: 'payments' })
      take(): void {}
    }
    class Sub extends Base {}
    const made = { provide: 'factory', useFactory: () => new Sub() };
    const lines = await warningsOf([Provided, made]);
    expect([Forgotten.name, ForgottenToo.name]).toHaveLength(2);
    expect(lines).toEqual([
      expect.stringMatching(/nobody will call the listeners of Forgotten, ForgottenToo: .*providers/),
    ]);
    expect(await warningsOf([Provided])).toEqual([]);
  });

  test.each([Scope.REQUEST, Scope.TRANSIENT])(
    'a class that only a scoped factory under another token makes (%p): it cannot be seen',
    async (scope) => {
      class Unseen {
        @RocketMQMessageListener(TOPIC)
        take(): void {}
      }
      const useFactory = (): Unseen => new Unseen();
      const lines = await warningsOf([{ provide: 'reader', scope, useFactory }]);
      expect(lines).toEqual([expect.stringMatching(/of Unseen: .*factory .*the class must be its token/)]);
    },
  );

  test('a listener in an app without RocketMQModule', async () => {
    const hooks: string[] = [];
    @Injectable()
    class Lonely {
      onApplicationBootstrap(): void {
        hooks.push('own hook');
      }
      @RocketMQMessageListener(TOPIC)
      take(): void {}
    }
    @RocketMQTransactionListener(TOPIC)
    class LonelyToo {
      executeLocalTransaction = (): never => undefined as never;
      checkLocalTransaction = (): never => undefined as never;
    }
    @RocketMQMessageListener({ topic: 'payments' })
    @Injectable({ scope: Scope.TRANSIENT })
    class LonelyThree {
      onMessage(): void {}
    }
    @Injectable()
    class User {
      constructor(readonly lonely: LonelyThree) {}
    }
    const providers = [Lonely, LonelyToo, LonelyThree, User];
    const lines = await warningsOf(providers, false);
    expect(lines.toSorted()).toEqual(
      ['Lonely', 'LonelyThree', 'LonelyToo'].map((name) =>
        expect.stringMatching(new RegExp(`^${name} .*RocketMQModule.forRoot`)),
      ),
    );
    expect(await warningsOf(providers)).toEqual([]);
    expect(hooks).toEqual(['own hook', 'own hook']);
  });
});

describe('refused at the start, with class, method and module, is', () => {
  /** Made when it is needed: the classes of a file are all decorated before its first test. */
  function misplaced(): Record<'static' | 'getter' | 'field', object> {
    class Orders {
      @RocketMQMessageListener(TOPIC)
      static take(): void {}
    }
    class OrdersToo {
      get take(): () => void {
        return () => undefined;
      }
    }
    class OrdersAlso {
      take = (): void => undefined;
    }
    const decorate = RocketMQMessageListener(TOPIC) as (...args: unknown[]) => void;
    decorate(OrdersToo.prototype, 'take', Object.getOwnPropertyDescriptor(OrdersToo.prototype, 'take'));
    decorate(OrdersAlso.prototype, 'take');
    return { static: Orders, getter: OrdersToo, field: OrdersAlso };
  }

  test.each(['static', 'getter', 'field'] as const)('a %s', async (what) => {
    const type = misplaced()[what];
    const { name } = type as { name: string };
    const expected = new RegExp(`^${name}\\.take \\(App\\): it is (a )?${what}.*Make it a method`);
    await expect(warningsOf([type])).rejects.toThrow(expected);
  });

  test.each([
    ['a generator', function* take() {}],
    ['an asynchronous generator', async function* take() {}],
  ])('%s: its body would never run', async (_what, take) => {
    class Orders {}
    const descriptor = { value: take, configurable: true };
    Object.defineProperty(Orders.prototype, 'take', descriptor);
    RocketMQMessageListener(TOPIC)(Orders.prototype, 'take', descriptor);
    await expect(warningsOf([Orders])).rejects.toThrow(/^Orders\.take \(App\): it is a generator.*async method/);
  });

  test('the same class in two modules, naming both', async () => {
    @RocketMQMessageListener(TOPIC)
    class Twice {
      onMessage(): void {}
    }
    @Module({ providers: [Twice] })
    class Orders {}
    @Module({ providers: [Twice] })
    class Payments {}
    const imports = [rocketMQTesting({ group: 'app' }).module, Orders, Payments];
    const started = NestFactory.createApplicationContext(
      { module: class App {}, imports },
      { logger: false, abortOnError: false },
    );
    await expect(started).rejects.toThrow(
      /group 'app': Twice\.onMessage and Twice\.onMessage \(Orders and Payments\) .* Two modules provide the class: provide it in one/,
    );
  });
});

test("a decorator without TypeScript's experimentalDecorators, or on a parameter, is refused where it stands", () => {
  const decorator = RocketMQMessageListener(TOPIC) as (...args: unknown[]) => void;
  expect(() => decorator(() => undefined, { kind: 'method', name: 'take' })).toThrow(/take: .*experimentalDecorators/);
  expect(() => decorator(class Orders {}.prototype, 'take', 0)).toThrow(/Orders\.take: .*on the method/);
});
