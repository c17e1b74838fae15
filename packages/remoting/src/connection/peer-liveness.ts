// Tells by requests that have timed out whether a peer is gone.
import type { FlowControl } from './flow-control.js';
import { longestFrame } from './frame-reader.js';

/**
 * Without a byte for this long, while a request waits, a peer counts as gone. A request with a shorter time-out fails alone: a
 * broker that stands still for a second must not cost those that have the time to wait. ms
 */
export const LEAST_SILENCE_MS = 2_000;

/** All times in monotonic ms. */
export interface TimedOut {
  readonly sentAt: number;
  readonly now: number;
  /** When the last byte came. */
  readonly lastRead: number;
  /** When the frame under way has begun. */
  readonly frameSince: number;
  readonly flow: Pick<FlowControl, 'midFrame' | 'heldBytes'>;
}

export class PeerLiveness {
  /** When the first request since the last byte was sent that has timed out. */
  #unansweredSince = -Infinity;

  /** @returns why the connection is of no use any more; undefined while it may be */
  fault({ sentAt, now, lastRead, frameSince, flow }: TimedOut): string | undefined {
    if (lastRead <= sentAt) {
      const since = this.#unansweredSince;
      this.#unansweredSince = since < lastRead ? sentAt : Math.min(since, sentAt);
      const silent = now - this.#unansweredSince;
      return silent >= LEAST_SILENCE_MS ? `the peer has been silent for ${silent} ms` : undefined;
    }
    const took = now - frameSince;
    // Whatever is answered is taken for a part of it.
    return flow.midFrame && took >= longestFrame(flow.heldBytes) ? `a frame has not ended in ${took} ms` : undefined;
  }
}
