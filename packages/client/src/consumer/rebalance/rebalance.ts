// Decides which queues are this consumer's: drops those that it lost, and begins those that it got.
import { isRetryTopic, CONFIG_STRATEGY, allocateAveragely, compareQueues } from '@nest-rocketmq/remoting/internal';
import type { MessageQueue } from '@nest-rocketmq/remoting/internal';
import { describe } from '../../errors.js';
import { GroupMembers } from './group-members.js';
import { Handovers } from './handovers.js';
import { callBack } from '../../hooks/call-back.js';
import { Throttle } from '../../time/throttle.js';
import { ProcessQueue, queueKey } from '../process-queue/process-queue.js';
import { QueueCalls } from '../process-queue/queue-calls.js';
import type { Division, RebalanceParts } from './rebalance-parts.js';
import type { QueueLocks } from './queue-locks.js';
import { UnreadableTopics } from './unreadable-topics.js';

/** Apache's minInterval. ms */
const MIN_INTERVAL_MS = 1_000;
/** At a start, consumers and their notifications come thick and fast; so many rounds may follow each other at once. */
const BURST = 5;

export class Rebalance {
  readonly #parts: RebalanceParts;
  readonly #owned = new Map<string, ProcessQueue>();
  readonly #calls = new QueueCalls();
  /** Dropped to be begun again, and locked still. */
  readonly #beginningAgain = new Map<string, MessageQueue>();
  readonly #handovers: Handovers;
  readonly #members: GroupMembers;
  /** How far queues were consumed whose locks have lapsed. Their brokers may come back with an older offset. */
  readonly #consumedTo = new Map<string, number>();
  /** Queues that are being left, and are ours again. */
  readonly #wanted = new Set<string>();
  readonly #throttle: Throttle;
  readonly #unreadable: UnreadableTopics;
  #stopped = false;

