// Limits how many sends of a client are under way. Further ones wait in order, up to a limit; the time of a send begins
// with its turn.
import { TooManySendsError } from './errors.js';

export interface SendWindowOptions {
  /** Most sends under way. */
  backPressureForAsyncSendNum: number;
  /** Most bytes of them. A single send may be larger. */
  backPressureForAsyncSendSize: number;
  /** Most sends that wait. */
  maxWaitingSends: number;
  /** Most bytes of them. */
  maxWaitingSendSize: number;
}

interface Waiting {
  /** Who waits: `abandon` gives up all that it waits for. */
  readonly owner: object;
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** The limits that may be changed while sends are under way. */
export type BackPressure = Pick<SendWindowOptions, 'backPressureForAsyncSendNum' | 'backPressureForAsyncSendSize'>;

/** How full the window is. */
export interface SendWindowState extends BackPressure {
  /** Sends under way. Above the limit for a while if that was lowered. */
  readonly sends: number;
  /** Bytes of them. */
  readonly bytes: number;
  /** Sends that wait for their turn. */
  readonly waitingSends: number;
  /** Bytes of them. */
  readonly waitingBytes: number;
}

export class SendWindow {
  #options: SendWindowOptions;
  #sends = 0;
  #bytes = 0;
  #waiting: Waiting[] = [];
  #next = 0;
  #waitingBytes = 0;

  constructor(options: SendWindowOptions) {
    this.#options = options;
  }

  get state(): SendWindowState {
    const { backPressureForAsyncSendNum, backPressureForAsyncSendSize } = this.#options;
    return {
      backPressureForAsyncSendNum,
      backPressureForAsyncSendSize,
      sends: this.#sends,
      bytes: this.#bytes,
      waitingSends: this.#waiting.length - this.#next,
      waitingBytes: this.#waitingBytes,
    };
  }

  /** Counts at once: a higher limit admits sends that wait, a lower one holds them until enough have ended. */
  adjust(limits: Partial<BackPressure>): void {
    this.#options = { ...this.#options, ...limits };
    this.#admit();
  }

  /** Takes a free place. @returns false when there is none: see `turn` */
  enter(bytes: number): boolean {
    if (this.#next < this.#waiting.length || !this.#hasRoom(bytes)) return false;
    this.#sends++;
    this.#bytes += bytes;
    return true;
  }

  /** Resolves when a place has become free and is taken. @throws TooManySendsError when too many wait already */
  turn(owner: object, bytes: number): Promise<void> {
    const { maxWaitingSends, maxWaitingSendSize } = this.#options;
    const waiting = this.#waiting.length - this.#next;
    if (waiting >= maxWaitingSends || this.#waitingBytes + bytes > maxWaitingSendSize) {
      return Promise.reject(new TooManySendsError(this.#sends, waiting, this.#waitingBytes, this.#options));
    }
    this.#waitingBytes += bytes;
    return new Promise((resolve, reject) => this.#waiting.push({ owner, bytes, resolve, reject }));
  }

  /** Gives a place back. */
  leave(bytes: number): void {
    this.#sends--;
    this.#bytes -= bytes;
    this.#admit();
  }

  /** Rejects what the owner still waits for. */
  abandon(owner: object, error: Error): void {
    const waiting = this.#waiting.slice(this.#next);
    this.#waiting = waiting.filter((each) => each.owner !== owner);
    this.#next = 0;
    this.#waitingBytes = this.#waiting.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const each of waiting) if (each.owner === owner) each.reject(error);
    this.#admit();
  }

  #hasRoom(bytes: number): boolean {
    const { backPressureForAsyncSendNum, backPressureForAsyncSendSize } = this.#options;
    if (this.#sends === 0) return true;
    return this.#sends < backPressureForAsyncSendNum && this.#bytes + bytes <= backPressureForAsyncSendSize;
  }

  #admit(): void {
    for (
      let first = this.#waiting[this.#next];
      first && this.#hasRoom(first.bytes);
      first = this.#waiting[this.#next]
    ) {
      this.#next++;
      this.#sends++;
      this.#bytes += first.bytes;
      this.#waitingBytes -= first.bytes;
      first.resolve();
    }
    if (this.#next < 1024 || this.#next * 2 < this.#waiting.length) return;
    this.#waiting = this.#waiting.slice(this.#next);
    this.#next = 0;
  }
}
