// Reads frames from a connection's stream, and pauses while its peer does not take its answers, has too many requests
// under way, or has to wait for memory.
import type { Duplex } from 'node:stream';
import { FrameDecoder, defaultFrameLimits } from '../frame/frame.js';
import type { FrameFound, FrameLimits } from '../frame/frame.js';
import type { FrameReceiver, UnfinishedFrames } from '../frame/unfinished-frames.js';

/** Reasons for a pause; bits. */
export const Pause = { UNSENT: 1, REQUESTS: 2, MEMORY: 4 } as const;

export const DEFAULT_FRAME_TIMEOUT_MS = 30_000;
/** The slowest rate of a frame: 4 MiB in 4 min. A slower sender only wants to keep the frame open. */
const SLOWEST_BYTES_PER_MS = 16;

/** How long a frame of which so many bytes are here may take. ms */
export function longestFrame(heldBytes: number, frameTimeout = DEFAULT_FRAME_TIMEOUT_MS): number {
  return frameTimeout + heldBytes / SLOWEST_BYTES_PER_MS;
}

export interface FrameReaderOptions {
  readonly limits?: Partial<FrameLimits> | undefined;
  readonly unfinished?: UnfinishedFrames | undefined;
  /** One whole frame, which is in `bytes` from `start` to `end`. */
  readonly onFrame: (bytes: Buffer, start: number, end: number) => void;
  /** The bytes are not frames: nothing more is read. */
  onFault(error: unknown): void;
  /** A frame made no progress while others waited for memory. */
  onStandstill(ms: number): void;
}

const NOTHING = Buffer.alloc(0);

export class FrameReader implements FrameReceiver {
  readonly #decoder: FrameDecoder;
  readonly #deliver: FrameReaderOptions['onFrame'];
  /** Whole frames so far. */
  frames = 0;
  #pauses = 0;
  #ended = false;
  #resuming = false;
  /** Bytes that were reported to `unfinished` last. */
  #told = 0;

  constructor(
    private readonly stream: Duplex,
    private readonly options: FrameReaderOptions,
  ) {
    this.#deliver = options.onFrame;
    this.#decoder = new FrameDecoder({ ...defaultFrameLimits, ...options.limits });
  }

  /** True while a frame has arrived in part, and reading is not paused. */
  get midFrame(): boolean {
    return this.#decoder.partial && this.#pauses === 0;
  }

  get heldBytes(): number {
    return this.#decoder.held;
  }

  data(chunk: Buffer): void {
    if (this.#ended) return;
    try {
      this.#decoder.find(chunk, this.#onFrame);
    } catch (error) {
      return this.options.onFault(error);
    }
    this.#tellHeld();
  }

  /** @param reason of `Pause` */
  pause(reason: number): void {
    if (this.#pauses === 0) this.stream.pause();
    this.#pauses |= reason;
  }

  resume(reason: number): void {
    if (!(this.#pauses & reason)) return;
    this.#pauses &= ~reason;
    if (this.#pauses !== 0 || this.#resuming) return;
    this.#resuming = true;
    // Later, since this may be called within a frame; and so that other connections come between two large answers.
    setImmediate(() => this.#goOn());
  }

  holdUp(on: boolean): void {
    if (on) this.pause(Pause.MEMORY);
    else this.resume(Pause.MEMORY);
  }

  closeUnfinished(ms: number): void {
    this.options.onStandstill(ms);
  }

  end(): void {
    this.#ended = true;
    this.#decoder.clear();
    this.options.unfinished?.closed(this);
  }

  readonly #onFrame: FrameFound = (bytes, start, end) => {
    this.frames++;
    this.#deliver(bytes, start, end);
    return this.#pauses === 0 && !this.#ended;
  };

  #goOn(): void {
    this.#resuming = false;
    if (this.#pauses !== 0 || this.#ended) return;
    this.data(NOTHING);
    if (this.#pauses === 0 && !this.#ended) this.stream.resume();
  }

  #tellHeld(): void {
    if (this.#ended) return this.#decoder.clear();
    const { unfinished } = this.options;
    const { held } = this.#decoder;
    if (unfinished && (held > 0 || this.#told > 0)) unfinished.received(this, held, this.#decoder.missing);
    this.#told = held;
  }
}
