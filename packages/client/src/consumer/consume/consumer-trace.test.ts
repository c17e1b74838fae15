import { expect, it } from '@jest/globals';
import { ManualClock, UniqueIdMaker, silentLogger } from '@nest-rocketmq/remoting/internal';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import { TraceDispatcher } from '../../trace/trace-dispatcher.js';
import type { ConsumeContext, ListenerResult } from '../options/consumer-options.js';
import { ConsumerTrace } from './consumer-trace.js';
import { Outcome } from '../options/outcome.js';

const message = {
  topic: 't',
  msgId: 'ID',
  reconsumeTimes: 0,
  properties: new Map([['MSG_REGION', 'r']]),
} as unknown as MessageExt;

it.each<[string, ListenerResult, boolean]>([
  ['nothing', undefined, true],
  ['a list with a failure', [Outcome.ack, Outcome.retry], false],
  ['a Map with a failure', new Map([[message, Outcome.retry]]), false],
  ['a Map of acks', new Map([[message, Outcome.ack]]), true],
])('a listener that returns %s is traced for what it says', async (_what, result, success) => {
  const clock = new ManualClock(0);
  const sent: string[] = [];
  const send = (_keys: string[], body: string): Promise<void> => Promise.resolve(void sent.push(body));
  const dispatcher = new TraceDispatcher({ clock, logger: silentLogger, traceTopic: 'TRACE', send });
  const trace = new ConsumerTrace({ dispatcher, group: 'g', ids: new UniqueIdMaker(), consumeTimeout: Infinity });
  await trace.listener(() => result)([message], {} as ConsumeContext);
  await trace.close();
  const [, after] = sent.join('').split('\u0002');
  expect(after!.split('\u0001')[4]).toBe(String(success));
});
