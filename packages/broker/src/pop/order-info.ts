// Holds what one orderly pop took from a queue: the messages behind it wait until all of it is acknowledged or visible again.
import { isObject, numberIn, objectOf, stringIn } from '@nest-rocketmq/remoting/internal';
import type { JsonObject } from '@nest-rocketmq/remoting/internal';

export interface OrderlyPop {
  /** Names the call, so that a client that lost its answer gets the same messages again. */
  readonly attemptId?: string | undefined;
  /** ms since the epoch */
  readonly popTime: number;
  /** ms */
  readonly invisibleTime: number;
  readonly offsets: readonly number[];
}

export class OrderInfo implements OrderlyPop {
  readonly attemptId: string | undefined;
  readonly popTime: number;
  readonly invisibleTime: number;
  readonly offsets: readonly number[];
  /** When a message becomes visible again whose time was changed, ms since the epoch, by offset. */
  readonly #visibleAt = new Map<number, number>();
  readonly #acknowledged = new Set<number>();
  /** How often messages were popped before, by offset; without those that were not. */
  readonly counts: ReadonlyMap<number, number>;
  /** When it changed last, ms since the epoch. */
  lastUse: number;

  constructor(pop: OrderlyPop, now: number, before?: OrderInfo, counts?: ReadonlyMap<number, number>) {
    this.attemptId = pop.attemptId;
    this.popTime = pop.popTime;
    this.invisibleTime = pop.invisibleTime;
    this.offsets = pop.offsets;
    this.lastUse = now;
    this.counts = counts ?? countsAfter(pop, before);
  }

  /** Of all messages of the pop. */
  get leastCount(): number {
    return Math.min(...this.offsets.map((offset) => this.counts.get(offset) ?? 0));
  }

  /** Until when the queue is blocked, ms since the epoch; undefined where it is not. A repeated attempt is not blocked. */
  blockedUntil(now: number, attemptId?: string): number | undefined {
    if (this.attemptId !== undefined && this.attemptId === attemptId) return undefined;
    let until: number | undefined;
    for (const offset of this.offsets) {
      if (this.#acknowledged.has(offset)) continue;
      const visible = this.#visibleAt.get(offset) ?? this.popTime + this.invisibleTime;
      if (visible > now) until = Math.max(until ?? 0, visible);
    }
    return until;
  }

  /** @returns whether the pop has this message */
  acknowledge(offset: number): boolean {
    if (!this.offsets.includes(offset)) return false;
    this.#acknowledged.add(offset);
    return true;
  }

  /** The first offset that is not acknowledged. */
  get nextOffset(): number {
    return this.offsets.find((offset) => !this.#acknowledged.has(offset)) ?? this.offsets.at(-1)! + 1;
  }

  /** @param time ms since the epoch */
  makeVisibleAt(offset: number, time: number): void {
    if (this.offsets.includes(offset)) this.#visibleAt.set(offset, time);
  }

  /** As Apache saves it: distances from the first offset, and a bit for each that is acknowledged. */
  toJSON(): object {
    const [first = 0, ...others] = this.offsets;
    let bits = 0n;
    for (const [i, offset] of this.offsets.entries()) if (this.#acknowledged.has(offset)) bits |= 1n << BigInt(i);
    return {
      ...(this.attemptId !== undefined && { a: this.attemptId }),
      cm: Number(bits),
      i: this.invisibleTime,
      l: this.lastUse,
      o: [first, ...others.map((offset) => offset - first)],
      oc: Object.fromEntries(this.counts),
      ot: Object.fromEntries(this.#visibleAt),
      popTime: this.popTime,
    };
  }

  /** Undefined where the entry is damaged. */
  static fromJSON(json: unknown): OrderInfo | undefined {
    if (!isObject(json) || !Array.isArray(json['o'])) return undefined;
    const [first, ...distances] = (json['o'] as unknown[]).map(Number);
    if (first === undefined || ![first, ...distances].every(Number.isSafeInteger)) return undefined;
    const attempt = stringIn(json, 'a');
    const pop = {
      attemptId: attempt === '' ? undefined : attempt,
      popTime: numberIn(json, 'popTime'),
      invisibleTime: numberIn(json, 'i'),
      offsets: [first, ...distances.map((distance) => first + distance)],
    };
    const info = new OrderInfo(pop, numberIn(json, 'l'), undefined, numbersOf(objectOf(json['oc'])));
    for (const [offset, time] of numbersOf(objectOf(json['ot']))) info.#visibleAt.set(offset, time);
    const bits = BigInt(Math.trunc(numberIn(json, 'cm')));
    for (const [i, offset] of pop.offsets.entries()) if ((bits >> BigInt(i)) & 1n) info.#acknowledged.add(offset);
    return info;
  }
}

/** A message that the pop before had too was popped once more. A repeated attempt does not count. */
function countsAfter(pop: OrderlyPop, before: OrderInfo | undefined): ReadonlyMap<number, number> {
  if (!before || before.offsets.length === 0) return new Map();
  if (before.attemptId !== undefined && before.attemptId === pop.attemptId) return before.counts;
  const again = pop.offsets.filter((offset) => before.offsets.includes(offset));
  return new Map(again.map((offset) => [offset, (before.counts.get(offset) ?? 0) + 1]));
}

function numbersOf(json: JsonObject): Map<number, number> {
  const entries = Object.entries(json).map(([key, value]) => [Number(key), Number(value)] as const);
  return new Map(entries.filter(([key, value]) => Number.isSafeInteger(key) && Number.isSafeInteger(value)));
}
