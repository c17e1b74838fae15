// Takes messages from queues for a pop: reads them behind the group's offset, records that they are taken, and moves the offset.
import { isRetryTopic } from '@nest-rocketmq/remoting/internal';
import { isYoung } from '../metadata/young-queue.js';
import type { GetResult, MessageStore } from '../store/store.js';
import type { SubscriptionFilter } from '../filter/subscription-filters.js';
import type { AcknowledgementDeps } from './acknowledgements.js';
import { checkpointMessage } from './checkpoint.js';
import type { Checkpoint } from './checkpoint.js';
import { queueKey } from './in-flight.js';
import { POP_ORDER_REVIVE_QUEUE, PopLists, formatHandle } from './pop-handle.js';
import { recordsOf, underTopic } from './retry-record.js';

export interface PopQueuesDeps extends AcknowledgementDeps {
  store: MessageStore;
  /** As for offsets that a new group asks for. */
  accessMessageInMemoryMaxBytes: number;
  config: { popInflightMessageThreshold: number; maxTransferBytesOnMessageInMemory: number };
}

/** One pop, and what it has taken so far. */
export class Pop {
  readonly lists = new PopLists();
  readonly body: Buffer[] = [];
  count = 0;
  bytes = 0;
  /** Messages of the group that it left. */
  rest = 0;
  /** It passed over messages that its filter does not want, and there are more behind them. */
  unfinished = false;
  /** Queues that another pop was taking messages from. */
  readonly passedOver: { topic: string; queueId: number }[] = [];

  constructor(readonly wanted: WantedMessages) {}
}

/** What a pop asks for. Times in ms, `popTime` since the epoch. */
export interface WantedMessages {
  /** Not the pop retry topic. */
  readonly topic: string;
  readonly group: string;
  readonly most: number;
  readonly popTime: number;
  readonly invisibleTime: number;
  readonly reviveQueueId: number;
  /** A new group begins at the first message; else at the last, unless all are recent. */
  readonly fromFirst: boolean;
  readonly attemptId?: string | undefined;
  readonly filter: SubscriptionFilter;
}

const isOrderly = ({ reviveQueueId }: WantedMessages): boolean => reviveQueueId === POP_ORDER_REVIVE_QUEUE;

export class PopQueues {
  /** Queues that a pop is taking messages from, by `queueKey`; true: another one has passed over it. */
  readonly #taken = new Map<string, boolean>();

  constructor(private readonly deps: PopQueuesDeps) {}

  /** The next offset that the group pops. */
  nextOffset(topic: string, group: string, queueId: number): number {
    const { offsets, store } = this.deps;
    const offset = offsets.query(group, topic, queueId);
    return offset >= 0 ? offset : store.minOffset(topic, queueId);
  }

  /** Messages of the queue that the group has not popped. */
  behind(topic: string, group: string, queueId: number): number {
    return Math.max(0, this.deps.store.maxOffset(topic, queueId) - this.nextOffset(topic, group, queueId));
  }

  /** Takes what the pop may have of this queue. @throws PutError where it cannot be recorded: then nothing is taken */
  async take(pop: Pop, topic: string, queueId: number): Promise<void> {
    const { wanted } = pop;
    const key = queueKey(topic, wanted.group, queueId);
    if (this.#taken.has(key)) {
      this.#taken.set(key, true);
      pop.passedOver.push({ topic, queueId });
      if (!isOrderly(wanted)) pop.rest += this.behind(topic, wanted.group, queueId);
      return;
    }
    if (this.#isFull(pop, topic, queueId)) {
      pop.rest += this.behind(topic, wanted.group, queueId);
      return;
    }
    this.#taken.set(key, false);
    try {
      await this.#take(pop, topic, queueId);
    } finally {
      const passedOver = this.#taken.get(key);
      this.#taken.delete(key);
      if (passedOver && this.behind(topic, wanted.group, queueId) > 0)
        this.deps.polling.wake(topic, wanted.group, queueId);
    }
  }

  /** Whether a queue that the pop passed over is free now, and has messages. */
  isOneFree({ passedOver, wanted }: Pop): boolean {
    return passedOver.some(
      ({ topic, queueId }) =>
        !this.#taken.has(queueKey(topic, wanted.group, queueId)) && this.behind(topic, wanted.group, queueId) > 0,
    );
  }

