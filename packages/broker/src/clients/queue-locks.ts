// Keeps which client has locked which queue for a group. In memory only: after a restart clients lock again.
import type { Clock, MessageQueue } from '@nest-rocketmq/remoting/internal';

/** A lock that was not renewed for this long is free, ms. */
export const REBALANCE_LOCK_MAX_LIVE_TIME = 60_000;

interface QueueLock {
  clientId: string;
  /** On the clock's monotonic scale, ms. */
  renewedAt: number;
}

const keyOf = (queue: MessageQueue): string => `${queue.topic}@${queue.queueId}`;

export class QueueLocks {
  readonly #groups = new Map<string, Map<string, QueueLock>>();

  constructor(private readonly clock: Clock) {}

  /** Locks the queues that are free, and renews the client's own. @returns those of `queues` that the client holds now */
  lock(group: string, clientId: string, queues: readonly MessageQueue[]): MessageQueue[] {
    if (queues.length === 0) return [];
    let locks = this.#groups.get(group);
    if (!locks) this.#groups.set(group, (locks = new Map()));
    const now = this.clock.monotonic();
    return queues.filter((queue) => {
      const key = keyOf(queue);
      const held = locks.get(key);
      if (held && held.clientId !== clientId && !this.#expired(held, now)) return false;
      locks.set(key, { clientId, renewedAt: now });
      return true;
    });
  }

  /** Unlocks those of `queues` that the client holds. */
  unlock(group: string, clientId: string, queues: readonly MessageQueue[]): void {
    const locks = this.#groups.get(group);
    if (!locks) return;
    for (const queue of queues) {
      const key = keyOf(queue);
      if (locks.get(key)?.clientId === clientId) locks.delete(key);
    }
    if (locks.size === 0) this.#groups.delete(group);
  }

  /** Whether any queue of the group is locked: it consumes in order then, and a failed message is a dead letter at once. */
  isLockedByAnyone(group: string): boolean {
    const now = this.clock.monotonic();
    for (const lock of this.#groups.get(group)?.values() ?? []) if (!this.#expired(lock, now)) return true;
    return false;
  }

  #expired(lock: QueueLock, now: number): boolean {
    return now - lock.renewedAt > REBALANCE_LOCK_MAX_LIVE_TIME;
  }
}
