// Owns the counts of what came in and went out, by topic and group, and their rates. Leaves the form in which tools ask
// for them to handlers/stats-admin.ts.

const MINUTE_MS = 60_000;
const SECONDS = 60;

/** A count, and the rate of the last whole minute. Needs no timer: it moves on when it is touched. */
export class Rate {
  total = 0;
  #minute = 0;
  #thisMinute = 0;
  #lastMinute = 0;

  /** @param now ms since the epoch */
  add(count: number, now: number): void {
    this.#turn(now);
    this.#thisMinute += count;
    this.total += count;
  }

  /** Per second, over the last whole minute. */
  perSecond(now: number): number {
    this.#turn(now);
    return this.#lastMinute / SECONDS;
  }

  #turn(now: number): void {
    const minute = Math.floor(now / MINUTE_MS);
    if (minute === this.#minute) return;
    this.#lastMinute = minute === this.#minute + 1 ? this.#thisMinute : 0;
    this.#thisMinute = 0;
    this.#minute = minute;
  }
}

export class BrokerStats {
  readonly allPut = new Rate();
  readonly allGot = new Rate();
  readonly #put = new Map<string, Rate>();
  /** Key `topic@group`. */
  readonly #got = new Map<string, Rate>();

  put(topic: string, count: number, now: number): void {
    this.allPut.add(count, now);
    this.topicPut(topic).add(count, now);
  }

  got(topic: string, group: string, count: number, now: number): void {
    this.allGot.add(count, now);
    this.groupGot(topic, group).add(count, now);
  }

  topicPut(topic: string): Rate {
    return rateIn(this.#put, topic);
  }

  groupGot(topic: string, group: string): Rate {
    return rateIn(this.#got, `${topic}@${group}`);
  }
}

function rateIn(rates: Map<string, Rate>, key: string): Rate {
  let rate = rates.get(key);
  if (!rate) rates.set(key, (rate = new Rate()));
  return rate;
}
