// Tells when a topic has other queues than before (Apache: TopicMessageQueueChangeListener).
import type { Logger, MessageQueue } from '@nest-rocketmq/remoting/internal';
import { describe } from '../../errors.js';
import type { Routes } from '../../routes/routes.js';
import { callBack } from '../../hooks/call-back.js';
import { queueKey } from '../process-queue/process-queue.js';

/** Called with a topic and all its queues. */
export type TopicQueuesListener = (topic: string, queues: readonly MessageQueue[]) => void;

/**
 * Calls back with all queues of the topic after they have changed. Routes are asked for every pollNameServerInterval.
 * @returns ends that
 * @throws NameServerUnreachableError
 */
export async function listenToTopicQueues(
  routes: Routes,
  logger: Logger,
  topic: string,
  listener: TopicQueuesListener,
): Promise<() => void> {
  routes.watch(topic);
  const queues = (): readonly MessageQueue[] => {
    const route = routes.get(topic);
    return route && !route.assumed ? route.readable : [];
  };
  try {
    await routes.resolve(topic);
  } catch (error) {
    routes.unwatch(topic);
    throw error;
  }
  let known = textOf(queues());
  const stop = routes.onChange((changed) => {
    const now = textOf(queues());
    if (changed !== topic || now === known) return;
    known = now;
    callBack(
      () => listener(topic, queues()),
      (error) => logger.warn(`the listener to the queues of topic ${topic} failed: ${describe(error)}`),
    );
  });
  let ended = false;
  return () => {
    if (ended) return;
    ended = true;
    stop();
    routes.unwatch(topic);
  };
}

function textOf(queues: readonly MessageQueue[]): string {
  return queues.map(queueKey).toSorted().join();
}
