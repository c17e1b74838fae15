// Counts messages, bytes (or ms) and calls under one key, and sums them over the last minute, hour and day (Apache:
// StatsItem).
import { SlotRing } from './slot-ring.js';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

const NUMS = 0;
const SIZE = 1;
const TIMES = 2;
const WIDTH = 3;

/** Which number of an item is asked for: messages (or ms), or bytes. */
export type StatsColumn = typeof NUMS | typeof SIZE;
export const StatsColumn = { NUMS, SIZE } as const;

/** Body parts of VIEW_BROKER_STATS_DATA. */
export interface StatsSnapshot {
  readonly sum: number;
  /** Of `sum`, a second. */
  readonly tps: number;
  /** Of `sum`, a call. */
  readonly avgpt: number;
}

export interface StatsView {
  readonly statsMinute: StatsSnapshot;
  readonly statsHour: StatsSnapshot;
  readonly statsDay: StatsSnapshot;
}

export class StatsItem {
  readonly #minute: SlotRing;
  readonly #hour: SlotRing;
  readonly #day: SlotRing;
  /** Counted in the current 10 s and not in the rings yet. */
  #nums = 0;
  #size = 0;
  #times = 0;
  #turnAt: number;
  /** When something was last counted, ms since the epoch. */
  #lastUpdate: number;

  /** @param now ms since the epoch */
  constructor(now: number) {
    this.#minute = new SlotRing(7, 10 * SECOND_MS, WIDTH, now);
    this.#hour = new SlotRing(7, 10 * MINUTE_MS, WIDTH, now);
    this.#day = new SlotRing(25, HOUR_MS, WIDTH, now);
    this.#turnAt = this.#minute.end;
    this.#lastUpdate = now;
  }

  /**
   * @param nums messages, or whatever is counted
   * @param size bytes
   * @param times calls that brought them
   * @param now ms since the epoch
   */
  add(nums: number, size: number, times: number, now: number): void {
    if (now >= this.#turnAt) this.#turn(now);
    this.#nums += nums;
    this.#size += size;
    this.#times += times;
    this.#lastUpdate = now;
  }

  /** How long nothing has been counted, ms. */
  idle(now: number): number {
    return now - this.#lastUpdate;
  }

  view(column: StatsColumn, now: number): StatsView {
    this.#turn(now);
    return {
      statsMinute: snapshot(this.#minute, column, now),
      statsHour: snapshot(this.#hour, column, now),
      statsDay: snapshot(this.#day, column, now),
    };
  }

  /** Every slot's end is also the end of a slot of 10 s, so what is pending belongs to the current slots of all three. */
  #turn(now: number): void {
    for (const ring of [this.#minute, this.#hour, this.#day]) {
      ring.add(NUMS, this.#nums);
      ring.add(SIZE, this.#size);
      ring.add(TIMES, this.#times);
      ring.turn(now);
    }
    this.#nums = this.#size = this.#times = 0;
    this.#turnAt = this.#minute.end;
  }
}

function snapshot(ring: SlotRing, column: StatsColumn, now: number): StatsSnapshot {
  const sum = ring.sum(column);
  const times = ring.sum(TIMES);
  // As Apache's: a key counts as being there for the whole of the slot in which it came.
  const span = ring.ended === 0 ? ring.slotMs : ring.ended * ring.slotMs + Math.max(0, now - ring.start);
  return { sum, tps: (sum * SECOND_MS) / span, avgpt: times > 0 ? sum / times : 0 };
}
