// Finds a consumer group of the app by its name, or says which ones there are.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import type { ListenerContainer } from './listener-container.js';
import type { ListenerGroup } from './listener-groups.js';

/** @throws InvalidOptionError for a group that the app does not have */
export function groupNamed(groups: readonly ListenerGroup[], name: string): ListenerGroup {
  const found = groups.find(({ group }) => group === name);
  if (found) return found;
  const names = groups.map(({ group }) => group).join(', ') || 'none';
  throw new InvalidOptionError('group', name, `a consumer group of this app: ${names}`);
}

/** @param name default: all @throws InvalidOptionError for a group that does not listen */
export function containersOf(
  containers: readonly ListenerContainer[],
  name: string | undefined,
): readonly ListenerContainer[] {
  if (name === undefined) return containers;
  const found = containers.filter((container) => container.name === name);
  if (found.length > 0) return found;
  const running = containers.map((container) => container.name).join(', ') || 'none';
  throw new InvalidOptionError('group', name, `a consumer group that listens in this app: ${running}`);
}
