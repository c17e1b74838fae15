// Counts what the store takes and gives, record by record, with rates over 10 s, a minute and 10 minutes (Apache:
// StoreStatsService).
import { SlotRing } from '@nest-rocketmq/remoting/internal';
import type { Clock } from '@nest-rocketmq/remoting/internal';
import type { AppendResult, MessageStore } from '../store/store.js';
import { PutTimes } from './put-times.js';

const SECOND_MS = 1000;
/** Windows of the rates, s. */
const WINDOWS = [10, 60, 600];

const PUT = 0;
const FOUND = 1;
const MISSED = 2;
const TRANSFERRED = 3;

/** Records that were appended within one ms and wait to be stored. */
interface Pending {
  appendedAt: number;
  /** Where the last of them ends in the log. */
  end: number;
  records: number;
  bytes: number;
}

export class StoreStats {
  /** Records, and their bytes, since the start. */
  putTimesTotal = 0;
  putSizeTotal = 0;
  putFailedTimes = 0;
  /** The longest that a read took, ms. */
  getLongest = 0;
  readonly putTimes: PutTimes;
  readonly #rates: SlotRing;
  readonly #pending: Pending[] = [];
  /** The newest of them. */
  #last: Pending | undefined;

  constructor(
    store: Pick<MessageStore, 'onCommitted'>,
    private readonly clock: Clock,
  ) {
    this.putTimes = new PutTimes(clock.now());
    this.#rates = new SlotRing(WINDOWS.at(-1)! + 1, SECOND_MS, 4, clock.now());
    store.onCommitted((upTo, failure) => this.#committed(upTo, failure !== undefined));
  }

  /** A record was appended. It counts when it is stored. */
  appended({ physicalOffset, size, storeTimestamp }: AppendResult): void {
    const last = this.#last;
    if (last !== undefined && last.appendedAt === storeTimestamp) {
      last.end = physicalOffset + size;
      last.records++;
      last.bytes += size;
    } else {
      this.#last = { appendedAt: storeTimestamp, end: physicalOffset + size, records: 1, bytes: size };
      this.#pending.push(this.#last);
    }
  }

  refused(): void {
    this.putFailedTimes++;
  }

  /** A queue was read. @param messages that it gave. @param ms how long it took */
  read(messages: number, ms: number): void {
    this.#rates.turn(this.clock.now());
    this.#rates.add(messages > 0 ? FOUND : MISSED, 1);
    this.#rates.add(TRANSFERRED, messages);
    this.getLongest = Math.max(this.getLongest, Math.floor(ms));
  }

  get putTps(): string {
    return this.#tps(PUT);
  }

  get getFoundTps(): string {
    return this.#tps(FOUND);
  }

  get getMissTps(): string {
    return this.#tps(MISSED);
  }

  get getTotalTps(): string {
    return this.#tps(FOUND, MISSED);
  }

  get getTransferredTps(): string {
    return this.#tps(TRANSFERRED);
  }

  /** Over each window, or where the broker is younger, since its start; whole seconds only. */
  #tps(...columns: number[]): string {
    const rates = this.#rates;
    rates.turn(this.clock.now());
    return WINDOWS.map((seconds) => {
      const sum = columns.reduce((all, column) => all + rates.sumOfEnded(column, seconds), 0);
      return decimal(sum / Math.max(1, Math.min(seconds, rates.ended)));
    }).join(' ');
  }

  #committed(upTo: number, failed: boolean): void {
    const now = this.clock.now();
    this.#last = undefined;
    while (this.#pending.length > 0 && (failed || this.#pending[0]!.end <= upTo)) {
      const { appendedAt, end, records, bytes } = this.#pending.shift()!;
      if (end <= upTo) this.#stored(records, bytes, Math.max(0, now - appendedAt), now);
      else this.putFailedTimes += records;
    }
  }

  #stored(records: number, bytes: number, ms: number, now: number): void {
    this.putTimesTotal += records;
    this.putSizeTotal += bytes;
    this.putTimes.add(records, ms, now);
    this.#rates.turn(now);
    this.#rates.add(PUT, records);
  }
}

/** As Java writes a double: tools take '12.0' for a number, and people compare. */
export function decimal(value: number): string {
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}
