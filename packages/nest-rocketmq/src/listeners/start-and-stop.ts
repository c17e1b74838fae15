// Starts and stops consumer groups at the same time.
import type { Logger } from '@nestjs/common';
import type { ListenerEvents } from './listener-events.js';
import type { ListenerContainer } from './listener-container.js';

export async function startContainers(
  containers: readonly ListenerContainer[],
  events: Pick<ListenerEvents, 'group'>,
  logger: Pick<Logger, 'log'>,
): Promise<void> {
  await Promise.all(containers.map((container) => container.start()));
  if (containers.length === 0) return;
  for (const { name } of containers) events.group('started', name);
  logger.log(containers.map(({ summary }) => summary).join('; '));
}

/**
 * An error in one group does not keep the others from stopping.
 * @param timeout for running listeners, ms
 */
export async function stopContainers(
  containers: readonly ListenerContainer[],
  timeout: number,
  events: Pick<ListenerEvents, 'group'>,
  logger: Pick<Logger, 'error' | 'log'>,
): Promise<void> {
  const running = containers.filter((container) => container.running > 0);
  if (running.length > 0) {
    const groups = running.map((container) => `${container.running} of group ${container.name}`);
    logger.log(`waiting up to ${timeout} ms for running listeners: ${groups.join(', ')}`);
  }
  await Promise.all(
    containers.map(async (container) => {
      try {
        await container.stop(timeout);
        events.group('stopped', container.name);
      } catch (error) {
        logger.error(`group ${container.name} did not stop cleanly: ${String(error)}`);
      }
    }),
  );
}
