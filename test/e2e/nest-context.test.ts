// Tests what guards, interceptors and filters get of a message, and that an async context lasts as long as its listener.
import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, describe, expect, test } from '@jest/globals';
import {
  Catch,
  Controller,
  Injectable,
  Scope,
  SetMetadata,
  UseFilters,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import type { ArgumentsHost, CallHandler, ExceptionFilter, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { APP_FILTER, Reflector } from '@nestjs/core';
import { Observable, filter, firstValueFrom } from 'rxjs';
import {
  InvalidOptionError,
  Message,
  Outcome,
  RocketMQContext,
  RocketMQListeners,
  RocketMQMessageListener,
  isRocketMQContext,
  switchToRocketMQ,
} from 'nest-rocketmq';
import type { ListenerEvent } from 'nest-rocketmq';
import { consumed } from 'nest-rocketmq/testing';
import { PATIENCE_MS, closeApps, startApp, unique } from './nest-harness.js';

const timeout = PATIENCE_MS;
const MESSAGES = 5;

afterEach(closeApps);

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("an interceptor with Node's AsyncLocalStorage does the same", async () => {
  const topic = unique('als');
  const storage = new AsyncLocalStorage<string>();
  const seen: unknown[] = [];

  class WithStorage implements NestInterceptor {
    intercept(host: ExecutionContext, next: CallHandler): Observable<unknown> {
      const { msgId } = switchToRocketMQ(host).getContext()!;
      return new Observable((subscriber) => storage.run(msgId, () => next.handle().subscribe(subscriber)));
    }
  }

  @Injectable()
  class Orders {
    @UseInterceptors(WithStorage)
    @RocketMQMessageListener({ topic })
    async take(_order: unknown, { msgId }: RocketMQContext): Promise<void> {
      await tick();
      seen.push([storage.getStore(), msgId]);
    }
  }

  const app = await startApp({ providers: [Orders] });
  const all = consumed(app.module, { topic }, { times: MESSAGES, timeout });
  await Promise.all(Array.from({ length: MESSAGES }, (_, id) => app.template.send(topic, { id })));
  await app.elapse(all, '120s');
  expect(seen).toHaveLength(MESSAGES);
  for (const [stored, msgId] of seen as [string, string][]) expect(stored).toBe(msgId);
  storage.disable();
});

describe('a filter', () => {
  /** The events of a message whose listener throws, with a filter that returns `answer`. */
  async function filtered(answer: unknown, where: 'app' | 'method'): Promise<string> {
    const topic = unique('filtered');

    @Catch()
    class Filter implements ExceptionFilter {
      catch(): unknown {
        return answer;
      }
    }

    class Orders {
      @RocketMQMessageListener({ topic })
      take(): void {
        throw new Error('no');
      }
    }
    if (where === 'method') {
      UseFilters(Filter)(Orders.prototype, 'take', Object.getOwnPropertyDescriptor(Orders.prototype, 'take')!);
    }
    const providers = [Orders, ...(where === 'app' ? [{ provide: APP_FILTER, useClass: Filter }] : [])];
    const app = await startApp({ providers });
    const events: ListenerEvent[] = [];
    const listeners = app.module.get(RocketMQListeners);
    listeners.events.subscribe((event) => events.push(event));
    const ended = firstValueFrom(listeners.events.pipe(filter(({ type }) => type === 'consumed' || type === 'failed')));
    await app.template.send(topic, 1);
    await app.elapse(ended, '60s');
    return events.map(({ type }) => type).join(', ');
  }

  test.each([
    ['nothing', undefined, 'failed, retried'],
    ['null', null, 'failed, retried'],
    ['a response', { statusCode: 200 }, 'failed, retried'],
    ['an Outcome that says so', Outcome.ack, 'consumed'],
    ['an Outcome for the dead letters', Outcome.toDeadLetter('hopeless'), 'failed, dead-lettered'],
  ])('that returns %s', async (_what, answer, expected) => {
    expect([await filtered(answer, 'method'), await filtered(answer, 'app')]).toEqual([expected, expected]);
  });
});

describe('an enhancer', () => {
  const roles = SetMetadata('role', 'clerk');

  test('knows the type of the host, the class, the method with its metadata, the payload and the delivery', async () => {
    const topic = unique('host');
    const seen: unknown[] = [];

    @Injectable({ scope: Scope.REQUEST })
    class Guard {
      constructor(private readonly reflector: Reflector) {}
      canActivate(host: ExecutionContext): boolean {
        const role: unknown = this.reflector.getAllAndOverride('role', [host.getHandler(), host.getClass()]);
        const { getPayload, getContext, getBatchContext, getMessages } = switchToRocketMQ(host);
        seen.push(host.getType(), isRocketMQContext(host), role, host.getClass().name, host.getHandler().name);
        seen.push(getPayload(), getContext()?.topic, getBatchContext(), getMessages());
        return true;
      }
    }

    @Controller()
    class Orders {
      @roles
      @UseGuards(Guard)
      @RocketMQMessageListener({ topic })
      take(): void {}
    }

    const app = await startApp({ controllers: [Orders] });
    const done = consumed(app.module, { topic }, { timeout });
    await app.template.send(topic, { id: 1 });
    await app.elapse(done, '60s');
    expect(seen).toEqual(['rocketmq', true, 'clerk', 'Orders', 'take', { id: 1 }, topic, undefined, []]);
  });

  test('of a batch listener is given its messages', async () => {
    const topic = unique('batch');
    const seen: unknown[] = [];
    const guard = {
      canActivate(host: ExecutionContext): boolean {
        const { getContext, getBatchContext, getMessages } = switchToRocketMQ(host);
        seen.push(
          getContext(),
          getBatchContext()?.topic,
          getMessages().map(({ payload }) => payload),
        );
        return true;
      },
    };
    class Orders {
      @UseGuards(guard)
      @RocketMQMessageListener({ topic, batch: { size: 5 } })
      take(_messages: Message[]): void {}
    }
    const app = await startApp({ providers: [Orders] });
    const done = consumed(app.module, { topic }, { timeout });
    await app.template.send(topic, 7);
    await app.elapse(done, '60s');
    expect(seen).toEqual([undefined, topic, [7]]);
  });

  test('of another transport is refused by the switch', () => {
    const host = { getType: () => 'http' } as unknown as ArgumentsHost;
    expect(isRocketMQContext(host)).toBe(false);
    expect(() => switchToRocketMQ(host)).toThrow(InvalidOptionError);
    expect(() => switchToRocketMQ(host)).toThrow(/host .*is 'http'; allowed: a host whose getType\(\) is 'rocketmq'/);
  });
});
