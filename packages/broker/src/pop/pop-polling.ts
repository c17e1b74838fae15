// Holds pops that found no message until one arrives for them or their time is over, and wakes them one for one.
import { popRetryTopic } from '@nest-rocketmq/remoting/internal';
import type { Clock, TimerHandle } from '@nest-rocketmq/remoting/internal';

/** In place of a queue's number: whichever queue of the topic has messages. */
export const ANY_QUEUE = -1;

export interface HeldPop {
  readonly topic: string;
  readonly group: string;
  /** or ANY_QUEUE */
  readonly queueId: number;
  /** Its connection: the pop is forgotten when this closes. */
  readonly connection: object;
  /** Whether a message may be for it, by the hash code of its tags. */
  matches(tagsCode: number): boolean;
  /** Pops again. @param over whether its time is over */
  wake(over: boolean): void;
}

export interface PollingLimits {
  /** Most of one group and queue. */
  readonly popPollingSize: number;
  readonly maxPopPollingSize: number;
}

interface Entry {
  readonly pop: HeldPop;
  readonly waiting: Waiting;
  timer?: TimerHandle;
}

/** The pops that are held of one topic and group. */
interface Waiting {
  readonly topic: string;
  readonly group: string;
  /** Queue id to the pops, the oldest first. */
  readonly queues: Map<number, Set<Entry>>;
}

export class PopPolling {
  /** Topic, or pop retry topic, then group. */
  readonly #waiting = new Map<string, Map<string, Waiting>>();
  readonly #ofConnection = new Map<object, Set<Entry>>();
  #size = 0;

  constructor(
    private readonly clock: Clock,
    private readonly limits: PollingLimits,
  ) {}

  /** @returns whether it is held: else as many are held as may. @param ms longest wait */
  hold(pop: HeldPop, ms: number): boolean {
    const { popPollingSize, maxPopPollingSize } = this.limits;
    const count = this.count(pop.topic, pop.group, pop.queueId);
    if (this.#size >= maxPopPollingSize || count >= popPollingSize) return false;
    const waiting = this.#waiting.get(pop.topic)?.get(pop.group) ?? this.#register(pop);
    const entry: Entry = { pop, waiting };
    entry.timer = this.clock.setTimeout(() => this.#wake(entry, true), ms);
    const entries = waiting.queues.get(pop.queueId);
    if (entries) entries.add(entry);
    else waiting.queues.set(pop.queueId, new Set([entry]));
    this.#size++;
    const own = this.#ofConnection.get(pop.connection);
    if (own) own.add(entry);
    else this.#ofConnection.set(pop.connection, new Set([entry]));
    return true;
  }

  /** How many are held of one group and queue. */
  count(topic: string, group: string, queueId: number): number {
    return this.#waiting.get(topic)?.get(group)?.queues.get(queueId)?.size ?? 0;
  }

  /** A message has come into a topic, or into a pop retry topic. */
  arrived(topic: string, queueId: number, tagsCode: number): void {
    if (this.#size === 0) return;
    for (const waiting of this.#waiting.get(topic)?.values() ?? []) {
      const queueIds = waiting.topic === topic ? [ANY_QUEUE, queueId] : [...waiting.queues.keys()];
      for (const id of queueIds) this.#wakeFirst(waiting.queues.get(id), tagsCode);
    }
  }

  /** Something is there for the group in this queue: wakes one that pops any queue, and one that pops this. */
  wake(topic: string, group: string, queueId: number): void {
    // Its topic, or a pop retry topic of it.
    const waiting = this.#waiting.get(topic)?.get(group);
    const queueIds = waiting?.topic === topic ? new Set([ANY_QUEUE, queueId]) : (waiting?.queues.keys() ?? []);
    for (const id of queueIds) this.#wakeFirst(waiting?.queues.get(id));
  }

  connectionClosed(connection: object): void {
    for (const entry of this.#ofConnection.get(connection) ?? []) this.#remove(entry);
  }

  /** Forgets all of them. */
  stop(): void {
    for (const entries of this.#ofConnection.values()) for (const entry of entries) this.#remove(entry);
  }

  #register({ topic, group }: HeldPop): Waiting {
    const waiting = { topic, group, queues: new Map<number, Set<Entry>>() };
    for (const name of topicsOf(waiting)) {
      const groups = this.#waiting.get(name);
      if (groups) groups.set(group, waiting);
      else this.#waiting.set(name, new Map([[group, waiting]]));
    }
    return waiting;
  }

  #wakeFirst(entries: Iterable<Entry> | undefined, tagsCode?: number): void {
    for (const entry of entries ?? []) {
      if (tagsCode === undefined || entry.pop.matches(tagsCode)) return this.#wake(entry, false);
    }
  }

  #wake(entry: Entry, over: boolean): void {
    this.#remove(entry);
    entry.pop.wake(over);
  }

  #remove(entry: Entry): void {
    this.clock.clearTimeout(entry.timer);
    const { pop, waiting } = entry;
    const entries = waiting.queues.get(pop.queueId);
    if (!entries?.delete(entry)) return;
    this.#size--;
    const own = this.#ofConnection.get(pop.connection);
    own?.delete(entry);
    if (own?.size === 0) this.#ofConnection.delete(pop.connection);
    if (entries.size === 0) waiting.queues.delete(pop.queueId);
    if (waiting.queues.size > 0) return;
    for (const name of topicsOf(waiting)) {
      const groups = this.#waiting.get(name);
      groups?.delete(waiting.group);
      if (groups?.size === 0) this.#waiting.delete(name);
    }
  }
}

/** A pop of a topic gets messages of its pop retry topics too, in both versions of the name. */
const topicsOf = ({ topic, group }: { topic: string; group: string }): string[] => [
  topic,
  popRetryTopic(topic, group, false),
  popRetryTopic(topic, group, true),
];
