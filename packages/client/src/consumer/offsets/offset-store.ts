// Keeps the offsets of a clustering group in memory, and stores them at the brokers.
import { Requests, ResponseCode, expectSuccess, isRetryTopic } from '@nest-rocketmq/remoting/internal';
import type { Logger, MessageQueue } from '@nest-rocketmq/remoting/internal';
import { answeredField } from '../../routes/answered-field.js';
import type { Brokers } from '../../routes/brokers.js';
import { BrokerNotFoundError, describe } from '../../errors.js';
import type { Outages } from '../../outages.js';
import type { Routes } from '../../routes/routes.js';
import { queueKey } from '../process-queue/process-queue.js';

/** A message by which a store can be recognized. */
export interface ConsumedMessage {
  readonly queueOffset: number;
  readonly physicalOffset: number;
  /** ms since the epoch */
  readonly storeTimestamp: number;
}

export interface OffsetStore {
  load(): Promise<void>;
  /** The stored offset; undefined when there is none. @throws when it cannot be read */
  read(queue: MessageQueue): Promise<number | undefined>;
  /** Remembers up to where the queue is consumed; never goes back. @param done a consumed message of the queue */
  update(queue: MessageQueue, offset: number, done?: ConsumedMessage): void;
  /** Remembers this offset, even if it is smaller. */
  reset(queue: MessageQueue, offset: number): void;
  /** The remembered offset. */
  current(queue: MessageQueue): number | undefined;
  /** Stores the offsets of these queues. Waits for confirmation when asked to; never rejects. */
  persist(queues: Iterable<MessageQueue>, confirmed?: boolean): Promise<void>;
  /** Stores the remembered offset of this queue, and waits until it is stored. @throws when it cannot be */
  commit(queue: MessageQueue): Promise<void>;
  forget(queue: MessageQueue): void;
  /** For offsets kept on this machine: a message that tells whether they belong to the broker's store. */
  consumedMessage?(queue: MessageQueue): ConsumedMessage | undefined;
  /** For the same: drops this offset, since it belongs to another store. */
  discard?(queue: MessageQueue): void;
  /** Releases the store. Never rejects. */
  close(): Promise<void>;
}

/** The offsets in memory, which all offset stores have. */
export class OffsetTable {
  readonly #offsets = new Map<string, number>();
  /** Made once for each object, not for each message of its queue. */
  readonly #keys = new WeakMap<MessageQueue, string>();

  update(queue: MessageQueue, offset: number): void {
    const key = this.#key(queue);
    if (offset > (this.#offsets.get(key) ?? -1)) this.#offsets.set(key, offset);
  }

  reset(queue: MessageQueue, offset: number): void {
    this.#offsets.set(this.#key(queue), offset);
  }

  current(queue: MessageQueue): number | undefined {
    return this.#offsets.get(this.#key(queue));
  }

  forget(queue: MessageQueue): void {
    this.#offsets.delete(this.#key(queue));
  }

  #key(queue: MessageQueue): string {
    let key = this.#keys.get(queue);
    if (key === undefined) this.#keys.set(queue, (key = queueKey(queue)));
    return key;
  }
}

const OFFSET_TIMEOUT_MS = 5_000;

export interface BrokerOffsetStoreParts {
  group: string;
  /** The group begins at a time where it has no offset. */
  byTime?: boolean;
  routes: Routes;
  brokers: Brokers;
  logger: Logger;
  outages: Outages;
}

export class BrokerOffsetStore extends OffsetTable implements OffsetStore {
  readonly #parts: BrokerOffsetStoreParts;
  /** Brokers that could not be reached, so that an outage is one line in the log. */
  readonly #failing = new Set<string>();

  constructor(parts: BrokerOffsetStoreParts) {
    super();
    this.#parts = parts;
  }

  async load(): Promise<void> {}

  async close(): Promise<void> {}

  async read(queue: MessageQueue): Promise<number | undefined> {
    const { brokers, routes, group, byTime } = this.#parts;
    // The offsets of a replica are up to a minute old: it is asked only where a fresh route has no master either.
    if (!routes.brokerAddress(queue.brokerName)) await routes.resolve(queue.topic);
    const address = this.#addressOf(queue);
    const { topic, queueId } = queue;
    // A broker says 0 for a new group whose topic has all its messages still. A time that was asked for goes before that.
    const exact = byTime === true && !isRetryTopic(topic);
    const reply = await brokers.request(
      address,
      Requests.QUERY_CONSUMER_OFFSET,
      { consumerGroup: group, topic, queueId, ...(exact && { setZeroIfNotFound: false }), bname: queue.brokerName },
      { timeout: OFFSET_TIMEOUT_MS },
    );
    if (reply.code === ResponseCode.QUERY_NOT_FOUND) return undefined;
    const offset = answeredField(reply, 'offset', address);
    return offset >= 0 ? offset : undefined;
  }

  async persist(queues: Iterable<MessageQueue>, confirmed = false): Promise<void> {
    await Promise.all([...queues].map((queue) => this.#persistOne(queue, confirmed)));
  }

  async commit(queue: MessageQueue): Promise<void> {
    const offset = this.current(queue);
    if (offset !== undefined) await this.#send(queue, offset, true);
  }

  async #persistOne(queue: MessageQueue, confirmed: boolean): Promise<void> {
    const offset = this.current(queue);
    if (offset === undefined) return;
    const { group, logger, outages } = this.#parts;
    const { brokerName } = queue;
    try {
      await this.#send(queue, offset, confirmed);
      this.#failing.delete(brokerName);
    } catch (error) {
      if (!outages.met(error) && !this.#failing.has(brokerName)) {
        logger.warn(`offsets of ${group} cannot be stored at broker ${brokerName} for now: ${describe(error)}`);
      }
      this.#failing.add(brokerName);
    }
  }

  async #send(queue: MessageQueue, commitOffset: number, confirmed: boolean): Promise<void> {
    const { brokers, group } = this.#parts;
    const { topic, queueId, brokerName: bname } = queue;
    const header = { consumerGroup: group, topic, queueId, commitOffset, bname };
    const address = this.#addressOf(queue);
    if (confirmed) {
      const options = { timeout: OFFSET_TIMEOUT_MS };
      expectSuccess(await brokers.request(address, Requests.UPDATE_CONSUMER_OFFSET, header, options), address);
    } else await brokers.oneway(address, Requests.UPDATE_CONSUMER_OFFSET, header);
  }

  #addressOf(queue: MessageQueue): string {
    const address = this.#parts.routes.anyBrokerAddress(queue.brokerName);
    if (!address) throw new BrokerNotFoundError(queue.brokerName, queue.topic);
    return address;
  }
}

/** Keeps offsets for as long as the consumer lives. */
export class MemoryOffsetStore extends OffsetTable implements OffsetStore {
  async load(): Promise<void> {}

  async close(): Promise<void> {}

  async persist(): Promise<void> {}

  async commit(): Promise<void> {}

  read(queue: MessageQueue): Promise<number | undefined> {
    return Promise.resolve(this.current(queue));
  }
}
