// Keeps the messages that wait for their time in a heap of plain numbers: when each is due, and where its record is.
import type { TimerRoom } from '../message/timer-message.js';
import { yieldToEventLoop } from '../store/files/yield-to-event-loop.js';

const FIRST_CAPACITY = 1_024;
/** Messages looked at between two looks at the time. */
const LOOKED_AT = 1_024;

/** A message of the timer topic. */
export interface Timer {
  /** ms since the epoch */
  due: number;
  /** of its record in the commit log */
  position: number;
  /** of its record, bytes */
  size: number;
}

/** Messages are delivered in the order of their due time, and of their place in the log where that is the same. */
export function isBefore(a: Omit<Timer, 'size'>, b: Omit<Timer, 'size'>): boolean {
  return a.due < b.due || (a.due === b.due && a.position < b.position);
}

/** Before all messages. */
export const NONE_DELIVERED = { due: -1, position: -1 };

export class PendingTimers implements TimerRoom {
  /** The last that was taken: all before it have been delivered, are being delivered, or were recalled. */
  last: Omit<Timer, 'size'> = NONE_DELIVERED;
  #count = 0;
  #dues = new Float64Array(FIRST_CAPACITY);
  #positions = new Float64Array(FIRST_CAPACITY);
  #sizes = new Int32Array(FIRST_CAPACITY);
  /** Positions of messages in the heap that were recalled. */
  readonly #recalled = new Set<number>();
  /** Positions of those whose recall is being stored. */
  readonly #recalling = new Set<number>();
  #searching: Promise<unknown> = Promise.resolve();
  #lookingFor = 0;

  /** @param most messages that may wait at a time @param mostRecalls that may look for theirs at a time */
  constructor(
    private readonly most: number,
    private readonly mostRecalls = Infinity,
  ) {}

  get isFull(): boolean {
    return this.#count >= this.most;
  }

  get recallsFull(): boolean {
    return this.#lookingFor >= this.mostRecalls;
  }

  get deliveredUntil(): number {
    return this.last.due;
  }

  /**
   * When the first message is due, recalled or not, ms since the epoch; undefined with none, and while a recall of the first
   * is being stored.
   */
  get nextDue(): number | undefined {
    if (this.#recalling.size > 0 && this.#recalling.has(this.#positions[0]!)) return undefined;
    return this.#count > 0 ? this.#dues[0] : undefined;
  }

  /** Whether a message is among them, or was before it was recalled, that is due at `time` (ms since the epoch) or before. */
  hasDue(time: number): boolean {
    return this.#count > 0 && this.#dues[0]! <= time;
  }

  add({ due, position, size }: Timer): void {
    if (this.#count === this.#dues.length) this.#grow();
    let at = this.#count++;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!this.#isAfter(above, due, position)) break;
      this.#move(above, at);
      at = above;
    }
    this.#put(at, due, position, size);
  }

  /** Takes the first message if it is due at `now` (ms since the epoch). */
  take(now: number): Timer | undefined {
    for (let due = this.nextDue; due !== undefined && due <= now; due = this.nextDue) {
      const timer = { due, position: this.#positions[0]!, size: this.#sizes[0]! };
      this.#removeFirst();
      // A recalled one was kept until now, so that a second recall of it finds nothing that waits.
      if (!this.#recalled.delete(timer.position)) return timer;
    }
    return undefined;
  }

  /** Takes a message out that `isWaiting`. */
  recall(position: number): void {
    this.#recalled.add(position);
  }

  /** Keeps a message that `isWaiting` from being taken until `endRecall`, and all that are due after it. */
  beginRecall(position: number): void {
    this.#recalling.add(position);
  }

  endRecall(position: number, recalled: boolean): void {
    this.#recalling.delete(position);
    if (recalled) this.recall(position);
  }

  /** Whether a message of the timer topic still waits. They are taken in order, so that all up to `last` do not. */
  isWaiting(timer: Omit<Timer, 'size'>): boolean {
    const { position } = timer;
    return isBefore(this.last, timer) && !this.#recalled.has(position) && !this.#recalling.has(position);
  }

  /** The messages that wait, in no order. One object, filled again for each. */
  *all(): Iterable<Readonly<Timer>> {
    const timer = { due: 0, position: 0, size: 0 };
    for (let at = 0; at < this.#count; at++) {
      timer.due = this.#dues[at]!;
      timer.position = this.#positions[at]!;
      timer.size = this.#sizes[at]!;
      if (!this.#recalled.has(timer.position)) yield timer;
    }
  }

  /**
   * Those that are due from `first` to `last` (ms since the epoch), in no order. There may be millions to look through: it
   * yields to the event loop, and a message that another moves in the meantime may be left out.
   */
  async dueBetween(first: number, last: number, most: number): Promise<Timer[]> {
    const pause = yieldToEventLoop();
    const found: Timer[] = [];
    // From the end, as one that is taken out has the last moved towards the front.
    for (let at = this.#count - 1; at >= 0 && found.length < most; at--) {
      const due = at < this.#count ? this.#dues[at]! : -1;
      if (due >= first && due <= last) found.push({ due, position: this.#positions[at]!, size: this.#sizes[at]! });
      const pausing = at % LOOKED_AT === 0 ? pause() : undefined;
      if (pausing) await pausing;
    }
    return found;
  }

  /** Counts work that looks for the message of a recall. */
  async whileLooking<T>(work: () => Promise<T>): Promise<T> {
    this.#lookingFor++;
    try {
      return await work();
    } finally {
      this.#lookingFor--;
    }
  }

  /** Runs long searches one after the other. */
  search<T>(work: () => Promise<T>): Promise<T> {
    const searching = this.#searching.then(work);
    this.#searching = searching.catch(() => undefined);
    return searching;
  }

  /** Takes out all, for a test. */
  clear(): void {
    this.#count = 0;
    this.#recalled.clear();
  }

  /** Where the first record in the log is that waits; Infinity with none. */
  get firstPosition(): number {
    let first = Infinity;
    for (let at = 0; at < this.#count; at++) first = Math.min(first, this.#positions[at]!);
    return first;
  }

  #removeFirst(): void {
    const last = --this.#count;
    const due = this.#dues[last]!;
    const position = this.#positions[last]!;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below + 1 < last && this.#isAfter(below, this.#dues[below + 1]!, this.#positions[below + 1]!)) below++;
      if (below >= last || this.#isAfter(below, due, position)) break;
      this.#move(below, at);
      at = below;
    }
    this.#put(at, due, position, this.#sizes[last]!);
  }

  #isAfter(at: number, due: number, position: number): boolean {
    const other = this.#dues[at]!;
    return other > due || (other === due && this.#positions[at]! > position);
  }

  #move(from: number, to: number): void {
    this.#dues[to] = this.#dues[from]!;
    this.#positions[to] = this.#positions[from]!;
    this.#sizes[to] = this.#sizes[from]!;
  }

  #put(at: number, due: number, position: number, size: number): void {
    this.#dues[at] = due;
    this.#positions[at] = position;
    this.#sizes[at] = size;
  }

  #grow(): void {
    const capacity = Math.ceil(this.#dues.length * 1.5);
    const [dues, positions, sizes] = [this.#dues, this.#positions, this.#sizes];
    this.#dues = new Float64Array(capacity);
    this.#dues.set(dues);
    this.#positions = new Float64Array(capacity);
    this.#positions.set(positions);
    this.#sizes = new Int32Array(capacity);
    this.#sizes.set(sizes);
  }
}
