// Locks queues at their brokers for a consumer that keeps their order, and renews the locks of those that it has.
import {
  Repeating,
  Requests,
  decodeLockOk,
  encodeLockBatch,
  expectSuccess,
  sleep,
} from '@nest-rocketmq/remoting/internal';
import type { MessageQueue } from '@nest-rocketmq/remoting/internal';
import type { ClientContext } from '../../client-context.js';
import { BrokerNotFoundError, describe } from '../../errors.js';
import { queueKey } from '../process-queue/process-queue.js';
import type { ProcessQueue } from '../process-queue/process-queue.js';

/** How many intervals of renewal a lock counts for: Apache's `lockMaxLiveTime` is 30 s. A broker waits twice as long. */
const LIVES_INTERVALS = 1.5;
/** A broker that could not be asked is asked again after this. ms */
const RENEW_AGAIN_MS = 1_000;
const LOCK_TIMEOUT_MS = 1_000;

export interface QueueLocksParts {
  context: ClientContext;
  group: string;
  /** The queues whose locks are to be renewed. */
  owned: () => ProcessQueue[];
  /** Another consumer may have this queue now. @param lapsed whether its lock has only run out, since the broker does not answer */
  lost: (queue: ProcessQueue, lapsed: boolean) => void;
}

export class QueueLocks {
  readonly #parts: QueueLocksParts;
  /** When the request was sent that the broker has last confirmed, by queue. Monotonic ms. */
  readonly #lockedAt = new Map<string, number>();
  readonly #renewals: Repeating;
  /** Brokers that are asked to renew now. */
  readonly #renewing = new Set<string>();
  /** ms */
  readonly #maxLiveTime: number;
  readonly #stopping = new AbortController();

  constructor(parts: QueueLocksParts) {
    this.#parts = parts;
    const { clock, logger, options } = parts.context;
    const interval = options.rebalanceLockInterval;
    this.#maxLiveTime = interval * LIVES_INTERVALS;
    const name = `renewing the queue locks of ${parts.group}`;
    this.#renewals = new Repeating({ clock, logger, name, interval, run: () => this.#renew() });
  }

  start(): void {
    this.#renewals.start();
  }

  stop(): void {
    this.#stopping.abort();
    this.#renewals.stop();
  }

  /** Whether no other consumer can have the queue at this moment. */
  holds(queue: MessageQueue): boolean {
    const lockedAt = this.#lockedAt.get(queueKey(queue));
    return lockedAt !== undefined && this.#parts.context.clock.monotonic() - lockedAt < this.#maxLiveTime;
  }

  /** When the lock was last confirmed, ms since the epoch; undefined: it is not locked. */
  lockedAt(queue: MessageQueue): number | undefined {
    const lockedAt = this.#lockedAt.get(queueKey(queue));
    const { clock } = this.#parts.context;
    return lockedAt === undefined ? undefined : clock.now() - (clock.monotonic() - lockedAt);
  }

