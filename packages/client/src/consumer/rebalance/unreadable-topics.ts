// Warns of topics that a group subscribes to and nobody may read.
import type { Logger } from '@nest-rocketmq/remoting/internal';
import type { TopicRoute } from '../../routes/routes.js';

export class UnreadableTopics {
  readonly #warned = new Set<string>();

  constructor(
    private readonly group: string,
    private readonly logger: Logger,
  ) {}

  /** Whether nothing can be consumed from the topic; the first time, the log says so. */
  isUnreadable(topic: string, { readable, data }: Pick<TopicRoute, 'readable' | 'data'>): boolean {
    if (readable.length > 0) return false;
    // Brokers before 4.9.2 make topics of dead letters so.
    if (data.queueDatas.length > 0 && !this.#warned.has(topic)) {
      this.#warned.add(topic);
      this.logger.warn(
        `group ${this.group} gets nothing from topic ${topic}, which nobody may read. To change that: mqadmin ` +
          `updateTopicPerm -c CLUSTER -t ${topic} -p 6`,
      );
    }
    return true;
  }
}
