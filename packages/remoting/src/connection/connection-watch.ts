// Checks a server's connections periodically, and closes those that are silent, do not finish a frame, or do not
// read their answers.
import type { Clock, TimerHandle } from '../time/clock.js';
import type { Connection } from './connection.js';
import { afterPoll } from '../time/deadlines.js';
import { ConnectionClosedError } from '../errors.js';
import { DEFAULT_FRAME_TIMEOUT_MS, longestFrame } from './frame-reader.js';
import type { UnsentBytes } from './unsent-bytes.js';

/** Times in ms. */
export interface WatchLimits {
  /** without a byte in or out; default 120,000 as Apache's */
  readonly idleTimeout: number;
  /** without a byte of a frame that has begun; also the time of a whole frame, in addition to that for its bytes; default 30,000 */
  readonly frameTimeout: number;
  /** from the connection to its first byte, and between the bytes of its first frame; default 10,000 */
  readonly firstFrameTimeout: number;
  /** without the peer reading anything, while bytes wait for it; default 30,000 */
  readonly writeTimeout: number;
}

export const watchDefaults: WatchLimits = {
  idleTimeout: 120_000,
  frameTimeout: DEFAULT_FRAME_TIMEOUT_MS,
  firstFrameTimeout: 10_000,
  writeTimeout: 30_000,
};

/** Half of the shortest limit by default. */
const INTERVAL_MS = 5_000;
/** While somebody waits for room, a peer that has read nothing for this long is closed. ms */
const STANDS_STILL_MS = 1_000;

/** The state of a connection at the last check. */
interface Seen {
  frames: number;
  /** When the current frame was first seen. */
  frameSince: number;
  sentBytes: number;
  /** When bytes last went out, or none waited. */
  sentSince: number;
}

export interface ConnectionWatchOptions {
  readonly clock: Clock;
  readonly limits: WatchLimits;
  readonly unsent: UnsentBytes;
  readonly connections: ReadonlySet<Connection>;
}

export class ConnectionWatch {
  readonly #seen = new WeakMap<Connection, Seen>();
  #timer: TimerHandle | undefined;
  #lastLook = 0;
  #hurried = false;
  /** ms */
  readonly #interval: number;

  constructor(private readonly options: ConnectionWatchOptions) {
    const { idleTimeout, frameTimeout, firstFrameTimeout, writeTimeout } = options.limits;
    // Longer only where every limit is: a clock that is turned by hand would otherwise pass nothing but checks.
    this.#interval = Math.max(INTERVAL_MS, Math.min(idleTimeout, frameTimeout, firstFrameTimeout, writeTimeout) / 2);
  }

  /** Starts checking, as long as there are connections. */
  arm(): void {
    if (this.#timer) return;
    this.#lastLook = this.options.clock.monotonic();
    this.#armIn(this.#interval);
  }

  /** Checks soon: somebody waits for memory that unread answers hold. */
  hurry(): void {
    if (this.#hurried) return;
    this.#hurried = true;
    this.stop();
    this.#armIn(STANDS_STILL_MS);
  }

  stop(): void {
    this.options.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #armIn(ms: number): void {
    this.#timer = this.options.clock.setTimeout(() => {
      this.#timer = undefined;
      // What has arrived while this process was held up is read first.
      afterPoll(() => this.#lookAgain());
    }, ms);
  }

  #lookAgain(): void {
    this.#look();
    this.#hurried = this.options.unsent.wanted;
    if (this.#timer || this.options.connections.size === 0) return;
    this.#armIn(this.#hurried ? STANDS_STILL_MS : this.#interval);
  }

  #look(): void {
    const { clock, connections } = this.options;
    const now = clock.monotonic();
    // This process itself was held up: what has arrived meanwhile must be read first.
    const heldUp = now - this.#lastLook > 3 * this.#interval;
    this.#lastLook = now;
    for (const connection of connections) {
      const seen = this.#update(connection, now, heldUp);
      const fault = heldUp ? undefined : this.#fault(connection, seen, now);
      if (fault !== undefined) connection.close(new ConnectionClosedError(connection.address, fault));
    }
    if (!heldUp) this.#makeRoom(now);
  }

  #update(connection: Connection, now: number, heldUp: boolean): Seen {
    const { flow } = connection;
    let seen = this.#seen.get(connection);
    if (!seen) {
      seen = { frames: flow.frames, frameSince: now, sentBytes: flow.sentBytes, sentSince: now };
      this.#seen.set(connection, seen);
    }
    if (heldUp || !flow.midFrame || seen.frames !== flow.frames) seen.frameSince = now;
    if (heldUp || flow.unsentBytes === 0 || seen.sentBytes !== flow.sentBytes) seen.sentSince = now;
    if (seen.sentBytes !== flow.sentBytes) connection.lastActivity = now;
    seen.frames = flow.frames;
    seen.sentBytes = flow.sentBytes;
    return seen;
  }

  #fault(connection: Connection, seen: Seen, now: number): string | undefined {
    const { idleTimeout, frameTimeout, firstFrameTimeout, writeTimeout } = this.options.limits;
    const { flow } = connection;
    const silent = now - connection.lastActivity;
    const waits = flow.unsentBytes > 0;
    if (waits && now - seen.sentSince >= writeTimeout)
      return `the peer has read nothing for ${seconds(now - seen.sentSince)}, and ${flow.unsentBytes} bytes wait for it`;
    if (waits) return undefined;
    if (silent >= idleTimeout) return `it has been silent for ${seconds(silent)}`;
    if (flow.frames === 0 && connection.remotePort > 0 && silent >= firstFrameTimeout)
      return `no request has come in ${seconds(silent)}`;
    if (!flow.midFrame) return undefined;
    if (silent >= frameTimeout) return `a frame has not gone on for ${seconds(silent)}`;
    const allowed = longestFrame(flow.heldBytes, frameTimeout);
    return now - seen.frameSince >= allowed ? `a frame takes longer than ${seconds(allowed)}` : undefined;
  }

  /** Closes peers that read nothing, the longest first, until there is room. */
  #makeRoom(now: number): void {
    const { unsent, connections } = this.options;
    if (!unsent.full || !unsent.wanted) return;
    const standing = [...connections].flatMap((connection) => {
      const since = this.#seen.get(connection)?.sentSince ?? now;
      return connection.flow.unsentBytes > 0 && now - since >= STANDS_STILL_MS ? [{ connection, since }] : [];
    });
    for (const { connection } of standing.sort((one, other) => one.since - other.since)) {
      if (unsent.total < unsent.limit / 2) return;
      const reason = `the peer reads nothing, and its ${connection.flow.unsentBytes} bytes keep others waiting`;
      connection.close(new ConnectionClosedError(connection.address, reason));
    }
  }
}

const seconds = (ms: number): string => `${Math.round(ms / 100) / 10} s`;
