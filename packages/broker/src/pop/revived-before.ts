// Finds in the log what a killed broker had made visible again and had not saved, so that it is not made so twice.
import { isDLQTopic, isRetryTopic } from '@nest-rocketmq/remoting/internal';
import type { ConsumerOffsets } from '../metadata/offsets.js';
import { REVIVE_QUEUES } from '../metadata/topics.js';
import type { MessageStore } from '../store/store.js';
import { REVIVE_GROUP } from './checkpoint.js';

export class RevivedBefore {
  /** Topic and position of the message in the log, to where it was stored once more. */
  readonly #positions = new Map<string, number[]>();

  /** Reads the log from the first checkpoint on that does not count as dealt with. */
  static async find(store: MessageStore, offsets: ConsumerOffsets, reviveTopic: string): Promise<RevivedBefore> {
    const before = new RevivedBefore();
    if (!store.history.aborted) return before;
    let first = Infinity;
    for (let queueId = 0; queueId < REVIVE_QUEUES; queueId++) {
      const next = Math.max(
        offsets.query(REVIVE_GROUP, reviveTopic, queueId) + 1,
        store.minOffset(reviveTopic, queueId),
      );
      const entry = await store.readConsumeQueue(reviveTopic, queueId, next);
      first = Math.min(first, entry?.physicalOffset ?? Infinity);
    }
    if (first === Infinity) return before;
    await store.history.visit(first, ({ buffer, view, preparedTransactionOffset }) => {
      const topic = buffer.toString('utf8', view.topicAt, view.topicAt + view.topicLength);
      // A dead letter that a client sent back names no message.
      if (isRetryTopic(topic) || (isDLQTopic(topic) && preparedTransactionOffset > 0))
        before.#add(topic, preparedTransactionOffset, view.physicalOffset);
    });
    return before;
  }

  /**
   * Whether the message was stored in that topic once more, behind `position` of the log; tells of each once.
   * @param origin position of the message
   */
  take(topic: string, origin: number, position: number): boolean {
    const positions = this.#positions.get(`${topic}@${origin}`) ?? [];
    const index = positions.findIndex((at) => at > position);
    if (index < 0) return false;
    positions.splice(index, 1);
    return true;
  }

  #add(topic: string, origin: number, position: number): void {
    const key = `${topic}@${origin}`;
    const positions = this.#positions.get(key);
    if (positions) positions.push(position);
    else this.#positions.set(key, [position]);
  }
}
