// Holds pulls that found no message until one arrives or their time is over (long polling).
import type { Clock, TimerHandle } from '@nest-rocketmq/remoting/internal';

/** A pull that found no message and may wait for one. */
export interface HeldPull {
  readonly topic: string;
  readonly queueId: number;
  /** The first offset it wants. */
  readonly offset: number;
  /** Its connection: the pull is forgotten when this closes. */
  readonly connection: object;
  /**
   * Whether it wants a message.
   * @param tagsCode hash code of its tags
   * @param queueOffset its place in the queue
   */
  matches(tagsCode: number, queueOffset: number): boolean;
  /** Runs the pull again; this time it is answered in any case. */
  wake(): void;
}

interface Entry {
  pull: HeldPull;
  timer: TimerHandle;
}

export class LongPolling {
  /** topic, then queue id */
  readonly #held = new Map<string, Map<number, Set<Entry>>>();
  readonly #woken = new Set<Entry>();
  readonly #ofConnection = new Map<object, Set<Entry>>();
  #size = 0;
  /** When those that are announced now have been looked at for long enough, on the clock's monotonic scale, ms. */
  #enough: number | undefined;

  /** @param maxFilterTime ms for asking pulls whether they want what one commit has announced; the others are then woken */
  constructor(
    private readonly clock: Clock,
    private readonly maxFilterTime: number,
  ) {}

  /** @param ms longest wait */
  hold(pull: HeldPull, ms: number): void {
    let queues = this.#held.get(pull.topic);
    if (!queues) this.#held.set(pull.topic, (queues = new Map()));
    let entries = queues.get(pull.queueId);
    if (!entries) queues.set(pull.queueId, (entries = new Set()));
    const entry: Entry = { pull, timer: this.clock.setTimeout(() => this.#expire(entry), ms) };
    entries.add(entry);
    this.#size++;
    const own = this.#ofConnection.get(pull.connection);
    if (own) own.add(entry);
    else this.#ofConnection.set(pull.connection, new Set([entry]));
  }

  get size(): number {
    return this.#size;
  }

  /** A message has arrived. @param maxOffset the queue's end, exclusive. @param tagsCode of the message */
  arrived(topic: string, queueId: number, maxOffset: number, tagsCode: number): void {
    const entries = this.#held.get(topic)?.get(queueId);
    if (!entries || entries.size === 0) return;
    for (const entry of entries) {
      const { pull } = entry;
      if (pull.offset < maxOffset && (this.#hadEnough() || pull.matches(tagsCode, maxOffset - 1)))
        this.#wakeSoon(entry);
    }
  }

  /** Sends wait for the commit that calls this: no filter, however slow, may take long. A pull ends by its own limit. */
  #hadEnough(): boolean {
    const now = this.clock.monotonic();
    if (this.#enough === undefined) {
      this.#enough = now + this.maxFilterTime;
      queueMicrotask(() => (this.#enough = undefined));
    }
    return now > this.#enough;
  }

  /** Runs all pulls of the queue again, whatever they wait for. */
  wake(topic: string, queueId: number): void {
    for (const entry of this.#held.get(topic)?.get(queueId) ?? []) this.#wakeSoon(entry);
  }

  connectionClosed(connection: object): void {
    for (const entry of this.#ofConnection.get(connection) ?? []) this.#remove(entry);
  }

  /** Forgets all of them. */
  stop(): void {
    for (const queues of this.#held.values()) {
      for (const entries of queues.values()) for (const { timer } of entries) this.clock.clearTimeout(timer);
    }
    this.#held.clear();
    this.#woken.clear();
    this.#ofConnection.clear();
    this.#size = 0;
  }

  /** Wakes in a microtask: the store reports messages one by one, and one answer is to take all of them. */
  #wakeSoon(entry: Entry): void {
    this.#remove(entry);
    if (this.#woken.size === 0) queueMicrotask(() => this.#wakeAll());
    this.#woken.add(entry);
  }

  #wakeAll(): void {
    const woken = [...this.#woken];
    this.#woken.clear();
    for (const { pull } of woken) pull.wake();
  }

  #expire(entry: Entry): void {
    this.#remove(entry);
    entry.pull.wake();
  }

  #remove(entry: Entry): void {
    this.clock.clearTimeout(entry.timer);
    const { topic, queueId } = entry.pull;
    const queues = this.#held.get(topic);
    const entries = queues?.get(queueId);
    if (entries?.delete(entry)) this.#forget(entry);
    if (entries?.size === 0) queues?.delete(queueId);
    if (queues?.size === 0) this.#held.delete(topic);
  }

  #forget(entry: Entry): void {
    this.#size--;
    const own = this.#ofConnection.get(entry.pull.connection);
    own?.delete(entry);
    if (own?.size === 0) this.#ofConnection.delete(entry.pull.connection);
  }
}
