// Keeps the counts at the last two local midnights, so that tools can tell today's count from yesterday's.

export class DayTotals {
  /** Counted since the start. */
  now = 0;
  /** Of it, before this day began. */
  todayMorning = 0;
  /** Of it, before the day before began. */
  yesterdayMorning = 0;
  #nextMorning: number;

  /** @param now ms since the epoch */
  constructor(now: number) {
    this.#nextMorning = morningAfter(now, 1);
  }

  add(count: number, now: number): void {
    if (now >= this.#nextMorning) this.turn(now);
    this.now += count;
  }

  /** To be called before the totals are read. */
  turn(now: number): void {
    if (now < this.#nextMorning) return;
    this.yesterdayMorning = now < morningAfter(this.#nextMorning, 1) ? this.todayMorning : this.now;
    this.todayMorning = this.now;
    this.#nextMorning = morningAfter(now, 1);
  }
}

/** Local midnight, so many days after the day of `time`. */
function morningAfter(time: number, days: number): number {
  const date = new Date(time);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + days).getTime();
}
