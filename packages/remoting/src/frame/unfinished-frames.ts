// Limits the bytes of partly received frames over all connections of a server. Beyond the limit, frames that stand
// still are closed and the others wait, except for one at a time: the one with the least left to come. So a message
// gets through among attackers, and they cannot all wait for each other.
import type { Clock, TimerHandle } from '../time/clock.js';

/** The connection on which a frame has arrived in part. */
export interface FrameReceiver {
  /** Stops or continues reading. */
  holdUp(on: boolean): void;
  /** Closes it: its frame has made no progress for `ms` while others waited for memory. */
  closeUnfinished(ms: number): void;
}

interface Unfinished {
  bytes: number;
  /** Bytes that are still to come. */
  missing: number;
  /** On the clock's monotonic scale, ms. */
  lastByte: number;
  waiting: boolean;
}

/** A frame without progress for this long makes room for others. ms */
const STANDS_STILL_MS = 1_000;
/** Between two checks for frames without progress, while others wait. ms */
const LOOK_INTERVAL_MS = 250;

export class UnfinishedFrames {
  /** Bytes of all frames together. */
  total = 0;
  readonly #frames = new Map<FrameReceiver, Unfinished>();
  /** The one that may exceed the limit. */
  #beyond: FrameReceiver | undefined;
  #waiting = 0;
  #timer: TimerHandle | undefined;

  constructor(
    readonly limit: number,
    private readonly clock: Clock,
  ) {}

  /** Reports how many bytes the receiver has of its frame, 0 when it is complete, and how many are still to come. */
  received(receiver: FrameReceiver, bytes: number, missing: number): void {
    let frame = this.#frames.get(receiver);
    if (!frame) {
      if (bytes === 0) return;
      frame = { bytes: 0, missing, lastByte: 0, waiting: false };
      this.#frames.set(receiver, frame);
    }
    this.total += bytes - frame.bytes;
    frame.bytes = bytes;
    frame.missing = missing;
    frame.lastByte = this.clock.monotonic();
    if (bytes === 0) this.#remove(receiver, frame);
    else if (this.total > this.limit) this.#full(receiver, frame);
  }

  closed(receiver: FrameReceiver): void {
    const frame = this.#frames.get(receiver);
    if (!frame) return;
    this.total -= frame.bytes;
    this.#remove(receiver, frame);
  }

  stop(): void {
    this.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #full(receiver: FrameReceiver, frame: Unfinished): void {
    if (frame.waiting || receiver === this.#beyond) return;
    // Those that wait hold parts of their frames too: together they may not exceed twice the limit.
    if (this.total > 2 * this.limit) return receiver.closeUnfinished(0);
    frame.waiting = true;
    this.#waiting++;
    receiver.holdUp(true);
    this.#letOneGo();
    this.#arm();
  }

  #remove(receiver: FrameReceiver, frame: Unfinished): void {
    this.#frames.delete(receiver);
    if (receiver === this.#beyond) this.#beyond = undefined;
    if (frame.waiting) this.#goOn(receiver, frame);
    if (this.total <= this.limit)
      for (const [other, waits] of this.#frames) if (waits.waiting) this.#goOn(other, waits);
    this.#letOneGo();
  }

  /** Lets the one with the least left to come exceed the limit, unless another one does. */
  #letOneGo(): void {
    if (this.#waiting === 0 || this.#beyond) return;
    let least: [FrameReceiver, Unfinished] | undefined;
    for (const [receiver, frame] of this.#frames)
      if (frame.waiting && (!least || frame.missing < least[1].missing)) least = [receiver, frame];
    if (!least) return;
    this.#beyond = least[0];
    this.#goOn(...least);
  }

  #goOn(receiver: FrameReceiver, frame: Unfinished): void {
    frame.waiting = false;
    frame.lastByte = this.clock.monotonic();
    this.#waiting--;
    receiver.holdUp(false);
  }

  /** Closes all without progress: each that is left may stall for ever while others wait. */
  #closeStanding(): void {
    const now = this.clock.monotonic();
    for (const [receiver, frame] of this.#frames) {
      const silent = now - frame.lastByte;
      if (!frame.waiting && silent >= STANDS_STILL_MS) receiver.closeUnfinished(silent);
    }
  }

  #arm(): void {
    this.#timer ??= this.clock.setTimeout(() => {
      this.#timer = undefined;
      this.#closeStanding();
      if (this.#waiting > 0) this.#arm();
    }, LOOK_INTERVAL_MS);
  }
}
