// Owns when a pull is served: behind the sends that came with it, few in one turn of the event loop, and only when its
// peer has read what it was sent before and there is memory for more. Leaves serving to handlers/pull.ts.
import type { Connection, UnsentBytes } from '@nest-rocketmq/remoting/internal';

/** ms of serving in one turn, which is some 15 pulls of 32 messages. Without a limit, 100 pulls at once kept sends waiting 16 ms. */
const TURN = 1;
/** Pulls that wait for the disk at a time: as many as Node has threads for that. */
const COLD_AT_ONCE = 4;

/** What a turn that was taken has come to: nothing more to wait for, a read that has begun, or one that may not yet. */
export type Turn = Promise<unknown> | 'later' | undefined;

export interface PullTurn {
  readonly connection: Connection;
  /** @param mayRead whether it may begin to read from the disk now. Does not throw. */
  serve(mayRead: boolean): Turn;
}

export class PullScheduler {
  readonly #waiting: PullTurn[] = [];
  /** Behind what their peers have not read yet. */
  readonly #parked = new Map<Connection, PullTurn[]>();
  /** They need the disk, and others are using it. */
  readonly #cold: PullTurn[] = [];
  #reading = 0;
  #scheduled = false;
  #full = false;

  /** @param unsent answers that wait for all peers */
  constructor(private readonly unsent: Pick<UnsentBytes, 'full' | 'onRoom'>) {}

  take(turn: PullTurn): void {
    const parked = this.#parked.get(turn.connection);
    if (parked) parked.push(turn);
    else this.#enqueue(turn);
  }

  /** Does what has a large answer and needs the disk, when its turn has come. */
  run<T>(connection: Connection, work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const serve = (mayRead: boolean): Turn => {
        if (!mayRead) return 'later';
        const done = work();
        done.then(resolve, reject);
        return done.catch(() => undefined);
      };
      this.take({ connection, serve });
    });
  }

  #enqueue(turn: PullTurn): void {
    this.#waiting.push(turn);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#full || this.#waiting.length === 0) return;
    this.#scheduled = true;
    setImmediate(this.#run);
  }

  readonly #run = (): void => {
    const end = performance.now() + TURN;
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

  #serve(turn: PullTurn): void {
    const { connection } = turn;
    if (connection.flow.congested && !connection.closed) return this.#park(turn);
    const result = turn.serve(this.#reading < COLD_AT_ONCE);
    if (result === 'later') this.#cold.push(turn);
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
    if (next) this.take(next);
  }

  #waitForRoom(): void {
    this.#full = true;
    this.unsent.onRoom(() => {
      this.#full = false;
      this.#schedule();
    });
  }

  #park(turn: PullTurn): void {
    const { connection } = turn;
    const parked = this.#parked.get(connection);
    if (parked) {
      parked.push(turn);
      return;
    }
    this.#parked.set(connection, [turn]);
    connection.flow.onDrained(() => this.#unpark(connection));
    connection.onClose(() => this.#parked.delete(connection));
  }

  /** One at a time: the first answer may be all that the peer reads for long. */
  #unpark(connection: Connection): void {
    const parked = this.#parked.get(connection);
    if (!parked) return;
    if (connection.flow.congested) return connection.flow.onDrained(() => this.#unpark(connection));
    const next = parked.shift();
    if (parked.length === 0) this.#parked.delete(connection);
    if (next) this.#enqueue(next);
  }
}
