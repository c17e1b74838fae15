// Tests that what a second copy of the packages makes is known to the first, as where a process loads both module formats: an app of
// ES modules, and a library of it in CommonJS.
import 'reflect-metadata';
import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import * as client from '@nest-rocketmq/client';
import * as remoting from '@nest-rocketmq/remoting/internal';
import { paramsOf } from './decorators/listener-params.js';
import * as batch from './decorators/rocketmq-batch-context.js';
import * as single from './decorators/rocketmq-context.js';
import * as errors from './errors.js';
import { RetryPolicy } from './listeners/retry-policy.js';
import { outcomeError } from './opentelemetry/error-type.js';
import { failureKindOf } from './outbox/send-failure.js';

let other: typeof remoting & typeof client & typeof errors & typeof single & typeof batch;

beforeAll(async () => {
  await jest.isolateModulesAsync(async () => {
    other = {
      ...(await import('@nest-rocketmq/remoting/internal')),
      ...(await import('@nest-rocketmq/client')),
      ...(await import('./errors.js')),
      ...(await import('./decorators/rocketmq-context.js')),
      ...(await import('./decorators/rocketmq-batch-context.js')),
    };
  });
});

const refusal = (): Error => new other.ResponseError(2, 'busy', 'broker:10911', 'SEND_MESSAGE_V2');

it('the second copy is one', () => {
  expect(other.RocketMQError).not.toBe(remoting.RocketMQError);
  expect(other.Outcome).not.toBe(client.Outcome);
  expect(other.RocketMQContext).not.toBe(single.RocketMQContext);
});

describe('an error of the other copy', () => {
  it('is an instance of its class, and of those that it extends, and of no other', () => {
    const error: unknown = new other.TopicNotFoundError('t', []);
    const classes = [client.TopicNotFoundError, client.MQClientError, remoting.RocketMQError, Error];
    expect(classes.filter((each) => !(error instanceof each))).toEqual([]);
    expect([client.NoBrokerError, errors.MessageDecodeError].filter((each) => error instanceof each)).toEqual([]);
    expect([{}, null, undefined, 'x', new Error('x')].filter((each) => each instanceof remoting.RocketMQError)).toEqual(
      [],
    );
  });

  it("is not one of an app's own class of the same name", () => {
    class NoBrokerError extends remoting.RocketMQError {}
    expect(new client.NoBrokerError([])).not.toBeInstanceOf(NoBrokerError);
    expect(new NoBrokerError('OWN', 'own')).not.toBeInstanceOf(client.NoBrokerError);
  });

  it('is a dead letter where its class is in retry.notRetryable, or says that the payload is wrong', () => {
    const policy = new RetryPolicy({ notRetryable: [client.SendFailedError] });
    const failed = new other.SendFailedError('t', 3, 10, [], { cause: refusal() });
    const kinds = [failed, new other.MessageValidationError('no id'), new other.NoBrokerError([])].map(
      (error) => policy.outcomeOf(error, 1).kind,
    );
    expect(kinds).toEqual(['deadLetter', 'deadLetter', 'retry']);
    expect(policy.isRetryable(failed)).toBe(false);
  });

  it.each([
    ['outage', () => new other.NoBrokerError([])],
    ['away', refusal],
    ['unsendable', () => new other.InvalidMessageError('no body')],
  ])('is an %s to the relay of the outbox', (kind, make) => {
    expect(failureKindOf(make())).toBe(kind);
  });
});

it('Outcome.untried of the other copy is no failure', () => {
  const outcomes = [other.Outcome.untried, other.Outcome.untried.because(new Error('x')), other.Outcome.retry];
  expect(outcomes.map((each) => outcomeError(each as never)?.type)).toEqual([undefined, undefined, 'retry']);
});

it("a parameter that is declared as the other copy's context receives the context", () => {
  class Orders {
    onOrder(_context: unknown): void {}
  }
  for (const type of [other.RocketMQContext, other.RocketMQBatchContext]) {
    Reflect.defineMetadata('design:paramtypes', [type], Orders.prototype, 'onOrder');
    expect(paramsOf('Orders.onOrder', Orders, 'onOrder', {}).contexts).toEqual([0]);
  }
});

it('a batch of the other copy is one to parameter decorators', () => {
  const { RocketMQBatchContext } = other as unknown as { RocketMQBatchContext: { of(...args: unknown[]): object } };
  const context = RocketMQBatchContext.of([], 'g', new AbortController().signal, false);
  expect(context).toBeInstanceOf(batch.RocketMQBatchContext);
  expect({}).not.toBeInstanceOf(batch.RocketMQBatchContext);
});
