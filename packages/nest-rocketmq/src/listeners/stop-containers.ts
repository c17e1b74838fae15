// Stops consumer groups at the same time, each as well as it can.
import type { Logger } from '@nestjs/common';
import type { ListenerEvents } from './listener-events.js';
import type { ListenerContainer } from './listener-container.js';

/**
 * An error in one group does not keep the others from stopping.
 * @param timeout for running listeners, ms
 */
export async function stopContainers(
  containers: readonly ListenerContainer[],
  timeout: number,
  events: Pick<ListenerEvents, 'group'>,
  logger: Pick<Logger, 'error'>,
): Promise<void> {
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