  constructor(parts: RebalanceParts) {
    this.#parts = parts;
    this.#handovers = new Handovers(parts.context.clock);
    this.#members = new GroupMembers(parts.context, parts.group);
    this.#unreadable = new UnreadableTopics(parts.group, parts.context.logger);
    this.#throttle = new Throttle({
      clock: parts.context.clock,
      logger: parts.context.logger,
      name: `rebalance of ${parts.group}`,
      interval: parts.context.options.rebalanceInterval,
      spacing: MIN_INTERVAL_MS,
      burst: BURST,
      run: () => this.#round(),
    });
  }

  get owned(): ProcessQueue[] {
    return [...this.#owned.values()];
  }

  /** How many queues are ours. */
  get count(): number {
    return this.#owned.size;
  }

  /** Resolves after the first round. */
  start(): Promise<void> {
    return this.#throttle.start();
  }

  /** Consumers or queues may have changed. */
  request(): void {
    this.#throttle.request();
  }

  /** What is subscribed to has changed. Resolves when the queues are those of the topics, as far as brokers can be asked. */
  refresh(): Promise<void> {
    return this.#throttle.runNow();
  }

  /** Takes and drops no more queues. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#handovers.stop();
    await this.#throttle.stop();
  }

  /** Gives a queue up; another round may take it again. */
  drop(queue: ProcessQueue): void {
    const key = queueKey(queue.messageQueue);
    if (this.#owned.get(key) === queue) this.#owned.delete(key);
    queue.drop();
    this.#calls.forget(key);
  }

  /** Drops a queue that the next round is to begin again, or to unlock, if it is another consumer's by then. */
  dropToBeginAgain(queue: ProcessQueue): void {
    this.drop(queue);
    if (this.#parts.locks) this.#beginningAgain.set(queueKey(queue.messageQueue), queue.messageQueue);
  }

  /**
   * Another consumer may have this queue: what is here of it is forgotten, and nothing of it is stored.
   * @param lapsed whether its lock has only run out, since the broker does not answer: once it is ours again, it goes on where it was
   */
  lost(queue: ProcessQueue, lapsed: boolean): void {
    const { offsets, locks } = this.#parts;
    if (queue.dropped) return;
    this.drop(queue);
    const consumedTo = lapsed ? offsets.current(queue.messageQueue) : undefined;
    if (consumedTo !== undefined) this.#consumedTo.set(queueKey(queue.messageQueue), consumedTo);
    offsets.forget(queue.messageQueue);
    locks?.forget(queue.messageQueue);
    this.request();
  }

  /** The group is to go on elsewhere in a queue that is not ours at this moment. */
  forgetPlace(queue: MessageQueue): void {
    this.#consumedTo.delete(queueKey(queue));
  }

  /** One round over all topics. False: not all is as it should be, try again soon. */
  async #round(): Promise<boolean> {
    const topics = this.#parts.topics();
    const left = new Set(
      [...this.owned.map(({ messageQueue }) => messageQueue), ...this.#beginningAgain.values()]
        .map(({ topic }) => topic)
        .filter((one) => !topics.includes(one)),
    );
    await Promise.all([...left].map((topic) => this.#take(topic, { all: [], mine: [] })));
    const results = await Promise.all(topics.map((topic) => this.#rebalanceTopic(topic)));
    return results.every((balanced, index) => balanced || isRetryTopic(topics[index]!));
  }

  async #rebalanceTopic(topic: string): Promise<boolean> {
    const { context, messageModel, strategy, group } = this.#parts;
    const route = context.routes.get(topic);
    // A topic that does not exist yet is watched by routes, whose change asks for another round.
    if (!route || route.assumed || this.#unreadable.isUnreadable(topic, route)) return true;
    try {
      const queues = route.readable.toSorted(compareQueues);
      if (messageModel === 'BROADCASTING') return await this.#take(topic, { all: queues, mine: queues });
      const { clientIds, address } = await this.#members.of(topic, queues);
      if (address !== undefined) void this.#parts.membersSeen(address, clientIds);
      // The broker that was asked has not heard of us yet: dropping all queues for that would be wrong.
      if (!clientIds.includes(context.clientId)) {
        await context.heartbeat.beat();
        return false;
      }
      // The list of CONFIG_STRATEGY has no retry topics: without this, nobody would consume them.
      const divide = strategy.name === CONFIG_STRATEGY && isRetryTopic(topic) ? allocateAveragely : strategy;
      const keys = new Set(divide.allocate(group, context.clientId, queues, clientIds).map(queueKey));
      const mine = queues.filter((queue) => keys.has(queueKey(queue)));
      const shared = this.#parts.takesOver === true && clientIds.length > 1;
      return await this.#take(topic, { all: queues, mine, shared });
    } catch (error) {
      if (!context.outages.met(error)) context.logger.warn(`rebalance of ${group} for ${topic}: ${describe(error)}`);
      return false;
    }
  }

  async #take(topic: string, { all, mine, shared = false }: Division): Promise<boolean> {
    if (this.#stopped) return true;
    const keys = new Set(mine.map(queueKey));
    const lost = this.owned.filter(
      ({ messageQueue, closing }) => messageQueue.topic === topic && !closing && !keys.has(queueKey(messageQueue)),
    );
    const { context, group } = this.#parts;
    this.#handovers.cancel(topic, keys);
    for (const key of this.#consumedTo.keys())
      if (key.startsWith(`${topic}@`) && !keys.has(key)) this.#consumedTo.delete(key);
    // These are ours again, and begin anew as soon as they have been left.
    for (const { closing, messageQueue } of this.owned) {
      if (closing && keys.has(queueKey(messageQueue))) this.#wanted.add(queueKey(messageQueue));
    }
    await this.#giveUp(lost);
    await this.#unlockOthers(topic, keys);
    const gained = mine.filter((queue) => !this.#owned.has(queueKey(queue)) && !this.#handovers.has(queue));
    const begun = await this.#beginAll(gained, shared);
    const got = begun.filter(Boolean).length;
    if (lost.length + got > 0) {
      context.logger.log(`${group} has ${mine.length} queues of ${topic} (${lost.length} less, ${got} more)`);
    }
    if (lost.length + got > 0) this.#tell(topic, all, mine);
    return begun.every(Boolean);
  }

  #tell(topic: string, all: readonly MessageQueue[], mine: readonly MessageQueue[]): void {
    const { context, group, divided } = this.#parts;
    if (!divided) return;
    callBack(
      () => divided(topic, all, mine),
      (error) => context.logger.warn(`the messageQueueListener of ${group} failed for ${topic}: ${describe(error)}`),
    );
  }

  /** @param keys of the topic's queues that are ours */
  async #unlockOthers(topic: string, keys: ReadonlySet<string>): Promise<void> {
    const unlocked: MessageQueue[] = [];
    for (const [key, queue] of this.#beginningAgain) {
      if (queue.topic !== topic) continue;
      // A call of before is under way still: a later round unlocks it.
      if (!keys.has(key) && this.#calls.of(key).count > 0) continue;
      this.#beginningAgain.delete(key);
      if (!keys.has(key)) unlocked.push(queue);
    }
    if (unlocked.length > 0) await this.#parts.locks?.unlock(unlocked);
  }

  async #giveUp(lost: readonly ProcessQueue[]): Promise<void> {
    const { offsets, locks } = this.#parts;
    // Other queues need not wait for the listener calls that are under way in these.
    if (locks) return lost.forEach((queue) => void this.#release(queue, locks));
    for (const queue of lost) void this.#leave(queue);
    await offsets.persist(lost.map((queue) => queue.messageQueue));
  }

  /** Without locks nothing keeps the next consumer from beginning: what is under way has only so long to be counted. */
  async #leave(queue: ProcessQueue): Promise<void> {
    const { offsets } = this.#parts;
    await this.#handovers.whenClosed(queue, this.#parts.leaving?.(queue));
    // Dropped for another reason, and begun anew perhaps.
    if (queue.dropped) return;
    this.drop(queue);
    await offsets.persist([queue.messageQueue]);
    offsets.forget(queue.messageQueue);
    if (this.#wanted.delete(queueKey(queue.messageQueue))) this.request();
  }

  /**
   * Apache's consumers unlock a queue after 20 s even while their listener is at work in it. Here it stays ours until the
   * listener has ended: the next consumer begins behind what it has done.
   */
  async #release(queue: ProcessQueue, locks: QueueLocks): Promise<void> {
    await queue.close();
    if (queue.dropped) return;
    // Who has it now has stored an offset further on.
    if (!locks.holds(queue.messageQueue)) return this.lost(queue, false);
    const { offsets } = this.#parts;
    await offsets.persist([queue.messageQueue], true);
    this.drop(queue);
    offsets.forget(queue.messageQueue);
    await locks.unlock([queue.messageQueue]);
    // It may be ours again by now.
    this.request();
  }

  async #beginAll(queues: readonly MessageQueue[], shared: boolean): Promise<boolean[]> {
    const { locks } = this.#parts;
    if (shared && !locks) {
      for (const queue of queues) void this.#takeOver(queue);
      return queues.map(() => true);
    }
    const locked = locks ? await locks.lock(queues) : queues;
    return Promise.all(queues.map(async (queue) => locked.includes(queue) && this.#begin(queue)));
  }

  /** The round does not wait for it: another change may come meanwhile. */
  async #takeOver(queue: MessageQueue): Promise<void> {
    let begun = true;
    await this.#handovers.takeOver(queue, async (signal) => {
      begun = await this.#begin(queue, signal);
    });
    if (!begun) this.request();
  }

  /** @param given aborts when the queue is not ours any more */
  async #begin(messageQueue: MessageQueue, given?: AbortSignal): Promise<boolean> {
    const { offsets, begin, context, group, locks } = this.#parts;
    offsets.forget(messageQueue);
    try {
      const key = queueKey(messageQueue);
      const offset = await this.#beginAt(messageQueue);
      if (this.#stopped || given?.aborted || !this.#parts.topics().includes(messageQueue.topic)) {
        await locks?.unlock([messageQueue]);
        return true;
      }
      // Kept from here on: should we end before the first message, what is sent until we are back is not skipped.
      offsets.update(messageQueue, offset);
      const queue = new ProcessQueue(messageQueue, this.#calls);
      this.#owned.set(key, queue);
      this.#consumedTo.delete(key);
      begin(queue, offset);
      return true;
    } catch (error) {
      if (!context.outages.met(error)) {
        context.logger.warn(`${group} cannot begin ${queueKey(messageQueue)} yet: ${describe(error)}`);
      }
      await locks?.unlock([messageQueue]);
      return false;
    }
  }

  /** Behind what was consumed before the lock lapsed, unless the broker has no offset any more: its store is another one. */
  async #beginAt(queue: MessageQueue): Promise<number> {
    const start = await this.#parts.startOffset(queue);
    const consumedTo = this.#consumedTo.get(queueKey(queue));
    if (consumedTo === undefined || (await this.#parts.offsets.read(queue)) === undefined) return start;
    return Math.max(start, consumedTo);
  }
}
