// Calls the listener of a consumer and reads its result.
import { MessageProperty, retryTopic } from '@nest-rocketmq/remoting/internal';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import type { ConsumeContext, MessageListener } from './consumer-options.js';
import { outcomesOf } from './listener-outcomes.js';
import type { Outcomes } from './listener-outcomes.js';
import { Outcome } from './outcome.js';

/** @throws what the listener throws, unless it is an outcome; InvalidListenerResultError */
export async function callListener(
  { group, listener }: { group: string; listener: MessageListener },
  messages: MessageExt[],
  context: ConsumeContext,
): Promise<Outcomes> {
  for (const message of messages) restoreTopic(message, group);
  try {
    // In an async function, so that a listener that throws is the same as one that rejects.
    return outcomesOf(await listener(messages, context), messages, context);
  } catch (error) {
    if (Outcome.is(error)) return outcomesOf(error, messages, context);
    throw error;
  }
}

/** A retried message comes from the group's retry topic, and is shown as of the topic that it was sent to. */
function restoreTopic(message: MessageExt, group: string): void {
  const topic = message.properties.get(MessageProperty.RETRY_TOPIC);
  if (topic !== undefined && message.topic === retryTopic(group)) message.topic = topic;
}
