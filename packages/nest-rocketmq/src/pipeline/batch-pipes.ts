// Runs the payload of each message of a list through a listener's pipes.
import type { PipeTransform } from '@nestjs/common';
import { Outcome } from '@nest-rocketmq/client';
import type { Message } from '../decorators/message.js';
import type { RocketMQBatchContext } from '../decorators/rocketmq-batch-context.js';
import type { PipedParam } from '../decorators/listener-params.js';

/**
 * A message that a pipe refuses has failed by itself.
 * @returns the messages for the listener. Where order is kept, none that comes after one that failed
 */
export async function pipedBatch(
  { metadata }: PipedParam,
  pipes: readonly PipeTransform[],
  context: RocketMQBatchContext,
): Promise<Message[]> {
  const accepted: Message[] = [];
  let stopped = false;
  for (const message of context.messages) {
    if (stopped) {
      message.fail(Outcome.untried);
      continue;
    }
    try {
      for (const pipe of pipes) message.payload = await pipe.transform(message.payload, metadata as never);
      accepted.push(message);
    } catch (error) {
      message.fail(error);
      stopped = context.keepsOrder;
    }
  }
  context.keep(accepted);
  return accepted;
}
