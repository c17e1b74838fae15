// Measures, minute by minute, how long messages take from their append until they are stored as promised.

/** Upper ends, exclusive, ms; Apache's words for them. The first holds what took no time that the clock shows. */
const RANGES: readonly (readonly [below: number, name: string])[] = [
  [1, '[<=0ms]'],
  [10, '[0~10ms]'],
  [50, '[10~50ms]'],
  [100, '[50~100ms]'],
  [200, '[100~200ms]'],
  [500, '[200~500ms]'],
  [1000, '[500ms~1s]'],
  [2000, '[1~2s]'],
  [3000, '[2~3s]'],
  [4000, '[3~4s]'],
  [5000, '[4~5s]'],
  [10_000, '[5~10s]'],
  [Infinity, '[10s~]'],
];
const MINUTE_MS = 60_000;
const LONGEST_EXACT_MS = 10_000;

/** For percentiles: a place for each ms up to 100, each 10 ms up to 1 s, each 100 ms up to 10 s, and what is beyond. */
const PLACES = 100 + 90 + 90 + 1;

export class PutTimes {
  /** The longest since the start, ms. */
  longest = 0;
  #minute: number;
  #current = new Float64Array(PLACES);
  #last: Float64Array | undefined;

  /** @param now ms since the epoch */
  constructor(now: number) {
    this.#minute = Math.floor(now / MINUTE_MS);
  }

  /** @param ms how long each of the messages took */
  add(messages: number, ms: number, now: number): void {
    this.#turn(now);
    this.longest = Math.max(this.longest, ms);
    this.#current[placeOf(ms)]! += messages;
  }

  /** Of the last whole minute, as Apache writes it; undefined in the first. */
  distribution(now: number): string | undefined {
    this.#turn(now);
    const last = this.#last;
    if (!last) return undefined;
    const counts = RANGES.map(() => 0);
    for (const [place, count] of last.entries()) {
      const ms = msOf(place);
      counts[RANGES.findIndex(([below]) => ms < below)]! += count;
    }
    return RANGES.map(([, name], at) => `${name}:${counts[at]} `).join('');
  }

  /** The time within which this share of the messages of the last whole minute was stored, ms; undefined in the first. */
  percentile(share: number, now: number): number | undefined {
    this.#turn(now);
    const last = this.#last;
    if (!last) return undefined;
    const wanted = share * last.reduce((sum, count) => sum + count, 0);
    let seen = 0;
    for (const [place, count] of last.entries()) {
      seen += count;
      if (count > 0 && seen >= wanted) return msOf(place);
    }
    return 0;
  }

  #turn(now: number): void {
    const minute = Math.floor(now / MINUTE_MS);
    const passed = minute - this.#minute;
    this.#minute = minute;
    if (passed <= 0) return;
    this.#last = passed === 1 ? this.#current : new Float64Array(PLACES);
    this.#current = new Float64Array(PLACES);
  }
}

function placeOf(ms: number): number {
  if (ms < 100) return Math.max(0, Math.floor(ms));
  if (ms < 1000) return 90 + Math.floor(ms / 10);
  if (ms < LONGEST_EXACT_MS) return 180 + Math.floor(ms / 100);
  return PLACES - 1;
}

/** The shortest time that counts under a place, ms. */
function msOf(place: number): number {
  if (place < 100) return place;
  if (place < 190) return (place - 90) * 10;
  return (place - 180) * 100;
}