  /** Locks what is free. @returns those that are locked for us. Never rejects. */
  async lock(queues: readonly MessageQueue[]): Promise<MessageQueue[]> {
    const results = await Promise.all(
      [...byBroker(queues)].map(([brokerName, some]) => this.#ask(brokerName, some).catch(this.#failed(brokerName))),
    );
    return results.flatMap((locked) => locked ?? []);
  }

  /** Frees queues for other consumers. Resolves when the brokers have heard of it. Never rejects. */
  async unlock(queues: readonly MessageQueue[]): Promise<void> {
    for (const queue of queues) this.#lockedAt.delete(queueKey(queue));
    const { context, group } = this.#parts;
    await Promise.all(
      [...byBroker(queues)].map(async ([brokerName, mqSet]) => {
        const address = context.routes.brokerAddress(brokerName);
        // Without a master there is nobody who keeps the lock.
        if (!address) return;
        const body = encodeLockBatch({ consumerGroup: group, clientId: context.clientId, mqSet });
        const header = { bname: brokerName };
        const options = { body, timeout: LOCK_TIMEOUT_MS };
        await context.brokers
          .request(address, Requests.UNLOCK_BATCH_MQ, header, options)
          .catch(this.#failed(brokerName));
      }),
    );
  }

  /** The queue is no longer ours, and nobody needs to be told. */
  forget(queue: MessageQueue): void {
    this.#lockedAt.delete(queueKey(queue));
  }

  async #ask(brokerName: string, queues: readonly MessageQueue[]): Promise<MessageQueue[]> {
    const { context, group } = this.#parts;
    const { routes } = context;
    const { topic } = queues[0]!;
    // Until a master that is back is known, nothing of its queues is consumed: the next look at routes may be 30 s away.
    if (!routes.brokerAddress(brokerName)) await routes.resolve(topic);
    const address = routes.brokerAddress(brokerName);
    if (!address) throw new BrokerNotFoundError(brokerName, topic);
    // Before the request: the broker's own time begins later, so that ours ends sooner.
    const askedAt = context.clock.monotonic();
    const body = encodeLockBatch({ consumerGroup: group, clientId: context.clientId, mqSet: queues });
    const reply = await context.brokers.request(
      address,
      Requests.LOCK_BATCH_MQ,
      { bname: brokerName },
      { body, timeout: LOCK_TIMEOUT_MS },
    );
    expectSuccess(reply, address);
    const confirmed = new Set(decodeLockOk(reply.body).map(queueKey));
    for (const queue of queues) {
      if (confirmed.has(queueKey(queue))) this.#lockedAt.set(queueKey(queue), askedAt);
      else this.#lockedAt.delete(queueKey(queue));
    }
    return queues.filter((queue) => confirmed.has(queueKey(queue)));
  }

  /** Each broker apart: one that does not answer must not keep the locks of the others from being renewed. */
  #renew(): void {
    const { context, group, owned } = this.#parts;
    for (const brokerName of new Set(owned().map(({ messageQueue }) => messageQueue.brokerName))) {
      if (this.#renewing.has(brokerName)) continue;
      this.#renewing.add(brokerName);
      this.#renewAt(brokerName)
        .catch((error: unknown) =>
          context.logger.warn(`renewing the queue locks of ${group} at broker ${brokerName}: ${describe(error)}`),
        )
        .finally(() => this.#renewing.delete(brokerName));
    }
  }

  /** Asks until the broker has answered, or none of its queues is ours any more. */
  async #renewAt(brokerName: string): Promise<void> {
    const { owned, lost, context } = this.#parts;
    const here = (): ProcessQueue[] => owned().filter(({ messageQueue }) => messageQueue.brokerName === brokerName);
    // One that was given up while its renewal was under way may be locked again by that.
    const isOwned = (queue: MessageQueue): boolean =>
      here().some(({ messageQueue }) => queueKey(messageQueue) === queueKey(queue));
    while (!this.#stopping.signal.aborted) {
      const due = here();
      const held = due.filter(({ messageQueue }) => this.holds(messageQueue));
      // Past its time a lock may have been another's meanwhile, even if the broker gave it to us now.
      for (const queue of due) if (!held.includes(queue)) lost(queue, true);
      if (held.length === 0) return;
      const queues = held.map(({ messageQueue }) => messageQueue);
      const locked = await this.#ask(brokerName, queues).catch(this.#failed(brokerName));
      if (locked) {
        for (const queue of held) {
          if (!locked.includes(queue.messageQueue)) lost(queue, false);
          else if (!isOwned(queue.messageQueue)) void this.unlock([queue.messageQueue]);
        }
        return;
      }
      await sleep(context.clock, RENEW_AGAIN_MS, this.#stopping.signal);
    }
  }

  #failed(brokerName: string): (error: unknown) => undefined {
    return (error) => {
      const { context, group } = this.#parts;
      if (!context.outages.met(error)) {
        context.logger.warn(`the queue locks of ${group} at broker ${brokerName}: ${describe(error)}`);
      }
    };
  }
}

function byBroker(queues: readonly MessageQueue[]): Map<string, MessageQueue[]> {
  const brokers = new Map<string, MessageQueue[]>();
  for (const queue of queues) {
    const some = brokers.get(queue.brokerName);
    if (some) some.push(queue);
    else brokers.set(queue.brokerName, [queue]);
  }
  return brokers;
}
