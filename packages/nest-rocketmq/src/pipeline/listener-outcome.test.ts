import { describe, expect, test } from '@jest/globals';
import { InvalidListenerResultError, Outcome } from '@nest-rocketmq/client';
import { Message } from '../decorators/message.js';
import type { RocketMQContext } from '../decorators/rocketmq-context.js';
import { failureSaid, failuresSaid } from './listener-outcome.js';

const MESSAGES = ['a', 'b'].map((payload) => new Message(payload, {} as RocketMQContext));
const [A, B] = MESSAGES as [Message, Message];
const ERROR = new Error('no');

test.each<[string, unknown, unknown]>([
  ['nothing', undefined, undefined],
  ['a row of a database', { id: 1 }, undefined],
  ['an error, which a listener of one message throws', ERROR, undefined],
  ['ack', Outcome.ack, undefined],
  ['retry', Outcome.retry, { error: Outcome.retry }],
])('what a listener of one message returns: %s', (_what, returned, failure) => {
  expect(failureSaid(returned)).toEqual(failure);
});

describe('what a listener of a list returns', () => {
  test.each<[string, unknown, unknown[]]>([
    ['nothing', undefined, [undefined, undefined]],
    ['an outcome for all', Outcome.retry, [{ error: Outcome.retry }, { error: Outcome.retry }]],
    ['errors', [undefined, ERROR], [undefined, { error: ERROR }]],
    ['rows of a database', [{ id: 1 }, { id: 2 }, { id: 3 }], [undefined, undefined]],
    ['as many rows as messages', [{ status: 'paid' }, { status: 'open' }], [undefined, undefined]],
    [
      'settled promises',
      [
        { status: 'rejected', reason: 7 },
        { status: 'fulfilled', value: Outcome.retry },
      ],
      [{ error: 7 }, { error: Outcome.retry }],
    ],
    ['a Map of failures', new Map([[B, ERROR]]), [undefined, { error: ERROR }]],
    ['a Map of its own business', new Map([['x', 1]]), [undefined, undefined]],
  ])('%s', (_what, returned, failures) => {
    expect(failuresSaid(returned, MESSAGES)).toEqual(failures);
  });

  test.each<[string, unknown]>([
    ['too few outcomes', [Outcome.retry]],
    ['too many errors', [ERROR, ERROR, ERROR]],
    ['a failure of something else', new Map<unknown, unknown>([[A.payload, ERROR]])],
  ])('%s is an error: all of the call fail', (_what, returned) => {
    expect(() => failuresSaid(returned, MESSAGES)).toThrow(InvalidListenerResultError);
  });
});
