// Tests Nest's microservices on RocketMQ: events and requests by pattern, their errors, and the client.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Catch, Controller, UseFilters } from '@nestjs/common';
import type { ExceptionFilter, INestMicroservice } from '@nestjs/common';
import { Ctx, EventPattern, MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { EMPTY, firstValueFrom, of, throwError } from 'rxjs';
import { Outcome, RocketMQAdmin, RocketMQContext, RocketMQListeners } from 'nest-rocketmq';
import {
  ROCKETMQ_TRANSPORT,
  RocketMQClientProxy,
  RocketMQRecord,
  RocketMQRecordBuilder,
  RocketMQServer,
} from 'nest-rocketmq/microservices';
import { consumed, failed } from 'nest-rocketmq/testing';
import { PATIENCE_MS, closeApps, startApp, unique } from './nest-harness.js';
import type { TestApp } from './nest-harness.js';

const timeout = PATIENCE_MS;
const ASKING = timeout;
const FIRST = { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' } as const;

let topic: string;
const closing: (() => Promise<unknown>)[] = [];

beforeEach(() => {
  topic = unique('rpc');
});

afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
  await closeApps();
});

interface Service {
  readonly app: TestApp;
  readonly client: RocketMQClientProxy;
  readonly microservice: INestMicroservice;
  readonly server: RocketMQServer;
}

type ControllerClass = new (...args: never[]) => object;

/** A hybrid app whose microservice shares the connection of its RocketMQModule. */
async function serve(...controllers: ControllerClass[]): Promise<Service> {
  const app = await startApp({ controllers });
  const server = new RocketMQServer({ listeners: app.module.get(RocketMQListeners) });
  const client = new RocketMQClientProxy({ template: app.template });
  const microservice = app.module.createNestMicroservice({ strategy: server });
  closing.push(async () => server.close());
  await microservice.listen();
  return { app, client, microservice, server };
}

/** Asks, while time passes: consumers find topics that a request has created when they next ask for routes. */
function ask(
  { app, client }: Service,
  pattern: unknown,
  data: unknown,
  payload: 'json' | 'string' = 'json',
): Promise<unknown> {
  const record = new RocketMQRecord(data, { timeout: ASKING, payload });
  return app.elapse(firstValueFrom(client.send<unknown>(pattern, record)), '60s');
}

test('an event reaches each handler of its pattern with payload and context, and none of another tag', async () => {
  const got: unknown[] = [];
  @Controller()
  class Orders {
    @EventPattern<string>(`${topic}:created`, FIRST)
    first(@Payload() order: unknown, @Ctx() context: RocketMQContext): void {
      const { tags, keys, properties } = context;
      got.push(['first', order, context instanceof RocketMQContext, tags, keys, properties.get('from')]);
    }
    @EventPattern(`${topic}:created`, ROCKETMQ_TRANSPORT)
    second(@Payload('id') id: unknown): void {
      got.push(['second', id]);
    }
    @EventPattern({ topic, tag: 'paid' })
    other(_event: unknown): void {
      got.push('other');
    }
  }
  const { app, client } = await serve(Orders);
  const done = consumed(app.module, { topic }, { timeout });
  const record = new RocketMQRecordBuilder({ id: 7 }).setKeys(['k1', 'k2']).setHeaders({ from: 'us' }).build();
  await expect(firstValueFrom(client.emit(`${topic}:created`, record))).resolves.toMatchObject({
    sendStatus: 'SEND_OK',
  });
  await app.elapse(done, '60s');
  expect(got).toEqual([
    ['first', { id: 7 }, true, 'created', ['k1', 'k2'], 'us'],
    ['second', 7],
  ]);
});

test('a request is answered with what the handler returns: a value, a promise, an Observable, a record, nothing', async () => {
  @Controller()
  class Math {
    @MessagePattern(`${topic}.sum`, FIRST)
    sum(numbers: number[]): number {
      return numbers.reduce((a, b) => a + b, 0);
    }
    @MessagePattern({ cmd: topic, of: 'sum' }, FIRST)
    later(numbers: number[]): Promise<number> {
      return Promise.resolve(this.sum(numbers));
    }
    @MessagePattern(`${topic}/stream`, FIRST)
    stream(): unknown {
      return of('one', 'two');
    }
    @MessagePattern(`${topic}-record`, FIRST)
    record(): unknown {
      return new RocketMQRecordBuilder('a record').setHeaders({ from: 'us' }).build();
    }
    @MessagePattern(`${topic}-nothing`, FIRST)
    nothing(): void {}
    @MessagePattern(`${topic}-text`, { ...FIRST, payload: 'string' })
    text(question: string): string {
      return `re: ${question}`;
    }
  }
  const service = await serve(Math);
  await expect(ask(service, `${topic}.sum`, [1, 2, 3])).resolves.toBe(6);
  await expect(ask(service, { of: 'sum', cmd: topic }, [4])).resolves.toBe(4);
  await expect(ask(service, `${topic}/stream`, 1)).resolves.toBe('one');
  await expect(ask(service, `${topic}-record`, 1)).resolves.toBe('a record');
  await expect(ask(service, `${topic}-nothing`, 1)).resolves.toBeNull();
  await expect(ask(service, `${topic}-text`, 'ü', 'string')).resolves.toBe('re: ü');
  // A pattern is a topic: whoever knows that can ask it without Nest.
  await expect(service.app.template.request(`${topic}_sum`, [5], { timeout: ASKING })).resolves.toBe(5);
});

