// Limits what goes in and out of a connection: unsent bytes, requests under way, and when reading pauses.
import type { Duplex } from 'node:stream';
import type { Clock } from '../time/clock.js';
import type { FrameLimits } from '../frame/frame.js';
import type { LogThrottle } from './log-throttle.js';
import { DEFAULT_MAX_UNSENT_BYTES, WriteBuffer } from './write-buffer.js';
import { FrameReader, Pause } from './frame-reader.js';
import type { SendMemory } from './send-memory.js';
import type { UnfinishedFrames } from '../frame/unfinished-frames.js';
import type { UnsentBytes } from './unsent-bytes.js';

/** A server's limits for each connection. A client's connections have none, or both ends could wait for each other. */
export interface ConnectionBounds {
  /** bytes of unsent answers, above which nothing more is read from the peer */
  readonly writeBufferHighWaterMark: number;
  /** requests under way, above which nothing more is read */
  readonly maxRequests: number;
  /** unsent answers of all connections */
  readonly unsent: UnsentBytes;
  /** partly received frames of all connections */
  readonly unfinished: UnfinishedFrames;
  /** for events that a hostile peer can cause at will */
  readonly log: LogThrottle;
}

export interface FlowControlOptions {
  readonly clock: Clock;
  readonly limits?: Partial<FrameLimits> | undefined;
  readonly maxUnsentBytes?: number | (() => number) | undefined;
  readonly sendMemory?: SendMemory | undefined;
  readonly bounds?: ConnectionBounds | undefined;
  /** One whole frame, which is in `bytes` from `start` to `end`. */
  readonly onFrame: (bytes: Buffer, start: number, end: number) => void;
  /** The bytes that arrived are not frames. */
  onFault(error: unknown): void;
  /** The connection must be closed: its peer is too slow. @param reason in words */
  onTooSlow(reason: string): void;
}

/** How long a connection that ends may take to send the rest. ms */
const LONGEST_END_MS = 5_000;

export class FlowControl {
  readonly #reader: FrameReader;
  readonly #writeBuffer: WriteBuffer;
  readonly #drainListeners: (() => void)[] = [];
  #serving = 0;

  constructor(
    private readonly stream: Duplex,
    private readonly options: FlowControlOptions,
  ) {
    const { limits, bounds, maxUnsentBytes = DEFAULT_MAX_UNSENT_BYTES } = options;
    this.#reader = new FrameReader(stream, {
      limits,
      unfinished: bounds?.unfinished,
      onFrame: options.onFrame,
      onFault: (error) => options.onFault(error),
      onStandstill: (ms) => options.onTooSlow(`a frame has not gone on for ${Math.round(ms)} ms while others wait`),
    });
    this.#writeBuffer = new WriteBuffer(stream, {
      maxUnsentBytes,
      ...(bounds && { highWaterMark: bounds.writeBufferHighWaterMark }),
      sendMemory: options.sendMemory,
      unsent: bounds?.unsent,
      onOverflow: (unsent) => options.onTooSlow(`the peer does not read: ${unsent} bytes wait for it`),
      onCongested: () => this.#reader.pause(Pause.UNSENT),
      onDrained: () => this.#drained(),
    });
    // A destroyed stream does not call back for everything that it had.
    stream.once('close', () => this.#writeBuffer.discard());
  }

  /** True while a frame has arrived in part, and reading is not paused. */
  get midFrame(): boolean {
    return this.#reader.midFrame;
  }

  /** Whole frames received so far. */
  get frames(): number {
    return this.#reader.frames;
  }

  /** Bytes of the partly received frame. */
  get heldBytes(): number {
    return this.#reader.heldBytes;
  }

  /** So much is unsent that nothing more is read from the peer, and nothing large should be sent. */
  get congested(): boolean {
    return this.#writeBuffer.congested;
  }

  /** Bytes that the peer has not taken yet. */
  get unsentBytes(): number {
    return this.#writeBuffer.unsent;
  }

  /** Bytes sent so far. */
  get sentBytes(): number {
    return this.#writeBuffer.taken;
  }

  /** Whether the stream is a socket: nobody else can see or change the buffers that are written. */
  get toSocket(): boolean {
    return this.#writeBuffer.toSocket;
  }

  /** Calls back once, when the connection is no longer congested. */
  onDrained(listener: () => void): void {
    this.#drainListeners.push(listener);
  }

  /** A request is under way that was not answered within the same call. */
  requestBegun(): void {
    this.#serving++;
    const { bounds } = this.options;
    if (bounds && this.#serving >= bounds.maxRequests) this.#reader.pause(Pause.REQUESTS);
  }

  /** Such a request has been answered, or waits for something that may take long. */
  requestEnded(): void {
    this.#serving--;
    this.#reader.resume(Pause.REQUESTS);
  }

  data(chunk: Buffer): void {
    this.#reader.data(chunk);
  }

  write(frames: Buffer): void {
    this.#writeBuffer.add(frames);
  }

  flush(): void {
    this.#writeBuffer.flush();
  }

  /** Resolves when the stream has taken all that has been written up to now, or has ended. */
  written(): Promise<void> {
    return this.#writeBuffer.written();
  }

  memory(length: number): Buffer {
    return this.#writeBuffer.memory(length);
  }

  /** Nothing more is read or written. @param abruptly without sending what is left */
  end(abruptly: boolean): void {
    this.#reader.end();
    // A connection that waited for a peer that does not read would stay open.
    if (abruptly || this.congested) {
      this.#writeBuffer.flush();
      return this.#destroy();
    }
    this.#writeBuffer.end();
    const { clock } = this.options;
    if (this.unsentBytes > 0) {
      const limit = clock.setTimeout(() => this.#destroy(), LONGEST_END_MS);
      this.stream.once('close', () => clock.clearTimeout(limit));
    }
    this.stream.end(() => this.stream.destroy());
    // A stream ends only if it is read.
    this.stream.resume();
  }

  #destroy(): void {
    this.#writeBuffer.discard();
    this.stream.destroy();
  }

  #drained(): void {
    this.#reader.resume(Pause.UNSENT);
    for (const listener of this.#drainListeners.splice(0)) listener();
  }
}
