// Keeps statistics items by key, up to a limit, and drops those that have been idle for longer than their windows.
import { StatsItem } from '@nest-rocketmq/remoting/internal';

/** The longest window is a day and an hour: after that an idle item is all zeros. */
const IDLE_MS = 26 * 3_600_000;
const SWEEP_INTERVAL_MS = 3_600_000;
/** Items looked at in one turn of the event loop. */
const SWEEP_SLICE = 1_000;

/** One item of a table, with what is remembered beside the counts. */
export class KeptItem extends StatsItem {
  /** Whether the key is a topic of the broker's own. Undefined: nobody has asked yet. */
  ofSystem: boolean | undefined;
}

export class StatsTable {
  readonly #items = new Map<string, KeptItem>();
  #sweepAt: number;
  #sweeping = false;

  /**
   * @param most most items; further ones are not counted
   * @param onFull called for each item that is not counted
   * @param now ms since the epoch
   */
  constructor(
    private readonly most: number,
    private readonly onFull: () => void,
    now: number,
  ) {
    this.#sweepAt = now + SWEEP_INTERVAL_MS;
  }

  get size(): number {
    return this.#items.size;
  }

  get(key: string): KeptItem | undefined {
    return this.#items.get(key);
  }

  /** Undefined when the table is full. */
  getOrMake(key: string, now: number): KeptItem | undefined {
    if (now >= this.#sweepAt) this.#sweepLater(now);
    return this.#items.get(key) ?? this.#make(key, now);
  }

  add(key: string, nums: number, size: number, times: number, now: number): void {
    this.getOrMake(key, now)?.add(nums, size, times, now);
  }

  delete(key: string): void {
    this.#items.delete(key);
  }

  deleteWhere(matches: (key: string) => boolean): void {
    for (const key of this.#items.keys()) if (matches(key)) this.#items.delete(key);
  }

  #make(key: string, now: number): KeptItem | undefined {
    if (this.#items.size >= this.most) {
      this.onFull();
      return undefined;
    }
    const item = new KeptItem(now);
    this.#items.set(key, item);
    return item;
  }

  #sweepLater(now: number): void {
    this.#sweepAt = now + SWEEP_INTERVAL_MS;
    if (this.#sweeping) return;
    this.#sweeping = true;
    this.#sweep(this.#items.entries(), now);
  }

  #sweep(rest: IterableIterator<[string, KeptItem]>, now: number): void {
    for (let looked = 0; looked < SWEEP_SLICE; looked++) {
      const next = rest.next();
      if (next.done) {
        this.#sweeping = false;
        return;
      }
      const [key, item] = next.value;
      if (item.idle(now) >= IDLE_MS) this.#items.delete(key);
    }
    setImmediate(() => this.#sweep(rest, now));
  }
}
