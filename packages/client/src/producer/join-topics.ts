// Finds a producer's topics at its start, and makes the group known to their brokers.
import type { ClientContext } from '../client-context.js';

/** @throws NameServerUnreachableError */
export async function joinTopics(context: ClientContext, group: string, topics: readonly string[]): Promise<void> {
  const { routes, heartbeat, logger } = context;
  for (const topic of topics) routes.watch(topic);
  // Routes first: they say which brokers there are, and only a broker that knows this group can ask it for
  // transactions that an earlier process left open.
  const found = await Promise.all(topics.map((topic) => routes.resolve(topic)));
  for (const [index, topic] of topics.entries()) {
    if (!found[index]) logger.log(`producer ${group}: topic ${topic} does not exist yet`);
  }
  if (topics.length > 0) await heartbeat.beat();
  else void heartbeat.beat();
}
