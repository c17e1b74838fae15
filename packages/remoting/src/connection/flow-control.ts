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

/** What a server holds each of its connections to. A client's are held to nothing: two ends that wait for each other stop. */
export interface ConnectionBounds {
  /** bytes of answers that wait for the peer, from which on no more is read from it */
  readonly writeBufferHighWaterMark: number;
  /** requests that are being served, from which on no more is read */
  readonly maxRequests: number;
  /** answers that wait, over all connections */
  readonly unsent: UnsentBytes;
  /** half-received frames, over all connections */
  readonly unfinished: UnfinishedFrames;
  /** for what a hostile peer can make the log say at will */
  readonly log: LogThrottle;
}

export interface FlowControlOptions {
  readonly clock: Clock;
  readonly limits?: Partial<FrameLimits> | undefined;
  readonly maxUnsentBytes?: number | undefined;
  readonly sendMemory?: SendMemory | undefined;
  readonly bounds?: ConnectionBounds | undefined;
  readonly onFrame: (frame: Buffer) => void;
  /** What came is no frame. */
  onFault(error: unknown): void;
  /** The peer is not to be kept. @param reason in words */
  onTooSlow(reason: string): void;
}

/** How long a connection that ends may take to send what is left, ms. */
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
    // Some of what a stream had it may never say that it has given up.
    stream.once('close', () => this.#writeBuffer.discard());
  }

  /** True while a frame has begun to arrive and has not ended, and nothing here keeps it from arriving. */
  get midFrame(): boolean {
    return this.#reader.midFrame;
  }

  /** Whole frames that have come so far. */
  get frames(): number {
    return this.#reader.frames;
  }

  /** Bytes of the frame that has begun to arrive. */
  get heldBytes(): number {
    return this.#reader.heldBytes;
  }

  /** So much waits for the peer that it is asked for nothing more, and is to be sent nothing large. */
  get congested(): boolean {
    return this.#writeBuffer.congested;
  }

  /** Bytes that wait for the peer. */
  get unsentBytes(): number {
    return this.#writeBuffer.unsent;
  }

  /** Bytes that have gone out so far. */
  get sentBytes(): number {
    return this.#writeBuffer.taken;
  }

  /** Whether written buffers go to no one who could change them. */
  get toSocket(): boolean {
    return this.#writeBuffer.toSocket;
  }

  /** Calls back once, when the connection is congested no more. */
  onDrained(listener: () => void): void {
    this.#drainListeners.push(listener);
  }

  /** A request begins to be served, and is not answered within the same call. */
  requestBegun(): void {
    this.#serving++;
    const { bounds } = this.options;
    if (bounds && this.#serving >= bounds.maxRequests) this.#reader.pause(Pause.REQUESTS);
  }

  /** It has been answered, or waits for something that may be long in coming. */
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
    // A peer that does not read would keep open a connection that waits for it.
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
    // A stream that is not read does not end.
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
