// Chooses the broker that a queue is pulled from: the one that the last answer suggested, else the master, else a replica.
import { MASTER_ID, ResponseCode } from '@nest-rocketmq/remoting/internal';
import type { MessageQueue } from '@nest-rocketmq/remoting/internal';
import { BrokerNotFoundError } from '../../errors.js';
import type { Routes } from '../../routes/routes.js';

/**
 * A replica that has less than its master had answers "retry immediately" for as long as the master is away. Without a pause,
 * as in Java's clients, that is thousands of requests a second. ms
 */
const ASK_REPLICA_AGAIN_MS = 1_000;

interface PullAnswer {
  readonly code: number;
  readonly header: { readonly nextBeginOffset?: number; readonly suggestWhichBrokerId?: number };
}

export class PullSource {
  readonly #routes: Routes;
  readonly #queue: MessageQueue;
  #brokerId = MASTER_ID;
  /** The broker of the last pull. */
  #asked: string | undefined;

  constructor(routes: Routes, queue: MessageQueue) {
    this.#routes = routes;
    this.#queue = queue;
  }

  /** The broker of the next pull. @throws BrokerNotFoundError */
  next(): string {
    const address = this.#suggested;
    if (address === undefined) throw new BrokerNotFoundError(this.#queue.brokerName, this.#queue.topic);
    this.#asked = address;
    return address;
  }

  /** @param offset of the pull. @returns ms to wait before the next one */
  answered({ code, header }: PullAnswer, offset: number): number {
    this.#brokerId = header.suggestWhichBrokerId ?? MASTER_ID;
    const isStuck = code === ResponseCode.PULL_RETRY_IMMEDIATELY && (header.nextBeginOffset ?? offset) === offset;
    return isStuck && this.#suggested === this.#asked ? ASK_REPLICA_AGAIN_MS : 0;
  }

  /** The broker did not answer. The master is asked next: nobody would suggest it in place of a replica that is gone. */
  failed(): void {
    this.#brokerId = MASTER_ID;
  }

  get #suggested(): string | undefined {
    return this.#routes.anyBrokerAddress(this.#queue.brokerName, this.#brokerId);
  }
}
