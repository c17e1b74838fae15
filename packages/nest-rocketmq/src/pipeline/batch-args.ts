// Makes the arguments of a batch listener: of each message the payload, its fields and its headers go through their pipes.
import type { ExecutionContext, PipeTransform } from '@nestjs/common';
import { Outcome } from '@nest-rocketmq/client';
import type { Message } from '../decorators/message.js';
import type { RocketMQBatchContext } from '../decorators/rocketmq-batch-context.js';
import { isWholePayload } from '../decorators/listener-params.js';
import type { PipedParam } from '../decorators/listener-params.js';
import { isRefusal, toValidationError } from './invalid-payload.js';

/** A parameter, with its pipes for this call. */
export interface BatchParam {
  readonly param: PipedParam;
  readonly pipes: readonly PipeTransform[];
}

/** Whether each message of a list has a value of its own for it. A custom decorator's value is one for the whole call. */
export function isPerMessage({ metadata, ofMessage }: PipedParam): boolean {
  return metadata.type === 'body' || ofMessage !== undefined;
}

/**
 * A message that a pipe refuses has failed by itself.
 * @param args receives for each parameter a list with a value for each message that is left; the whole payload's, the messages
 * @returns how many are left for the listener. Where order is kept, none that comes after one that failed
 */
export async function addBatchArgs(
  args: unknown[],
  params: readonly BatchParam[],
  context: RocketMQBatchContext,
  execution: ExecutionContext,
): Promise<number> {
  const accepted: Message[] = [];
  const values = params.map((): unknown[] => []);
  let stopped = false;
  for (const message of context.messages) {
    if (stopped) {
      message.fail(Outcome.untried);
      continue;
    }
    try {
      const own = await valuesOf(message, params, execution);
      for (const [at, value] of own.entries()) values[at]!.push(value);
      accepted.push(message);
    } catch (error) {
      message.fail(isRefusal(error) ? toValidationError(error) : error);
      stopped = context.keepsOrder;
    }
  }
  context.keep(accepted);
  for (const [at, { param }] of params.entries()) args[param.index] = values[at];
  return accepted.length;
}

async function valuesOf(
  message: Message,
  params: readonly BatchParam[],
  execution: ExecutionContext,
): Promise<unknown[]> {
  // Fields are those of the payload as it came, as for a listener of single messages.
  const given = message.payload;
  const values: unknown[] = [];
  for (const { param, pipes } of params) {
    const { metadata, ofMessage } = param;
    let value: unknown = ofMessage ? ofMessage(message.context) : await param.value(given, execution);
    for (const pipe of pipes) value = await pipe.transform(value, metadata as never);
    const isWhole = isWholePayload(param);
    if (isWhole) message.payload = value;
    values.push(isWhole ? message : value);
  }
  return values;
}