@Catch(RangeError)
class AnswersInstead implements ExceptionFilter {
  catch(): unknown {
    return of('answered by a filter');
  }
}

test("a request whose handler fails is answered with the error, once, and is consumed; a filter's value is an answer", async () => {
  let calls = 0;
  @Controller()
  class Failing {
    @MessagePattern(`${topic}-rpc`, FIRST)
    rpc(): void {
      calls++;
      throw new RpcException({ status: 'error', message: 'no such order', code: 404 });
    }
    @MessagePattern(`${topic}-any`, FIRST)
    any(): void {
      throw new Error('a secret');
    }
    @MessagePattern(`${topic}-stream`, FIRST)
    stream(): unknown {
      return throwError(() => new RpcException('in a stream'));
    }
    @UseFilters(AnswersInstead)
    @MessagePattern(`${topic}-filter`, FIRST)
    filtered(): void {
      throw new RangeError('bad');
    }
  }
  const service = await serve(Failing);
  const done = consumed(service.app.module, { topic: `${topic}-rpc` }, { timeout });
  await expect(ask(service, `${topic}-rpc`, 1)).rejects.toEqual({
    status: 'error',
    message: 'no such order',
    code: 404,
  });
  await expect(ask(service, `${topic}-any`, 1, 'string')).rejects.toEqual({
    status: 'error',
    message: 'Internal server error',
  });
  await expect(ask(service, `${topic}-stream`, 1)).rejects.toEqual({ status: 'error', message: 'in a stream' });
  await expect(ask(service, `${topic}-filter`, 1)).resolves.toBe('answered by a filter');
  await done;
  expect(calls).toBe(1);
});

test('an Outcome that a request handler throws is no answer: the request comes again, and then is answered', async () => {
  let calls = 0;
  @Controller()
  class Busy {
    @MessagePattern(topic, FIRST)
    take(): string {
      if (++calls === 1) throw new RpcException(Outcome.retryLater('1s'));
      return 'at last';
    }
  }
  const service = await serve(Busy);
  await expect(ask(service, topic, 1)).resolves.toBe('at last');
  expect(calls).toBe(2);
});

@Catch()
class SwallowsAll implements ExceptionFilter {
  catch(): unknown {
    return EMPTY;
  }
}

test.each<[string, () => unknown]>([
  [
    'throws',
    () => {
      throw new Error('on purpose');
    },
  ],
  ['rejects', () => Promise.reject(new Error('on purpose'))],
  ['returns an Observable that fails', () => throwError(() => new Error('on purpose'))],
  [
    'throws an RpcException',
    () => {
      throw new RpcException(new Error('on purpose'));
    },
  ],
])(
  'an event whose handler %s comes again, whatever a filter makes of the error, and the log and events have the error itself',
  async (_what, fail) => {
    let calls = 0;
    @Controller()
    class Failing {
      @UseFilters(SwallowsAll)
      @EventPattern(topic, { ...FIRST, retry: { backoff: '1s' } })
      take(_event: unknown): unknown {
        return ++calls === 1 ? fail() : undefined;
      }
      /** Completes first, and so must not hide the failure of the other. */
      @EventPattern(topic)
      other(_event: unknown): unknown {
        return EMPTY;
      }
    }
    const { app, client, server } = await serve(Failing);
    const told: unknown[] = [];
    server.on('failed', ({ error }) => told.push(error));
    const once = failed(app.module, { topic }, { timeout });
    const done = consumed(app.module, { topic }, { timeout });
    await firstValueFrom(client.emit(topic, 1));
    await once;
    const { context } = await app.elapse(done, '30s');
    expect(context.reconsumeTimes).toBe(1);
    expect(told).toEqual([new Error('on purpose')]);
  },
);

class InvalidOrder extends Error {}

test('an event whose error is not retryable, or whose handler returns such an Outcome, goes to the dead letters at once', async () => {
  const group = unique('rpc-dead');
  @Controller()
  class Failing {
    @EventPattern(`${topic}:thrown`, { ...FIRST, consumerGroup: group, retry: { notRetryable: [InvalidOrder] } })
    thrown(_event: unknown): void {
      throw new InvalidOrder('no customer');
    }
    @EventPattern(`${topic}:said`, { ...FIRST, consumerGroup: group })
    said(_event: unknown): Outcome {
      return Outcome.toDeadLetter('says the handler');
    }
  }
  const { app, client } = await serve(Failing);
  const both = ['thrown', 'said'].map((tag) => failed(app.module, { topic, tag }, { timeout }));
  await firstValueFrom(client.emit(`${topic}:thrown`, 1));
  await firstValueFrom(client.emit(`${topic}:said`, 1));
  await Promise.all(both);
  const letters = app.module.get(RocketMQAdmin).deadLetters(group);
  const reasons = async (): Promise<string[]> => {
    const found: string[] = [];
    for await (const { reason } of letters.list()) found.push(reason ?? '');
    return found.toSorted();
  };
  await app.until(async () => (await reasons()).length >= 2);
  expect(await reasons()).toEqual([expect.stringContaining('no customer'), 'says the handler']);
});
