// Keeps which client has locked which queue for a group. In memory only: after a restart clients lock again.
import { Repeating, printable } from '@nest-rocketmq/remoting/internal';
import type { Clock, EventLog, Logger, MessageQueue } from '@nest-rocketmq/remoting/internal';

/** A lock that was not renewed for this long is free, ms. */
export const REBALANCE_LOCK_MAX_LIVE_TIME = 60_000;
/** ms between two searches for expired locks: nobody unlocks the queues of a client that is gone. */
export const SWEEP_INTERVAL_MS = 30_000;

interface QueueLock {
  clientId: string;
  /** On the clock's monotonic scale, ms. */
  renewedAt: number;
}

export interface QueueLocksOptions {
  clock: Clock;
  logger: Logger;
  log: EventLog;
  maxTotalQueueLocks: number;
}

const keyOf = (queue: MessageQueue): string => `${queue.topic}@${queue.queueId}`;

export class QueueLocks {
  readonly #options: QueueLocksOptions;
  readonly #groups = new Map<string, Map<string, QueueLock>>();
  readonly #sweep: Repeating;
  #size = 0;

  constructor(options: QueueLocksOptions) {
    this.#options = options;
    this.#sweep = new Repeating({
      ...options,
      name: 'the search for expired queue locks',
      interval: SWEEP_INTERVAL_MS,
      run: () => this.#removeExpired(),
      isNeeded: () => this.#size > 0,
    });
  }

  /** Locks of all groups, the expired ones that are still kept among them. */
  get size(): number {
    return this.#size;
  }

  /**
   * Locks the queues that are free, and renews the client's own. Of queues that nobody has locked yet no more are locked
   * than `maxTotalQueueLocks` allows.
   * @returns those of `queues` that the client holds now
   */
  lock(group: string, clientId: string, queues: readonly MessageQueue[]): MessageQueue[] {
    const { clock, maxTotalQueueLocks, log } = this.#options;
    const now = clock.monotonic();
    const locks = this.#groups.get(group) ?? new Map<string, QueueLock>();
    let tooMany = 0;
    const locked = queues.filter((queue) => {
      const key = keyOf(queue);
      const held = locks.get(key);
      if (held && held.clientId !== clientId && !isExpired(held, now)) return false;
      if (!held && this.#size >= maxTotalQueueLocks) {
        tooMany++;
        return false;
      }
      if (!held) this.#size++;
      locks.set(key, { clientId, renewedAt: now });
      return true;
    });
    if (locks.size > 0) {
      this.#groups.set(group, locks);
      this.#sweep.start();
    }
    if (tooMany > 0) {
      const message = `${tooMany} queues are not locked for client ${printable(clientId)} of group ${printable(group)}`;
      log.say(
        'warn',
        'queue locks refused',
        `${message}: there are maxTotalQueueLocks=${maxTotalQueueLocks} locks. Raise it`,
      );
    }
    return locked;
  }

  /** Unlocks those of `queues` that the client holds. */
  unlock(group: string, clientId: string, queues: readonly MessageQueue[]): void {
    const locks = this.#groups.get(group);
    if (!locks) return;
    for (const queue of queues) {
      const key = keyOf(queue);
      if (locks.get(key)?.clientId === clientId) this.#remove(group, locks, key);
    }
  }

  /** Whether any queue of the group is locked: it consumes in order then, and a failed message is a dead letter at once. */
  isLockedByAnyone(group: string): boolean {
    const now = this.#options.clock.monotonic();
    for (const lock of this.#groups.get(group)?.values() ?? []) if (!isExpired(lock, now)) return true;
    return false;
  }

  /** No search for expired locks begins after this. */
  stop(): void {
    this.#sweep.stop();
  }

  #removeExpired(): void {
    const now = this.#options.clock.monotonic();
    for (const [group, locks] of this.#groups) {
      for (const [key, lock] of locks) if (isExpired(lock, now)) this.#remove(group, locks, key);
    }
  }

  #remove(group: string, locks: Map<string, QueueLock>, key: string): void {
    if (locks.delete(key)) this.#size--;
    if (locks.size === 0) this.#groups.delete(group);
  }
}

function isExpired(lock: QueueLock, now: number): boolean {
  return now - lock.renewedAt > REBALANCE_LOCK_MAX_LIVE_TIME;
}
