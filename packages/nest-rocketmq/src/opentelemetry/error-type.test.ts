import { expect, it } from '@jest/globals';
import { ResponseError } from '@nest-rocketmq/remoting/internal';
import { MessageTooLargeError, Outcome, SendFailedError, TopicNotFoundError } from '@nest-rocketmq/client';
import { errorType, outcomeError } from './error-type.js';

class OutOfStockError extends Error {}

const busy = new ResponseError(2, 'busy', 'b:1', 'SEND_MESSAGE_V2');
const circle = new Error('a');
circle.cause = circle;

it.each<[string, unknown]>([
  ['SYSTEM_BUSY', busy],
  ['SYSTEM_BUSY', new SendFailedError('t', 1, 1, ['b'], { cause: busy, lastFailure: busy })],
  ['SERVICE_NOT_AVAILABLE', new Error('wrapped', { cause: new ResponseError(14, 'full', 'b:1', 'X') })],
  ['4711', new ResponseError(4711, 'new', 'b:1', 'X')],
  ['TOPIC_NOT_EXIST', new TopicNotFoundError('t', ['n:1'], 'has no route')],
  ['MESSAGE_TOO_LARGE', new MessageTooLargeError('t', 2, 1)],
  ['OutOfStockError', new OutOfStockError('x')],
  ['TypeError', new TypeError('x')],
  ['AbortError', Object.assign(new Error('x'), { name: 'AbortError' })],
  ['Error', circle],
  ['_OTHER', 'a text'],
  ['_OTHER', undefined],
])('error.type is %s', (type, error) => {
  expect(errorType(error)).toBe(type);
});

it.each<[Outcome, string | undefined]>([
  [Outcome.ack, undefined],
  [Outcome.untried, undefined],
  [Outcome.retry, 'retry'],
  [Outcome.toDeadLetter('no'), 'deadLetter'],
  [Outcome.retryLater(5).because(new OutOfStockError('x')), 'OutOfStockError'],
])('of an outcome', (outcome, type) => {
  expect(outcomeError(outcome)?.type).toBe(type);
});
