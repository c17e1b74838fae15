// Tests at compile time what a user's compiler accepts, and what it refuses. It never runs.
import type { INestApplicationContext } from '@nestjs/common';
import { RocketMQContext, RocketMQListeners, RocketMQTemplate, SendFailedError, StoreError } from 'nest-rocketmq';
import type { Clock, Dial, Logger, MessageExt, MessageQueue, SendResult } from 'nest-rocketmq';

declare const app: INestApplicationContext;
declare const message: MessageExt;

// Classes that the module constructs are tokens only.
// @ts-expect-error: Nest constructs it
new RocketMQTemplate();
// @ts-expect-error: Nest constructs it
new RocketMQListeners();
// @ts-expect-error: the module constructs it
new RocketMQContext(message, 'group', new AbortController().signal);

const template = app.get(RocketMQTemplate);
// @ts-expect-error: the token gives its own type, not `any`
template.noSuchMethod();
export const provider = { provide: RocketMQTemplate, useValue: { send: () => Promise.resolve() } };

/** A unit test of a listener makes its own context. */
export const context: RocketMQContext = {
  message,
  group: 'group',
  signal: new AbortController().signal,
  topic: 'order',
  tags: undefined,
  keys: [],
  msgId: 'id',
  reconsumeTimes: 0,
  properties: new Map(),
  queueId: 0,
  queueOffset: 0,
  bornTimestamp: 0,
  isRequest: false,
  storeTimestamp: 0,
};

export function remedyOf(error: unknown): string {
  if (error instanceof SendFailedError) return `${error.reason} after ${error.elapsed} ms`;
  return error instanceof StoreError ? error.code : 'unknown';
}

export const queueOf = ({ messageQueue }: SendResult): MessageQueue => messageQueue;
export type Seams = [Clock, Dial, Logger];
