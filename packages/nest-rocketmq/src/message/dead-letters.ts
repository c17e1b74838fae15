// Names the topic of a group's dead letters.
import { dlqTopic } from '@nest-rocketmq/remoting/internal';
import { checkGroup } from './destination.js';

/**
 * The topic of a group's dead letters, `%DLQ%group`: the messages that it has failed to consume, for the `topic` of a
 * listener in another group. There each counts its deliveries anew.
 * @throws InvalidOptionError
 */
export function deadLetters(group: string): string {
  return dlqTopic(checkGroup('group', group));
}