  #isFull(pop: Pop, topic: string, queueId: number): boolean {
    const { inFlight, config } = this.deps;
    const { most, group } = pop.wanted;
    if (pop.count >= most || pop.bytes >= config.maxTransferBytesOnMessageInMemory) return true;
    return !isOrderly(pop.wanted) && inFlight.count(topic, group, queueId) >= config.popInflightMessageThreshold;
  }

  async #take(pop: Pop, topic: string, queueId: number): Promise<void> {
    const { offsets, orderInfos, clock } = this.deps;
    const { wanted } = pop;
    let start = await this.#startOffset(wanted, topic, queueId);
    if (isOrderly(wanted)) {
      const before = orderInfos.get(topic, wanted.group, queueId);
      if (before?.blockedUntil(clock.now(), wanted.attemptId) !== undefined) return;
    }
    let found = await this.#read(pop, topic, queueId, start);
    if (isWrongOffset(found)) {
      start = found.nextBeginOffset;
      offsets.commit(wanted.group, topic, queueId, start);
      found = await this.#read(pop, topic, queueId, start);
    }
    const left = found.maxOffset - found.nextBeginOffset;
    if (found.count > 0) await this.#hand(pop, topic, queueId, start, found);
    else if (found.nextBeginOffset !== start) {
      offsets.commit(wanted.group, topic, queueId, found.nextBeginOffset);
      pop.unfinished ||= left > 0;
    }
    pop.rest += Math.max(0, left);
  }

  #read(pop: Pop, topic: string, queueId: number, offset: number): GetResult | Promise<GetResult> {
    const { store, config } = this.deps;
    const { most, filter } = pop.wanted;
    const maxBytes = Math.max(1, config.maxTransferBytesOnMessageInMemory - pop.bytes);
    return store.getMessage(topic, queueId, offset, most - pop.count, maxBytes, filter.forPull());
  }

  /** Records what was found as taken, and adds it to the pop. */
  async #hand(pop: Pop, topic: string, queueId: number, start: number, found: GetResult): Promise<void> {
    const { offsets, orderInfos } = this.deps;
    const { wanted } = pop;
    const taken = [...recordsOf(found.body)];
    const taking = taken.map(({ queueOffset }) => queueOffset);
    if (isOrderly(wanted)) {
      const { attemptId, popTime, invisibleTime } = wanted;
      const popped = { attemptId, popTime, invisibleTime, offsets: taking };
      const info = orderInfos.popped(topic, wanted.group, queueId, popped);
      offsets.commit(wanted.group, topic, queueId, start);
      pop.lists.addCounts(topic, queueId, info.counts, info.leastCount);
    } else {
      await this.#record(wanted, topic, queueId, start, taking);
      offsets.commit(wanted.group, topic, queueId, found.nextBeginOffset);
    }
    pop.lists.add(topic, queueId, taking, start);
    pop.count += taken.length;
    const size = taken.reduce((sum, { record }) => sum + record.length, 0);
    pop.bytes += size;
    this.deps.stats.popped(wanted.topic, topic, wanted.group, taken.length, size);
    for (const { record, queueOffset } of taken) {
      pop.body.push(this.#asAsked(wanted, record, topic, queueId, queueOffset, start));
    }
  }

  #asAsked(
    wanted: WantedMessages,
    record: Buffer,
    topic: string,
    queueId: number,
    queueOffset: number,
    startOffset: number,
  ): Buffer {
    if (topic === wanted.topic) return record;
    const handle = { ...wanted, startOffset, brokerName: this.deps.brokerName };
    return underTopic(record, wanted.topic, formatHandle(handle, topic, queueId, queueOffset));
  }

  /** The messages count as taken once this is stored: a broker that is killed then makes them visible again in time. */
  async #record(
    { topic: asked, group, popTime, invisibleTime, reviveQueueId }: WantedMessages,
    topic: string,
    queueId: number,
    startOffset: number,
    taken: readonly number[],
  ): Promise<void> {
    const { messageWriter, inFlight, reviveTopic, storeHost, brokerName, clock, stats } = this.deps;
    stats.checkpoint(asked, group);
    const origin = { topic, group, queueId, startOffset, popTime, brokerName };
    const checkpoint: Checkpoint = { ...origin, invisibleTime, offsets: taken };
    const place = { topic: reviveTopic, queueId: reviveQueueId, host: storeHost, now: clock.now() };
    inFlight.add(checkpoint);
    try {
      await messageWriter.whenStored(messageWriter.put(checkpointMessage(checkpoint, place)));
    } catch (error) {
      inFlight.end(checkpoint);
      throw error;
    }
  }

  async #startOffset({ group, fromFirst }: WantedMessages, topic: string, queueId: number): Promise<number> {
    const { offsets, orderInfos, store } = this.deps;
    const reset = offsets.takeReset(group, topic, queueId);
    if (reset !== undefined) {
      orderInfos.forget(topic, group, queueId);
      offsets.commit(group, topic, queueId, reset);
      return reset;
    }
    const known = offsets.query(group, topic, queueId);
    if (known >= 0) return known;
    const first = await this.#firstOffset(topic, queueId, fromFirst);
    // While the queue was being looked at, somebody may have set an offset.
    const set = offsets.query(group, topic, queueId);
    if (set >= 0) return set;
    if (store.maxOffset(topic, queueId) > 0) offsets.commit(group, topic, queueId, first);
    return first;
  }

  async #firstOffset(topic: string, queueId: number, fromFirst: boolean): Promise<number> {
    const { store, accessMessageInMemoryMaxBytes } = this.deps;
    if (fromFirst || isRetryTopic(topic)) return Math.max(0, store.minOffset(topic, queueId));
    if (await isYoung(store, topic, queueId, accessMessageInMemoryMaxBytes)) return 0;
    return Math.max(0, store.maxOffset(topic, queueId) - 1);
  }
}

function isWrongOffset({ status }: GetResult): boolean {
  return status === 'OFFSET_TOO_SMALL' || status === 'OFFSET_OVERFLOW_BADLY' || status === 'OFFSET_FOUND_NULL';
}
