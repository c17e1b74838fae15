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
  for (const message of messages) restoreTopic(message, group);
  // In an async function, so that a listener that throws is the same as one that rejects.
  const result = await listener(messages, context);
  const failed = result === 'RECONSUME_LATER' || result === 'SUSPEND_CURRENT_QUEUE_A_MOMENT';
  return failed ? 'RECONSUME_LATER' : 'CONSUME_SUCCESS';
}

/** A retried message comes from the group's retry topic, and is shown as of the topic that it was sent to. */
function restoreTopic(message: MessageExt, group: string): void {
  const topic = message.properties.get(MessageProperty.RETRY_TOPIC);
  if (topic !== undefined && message.topic === retryTopic(group)) message.topic = topic;
}
