// Calls the listener of a consumer and reads its result.
import { MessageProperty, retryTopic } from '@nest-rocketmq/remoting/internal';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import type { ConsumeContext, MessageListener } from './consumer-options.js';

/** @throws what the listener throws */
export async function callListener(
  { group, listener }: { group: string; listener: MessageListener },
  messages: MessageExt[],
  context: ConsumeContext,
): Promise<'CONSUME_SUCCESS' | 'RECONSUME_LATER'> {
  // In an async function, so that a listener that throws is the same as one that rejects.
  return isFailure(await startListener({ group, listener }, messages, context)) ? 'RECONSUME_LATER' : 'CONSUME_SUCCESS';
}

/** The hot path calls it without a promise of its own. @throws what the listener throws at once */
export function startListener(
  { group, listener }: { group: string; listener: MessageListener },
  messages: MessageExt[],
  context: ConsumeContext,
): ReturnType<MessageListener> {
  for (const message of messages) restoreTopic(message, group);
  return listener(messages, context);
}

/** Whether the listener wants its messages again. */
export function isFailure(result: unknown): boolean {
  return result === 'RECONSUME_LATER' || result === 'SUSPEND_CURRENT_QUEUE_A_MOMENT';
}

export function isThenable(result: unknown): result is PromiseLike<unknown> {
  return typeof (result as { then?: unknown } | null | undefined)?.then === 'function';
}

/** A retried message comes from the group's retry topic, and is shown as of the topic that it was sent to. */
function restoreTopic(message: MessageExt, group: string): void {
  const topic = message.properties.get(MessageProperty.RETRY_TOPIC);
  if (topic !== undefined && message.topic === retryTopic(group)) message.topic = topic;
}
