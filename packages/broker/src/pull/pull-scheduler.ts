// Schedules pulls: after the sends that came with them, few in one turn of the event loop, and only while their peer reads
// its answers and memory for more is free.
import type { Connection, UnsentBytes } from '@nest-rocketmq/remoting/internal';

/** ms in one turn of the event loop, some 15 pulls of 32 messages: without a limit 100 pulls kept sends waiting for 16 ms. */
const MAX_TURN_MS = 1;
/** Most pulls that read from the disk at a time: as many as Node has threads for it. */
const COLD_AT_ONCE = 4;

/** What became of a pull that was served: done, waiting for a read from the disk, or waiting for its turn to read. */
export type PullProgress = Promise<unknown> | 'later' | undefined;

export interface ScheduledPull {
  readonly connection: Connection;
  /** @param mayRead whether it may begin to read from the disk now. Does not throw. */
  serve(mayRead: boolean): PullProgress;
}

export class PullScheduler {
  readonly #waiting: ScheduledPull[] = [];
  /** Pulls of peers that have not read their earlier answers. */
  readonly #parked = new Map<Connection, ScheduledPull[]>();
  /** Connections that tell when they close. */
  readonly #watched = new WeakSet<Connection>();
  /** Pulls that need the disk while as many as may are reading. */
  readonly #cold: ScheduledPull[] = [];
  #reading = 0;
  #scheduled = false;
  #full = false;

  /** @param unsent bytes of answers that wait for all peers */
  constructor(private readonly unsent: Pick<UnsentBytes, 'full' | 'onRoom'>) {}

  add(pull: ScheduledPull): void {
    const parked = this.#parked.get(pull.connection);
    if (parked) parked.push(pull);
    else this.#enqueue(pull);
  }

  /** Schedules other work that reads from the disk and has a large answer. */
  run<T>(connection: Connection, work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const serve = (mayRead: boolean): PullProgress => {
        if (!mayRead) return 'later';
        const done = work();
        done.then(resolve, reject);
        return done.catch(() => undefined);
      };
      this.add({ connection, serve });
    });
  }

  #enqueue(pull: ScheduledPull): void {
    this.#waiting.push(pull);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#full || this.#waiting.length === 0) return;
    this.#scheduled = true;
    setImmediate(this.#run);
  }

  readonly #run = (): void => {
    const end = performance.now() + MAX_TURN_MS;
    let done = 0;
    do {
      if (this.unsent.full) {
        this.#waitForRoom();
        break;
      }
      this.#serve(this.#waiting[done++]!);
      this.#feedDisk();
    } while (done < this.#waiting.length && performance.now() < end);
    this.#waiting.splice(0, done);
    this.#scheduled = false;
    this.#schedule();
  };

  #serve(pull: ScheduledPull): void {
    const { connection } = pull;
    if (connection.flow.congested && !connection.closed) return this.#park(pull);
    const result = pull.serve(this.#reading < COLD_AT_ONCE);
    if (result === 'later') this.#cold.push(pull);
    else if (result) this.#wait(result);
    if (this.#parked.has(connection)) this.#unpark(connection);
  }

  #wait(read: Promise<unknown>): void {
    this.#reading++;
    void read.finally(() => {
      this.#reading--;
      this.#feedDisk();
    });
  }

  #feedDisk(): void {
    const next = this.#reading < COLD_AT_ONCE ? this.#cold.shift() : undefined;
    if (next) this.add(next);
  }

  #waitForRoom(): void {
    this.#full = true;
    this.unsent.onRoom(() => {
      this.#full = false;
      this.#schedule();
    });
  }

  #park(pull: ScheduledPull): void {
    const { connection } = pull;
    const parked = this.#parked.get(connection);
    if (parked) {
      parked.push(pull);
      return;
    }
    this.#parked.set(connection, [pull]);
    connection.flow.onDrained(() => this.#unpark(connection));
    if (this.#watched.has(connection)) return;
    this.#watched.add(connection);
    connection.onClose(() => this.#parked.delete(connection));
  }

  /** Releases one pull at a time: its answer may be all that the peer reads for a long time. */
  #unpark(connection: Connection): void {
    const parked = this.#parked.get(connection);
    if (!parked) return;
    if (connection.flow.congested) return connection.flow.onDrained(() => this.#unpark(connection));
    const next = parked.shift();
    if (parked.length === 0) this.#parked.delete(connection);
    if (next) this.#enqueue(next);
  }
}
