// Stores how far a consumer that polls has come: when it says so, and from time to time.
import type { MessageQueue } from '@nest-rocketmq/remoting/internal';
import type { ClientContext } from '../../client-context.js';
import { describe } from '../../errors.js';
import type { QueueOffset } from '../../groups/group-registry.js';
import type { LitePullBuffer } from './lite-pull-buffer.js';
import { CommitFailedError, QueueNotAssignedError } from './lite-pull-errors.js';
import type { LitePullQueue } from './lite-pull-queue.js';
import type { OffsetStore } from '../offsets/offset-store.js';
import { queueKey } from '../process-queue/process-queue.js';

export interface LitePullOffsetsParts {
  context: ClientContext;
  group: string;
  buffer: LitePullBuffer;
  offsets: OffsetStore;
}

interface Commit {
  readonly queue: LitePullQueue;
  readonly offset: number;
}

export class LitePullOffsets {
  readonly #parts: LitePullOffsetsParts;

  constructor(parts: LitePullOffsetsParts) {
    this.#parts = parts;
  }

  /**
   * Stores these offsets, or those of all that was handed out.
   * @throws QueueNotAssignedError, CommitFailedError
   */
  async commit(given?: Iterable<QueueOffset>): Promise<void> {
    const { buffer } = this.#parts;
    // What is stored must not be undone by a later automatic commit.
    if (!given) buffer.settle();
    const wanted = given
      ? Array.from(given, ({ queue, offset }) => ({ queue: this.assigned(queue), offset }))
      : buffer.queues.map((queue) => ({ queue, offset: queue.done }));
    const failed = await this.#store(wanted.filter(isKnown));
    if (failed.length === 0) return;
    throw new CommitFailedError(
      this.#parts.group,
      failed.map(({ queue }) => queue.messageQueue),
      failed.map(({ cause }) => cause),
    );
  }

  /** Stores the offsets of what is consumed. Never rejects: what could not be stored is stored the next time. */
  async commitDone(): Promise<void> {
    const { buffer, context, group } = this.#parts;
    const further = buffer.queues.filter((queue) => queue.done !== queue.committedDone);
    const failed = await this.#store(further.map((queue) => ({ queue, offset: queue.done })).filter(isKnown));
    const own = failed.filter(({ cause }) => !context.outages.met(cause));
    if (own.length === 0) return;
    const queues = own.map(({ queue }) => queue.key).join(', ');
    context.logger.warn(`${group} could not store its offsets of ${queues} for now: ${describe(own[0]!.cause)}`);
  }

  /**
   * Remembers what is consumed of a queue that goes to another consumer: who gives it up stores it. What was committed by
   * hand stands, unless more was consumed since.
   */
  leave(queue: LitePullQueue): void {
    if (queue.done !== undefined && queue.done !== queue.committedDone) this.#remember(queue, queue.done);
  }

  has(queue: MessageQueue): boolean {
    return this.#parts.buffer.get(queueKey(queue)) !== undefined;
  }

  /** @throws QueueNotAssignedError */
  assigned(queue: MessageQueue): LitePullQueue {
    const found = this.#parts.buffer.get(queueKey(queue));
    if (!found) throw new QueueNotAssignedError(this.#parts.group, queue);
    return found;
  }

  #remember({ messageQueue, consumedMessage }: LitePullQueue, offset: number): void {
    const { offsets } = this.#parts;
    offsets.update(messageQueue, offset, consumedMessage);
    // It may be an earlier one than before.
    offsets.reset(messageQueue, offset);
  }

  async #store(commits: readonly Commit[]): Promise<{ queue: LitePullQueue; cause: unknown }[]> {
    const results = await Promise.all(
      commits
        .filter(({ queue, offset }) => queue.committed !== offset)
        .map(async ({ queue, offset }) => {
          const { done } = queue;
          try {
            this.#remember(queue, offset);
            await this.#parts.offsets.commit(queue.messageQueue);
            queue.committed = offset;
            queue.committedDone = done;
            return [];
          } catch (cause) {
            return [{ queue, cause }];
          }
        }),
    );
    return results.flat();
  }
}

function isKnown(commit: { queue: LitePullQueue; offset: number | undefined }): commit is Commit {
  return commit.offset !== undefined;
}
