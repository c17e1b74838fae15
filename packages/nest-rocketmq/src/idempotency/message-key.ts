// Chooses the key by which a message is recognised as a duplicate.
import { MessageProperty } from '@nest-rocketmq/remoting/internal';
import type { RocketMQContext } from '../decorators/rocketmq-context.js';

/**
 * A message with this property, set to 'true', is worked on even if its key is done: a replay on purpose. It is compared only
 * with itself, so that it is worked on once, however often it is delivered.
 */
export const REPLAY_PROPERTY = 'replay';

/**
 * The message's business key if it has exactly one, with topic and tag, since 'created' and 'paid' of one order are two events;
 * otherwise UNIQ_KEY, which its producer has given it, and which a second send by the application does not share.
 */
export function defaultKey({ topic, tags, keys, properties }: RocketMQContext): string | undefined {
  const [key] = keys;
  if (key !== undefined && keys.length === 1) return `${topic}:${tags ?? ''}/${key}`;
  // Not `msgId`: without UNIQ_KEY that is where the broker has stored the message, and another place for each redelivery.
  return properties.get(MessageProperty.UNIQ_KEY);
}

/** The key of this delivery: another one for a replay on purpose. */
export function keyForReplay(key: string, { properties, msgId }: RocketMQContext): string {
  return properties.get(REPLAY_PROPERTY) === 'true' ? `${key} replay ${msgId}` : key;
}
