// Lets guards, interceptors and filters get at the message that they are called for.
import type { ArgumentsHost } from '@nestjs/common';
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import type { Message } from '../decorators/message.js';
import { RocketMQBatchContext } from '../decorators/rocketmq-batch-context.js';
import type { RocketMQContext } from '../decorators/rocketmq-context.js';
import { ROCKETMQ_CONTEXT_TYPE } from '../rocketmq.tokens.js';

/** What `switchToRocketMQ` returns. */
export interface RocketMQArgumentsHost {
  /** The payload before pipes; of a batch listener the list of its messages. */
  getPayload<T = unknown>(): T;
  /** The delivery. Undefined for a batch listener, whose messages each have their own. */
  getContext(): RocketMQContext | undefined;
  /** The call of a batch listener; undefined for a listener of single messages. */
  getBatchContext(): RocketMQBatchContext | undefined;
  /** The messages of a batch listener; empty for a listener of single messages. */
  getMessages<T = unknown>(): readonly Message<T>[];
}

/** Whether a guard, interceptor or filter is called for a message: `host.getType() === 'rocketmq'`. */
export function isRocketMQContext(host: ArgumentsHost): boolean {
  return host.getType<string>() === ROCKETMQ_CONTEXT_TYPE;
}

/**
 * What `host.switchToHttp()` is for HTTP: the payload and the context of the message.
 * @throws InvalidOptionError for a host of another type; ask `isRocketMQContext(host)` first
 */
export function switchToRocketMQ(host: ArgumentsHost): RocketMQArgumentsHost {
  if (!isRocketMQContext(host)) {
    throw new InvalidOptionError(
      'host',
      host.getType<string>(),
      `a host whose getType() is '${ROCKETMQ_CONTEXT_TYPE}'`,
    );
  }
  const [payload, context] = host.getArgs<[unknown, RocketMQContext | RocketMQBatchContext]>();
  const batch = context instanceof RocketMQBatchContext ? context : undefined;
  return {
    getPayload: <T>() => payload as T,
    getContext: () => (context instanceof RocketMQBatchContext ? undefined : context),
    getBatchContext: () => batch,
    getMessages: <T>() => (batch?.messages ?? []) as readonly Message<T>[],
  };
}
