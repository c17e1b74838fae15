// Calls the listener of a consumer and reads its result.
import { MessageProperty, isRetryTopic, retryTopic } from '@nest-rocketmq/remoting/internal';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import type { ConsumeContext, MessageListener } from '../options/consumer-options.js';
import type { SkippedReplays } from '../../dead-letters/skipped-replays.js';
import { outcomesOf } from './listener-outcomes.js';
import type { Outcomes } from './listener-outcomes.js';
import { Outcome } from '../options/outcome.js';

/** @throws what the listener throws, unless it is an outcome; InvalidListenerResultError */
export async function callListener(
  options: { group: string; listener: MessageListener },
  messages: MessageExt[],
  context: ConsumeContext,
  skipped?: SkippedReplays,
): Promise<Outcomes> {
  // In an async function, so that a listener that throws is the same as one that rejects.
  return startListener(options, messages, context, skipped);
}

/** The same for the hot path: no promise where the listener has returned none. @throws at once what it throws at once */
export function startListener(
  { group, listener }: { group: string; listener: MessageListener },
  messages: MessageExt[],
  context: ConsumeContext,
  skipped?: SkippedReplays,
): Outcomes | Promise<Outcomes> {
  for (const message of messages) restoreTopic(message, group);
  const skipping = skipped?.of(messages);
  return skipping ? callWithout(skipping, listener, messages, context) : call(listener, messages, context);
}

function call(
  listener: MessageListener,
  messages: MessageExt[],
  context: ConsumeContext,
): Outcomes | Promise<Outcomes> {
  let result: unknown;
  try {
    result = listener(messages, context);
  } catch (error) {
    return thrown(error, messages, context);
  }
  if (typeof (result as PromiseLike<unknown> | null | undefined)?.then !== 'function') {
    return outcomesOf(result, messages, context);
  }
  return Promise.resolve(result).then(
    (value) => outcomesOf(value, messages, context),
    (error: unknown) => thrown(error, messages, context),
  );
}

/** @throws the error, unless it is an outcome */
function thrown(error: unknown, messages: readonly MessageExt[], context: ConsumeContext): Outcomes {
  if (Outcome.is(error)) return outcomesOf(error, messages, context);
  throw error;
}

/** Those of a replay that was undone count as consumed. */
async function callWithout(
  skipping: Promise<ReadonlySet<MessageExt>>,
  listener: MessageListener,
  messages: MessageExt[],
  context: ConsumeContext,
): Promise<Outcomes> {
  const undone = await skipping;
  const rest = messages.filter((message) => !undone.has(message));
  const outcomes = rest.length === 0 ? undefined : await call(listener, rest, context);
  if (!outcomes) return undefined;
  const of = new Map(rest.map((message, index) => [message, outcomes[index]!]));
  return messages.map((message) => of.get(message) ?? Outcome.ack);
}

/** A retried message comes from the group's retry topic, and is shown as of the topic that it was sent to. */
function restoreTopic(message: MessageExt, group: string): void {
  if (!isRetryTopic(message.topic) || message.topic !== retryTopic(group)) return;
  message.topic = message.properties.get(MessageProperty.RETRY_TOPIC) ?? message.topic;
}
