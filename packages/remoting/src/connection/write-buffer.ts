// Gathers a connection's writes: frames that are queued within one turn of the event loop go out as one write. The
// stream is never given more than it is about to take, so that one can see whether the peer reads.
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { SendMemory } from './send-memory.js';
import type { UnsentBytes } from './unsent-bytes.js';

export const DEFAULT_MAX_UNSENT_BYTES = 64 * 1024 * 1024;

/** Up to here, joining small frames by a copy is cheaper than a vectored write. */
const JOIN_UP_TO = 64 * 1024;
/** Most bytes that the stream is given before it has taken them. */
const WINDOW = 256 * 1024;

export interface WriteBufferOptions {
  /** Bytes that may wait before `onOverflow`; a function where that changes. */
  readonly maxUnsentBytes: number | (() => number);
  /** Unsent bytes above which `onCongested` is called; default: never. */
  readonly highWaterMark?: number;
  /** Where frames for a socket are lent from. Default: memory of its own. */
  readonly sendMemory?: SendMemory | undefined;
  /** Counts for all connections together. */
  readonly unsent?: UnsentBytes | undefined;
  onOverflow(unsentBytes: number): void;
  onCongested?(): void;
  /** Called after `onCongested`, when half of the high-water mark is left. */
  onDrained?(): void;
}

export class WriteBuffer {
  #frames: Buffer[] = [];
  #bytes = 0;
  #scheduled = false;
  /** Frames that the stream is not given yet; of the first one, the bytes before `#offset` are given. */
  readonly #queue: Buffer[] = [];
  #offset = 0;
  /** Bytes that the stream was given and has not taken. */
  #given = 0;
  #unsent = 0;
  #congested = false;
  #discarded = false;
  /** Bytes that the stream has taken so far. */
  taken = 0;
  readonly #highWaterMark: number;
  readonly #sendMemory: SendMemory;
  readonly #waiting: { readonly taken: number; resolve(): void }[] = [];
  /** Whether the stream is a socket. The reader of any other stream gets the written buffers themselves, and may keep them. */
  readonly toSocket: boolean;

  constructor(
    private readonly stream: Duplex,
    private readonly options: WriteBufferOptions,
  ) {
    this.toSocket = stream instanceof Socket;
    this.#highWaterMark = options.highWaterMark ?? Infinity;
    this.#sendMemory = options.sendMemory ?? new SendMemory();
  }

  /** Bytes that the stream has not taken. */
  get unsent(): number {
    return this.#unsent + this.#bytes;
  }

  /** The high-water mark was exceeded, and more than half of it is unsent since. */
  get congested(): boolean {
    return this.#congested;
  }

  /** Memory for a frame that is added next. */
  memory(length: number): Buffer {
    return this.toSocket ? this.#sendMemory.lend(length) : Buffer.allocUnsafe(length);
  }

  add(frame: Buffer): void {
    this.#frames.push(frame);
    this.#bytes += frame.length;
    if (this.#bytes > this.#highWaterMark) this.#congest();
    if (this.#scheduled) return;
    this.#scheduled = true;
    // nextTick, not a microtask: it runs after the whole data event or callback, and everything it queued.
    process.nextTick(() => this.flush());
  }

  /** Resolves when the stream has taken everything added so far, or has ended. */
  written(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ taken: this.taken + this.#unsent + this.#bytes, resolve });
      this.#tellWritten();
    });
  }

  flush(): void {
    this.#scheduled = false;
    if (this.#frames.length > 0) this.#flushFrames();
  }

  #flushFrames(): void {
    const frames = this.#frames;
    const bytes = this.#bytes;
    this.#frames = [];
    this.#bytes = 0;
    if (this.#discarded || this.stream.destroyed || this.stream.writableEnded) return this.#tellWritten(true);
    this.#unsent += bytes;
    this.options.unsent?.add(bytes);
    const free = this.#queue.length === 0 && this.#given < WINDOW;
    if (frames.length === 1 && free && bytes <= JOIN_UP_TO) this.#give(frames[0]!, frames[0]);
    else if (bytes <= JOIN_UP_TO) {
      const joined = this.#join(frames, bytes);
      if (free) this.#give(joined, joined);
      else this.#queue.push(joined);
    } else {
      for (const frame of frames) this.#queue.push(frame);
      this.#pump();
    }
    if (this.#unsent > this.#highWaterMark) this.#congest();
    const { maxUnsentBytes: most } = this.options;
    if (this.#unsent > (typeof most === 'number' ? most : most())) this.options.onOverflow(this.#unsent);
  }

  /** Gives the stream everything that is queued; nothing may be added after it. */
  end(): void {
    this.flush();
    this.#pump(Infinity);
  }

  /** Drops what the stream was not given. */
  discard(): void {
    this.#discarded = true;
    this.#frames = [];
    this.#bytes = 0;
    this.#queue.length = 0;
    // For what the stream was given it calls back later, or never if it is destroyed.
    this.options.unsent?.sent(this.#unsent);
    this.#unsent = 0;
    this.#tellWritten(true);
  }

  /** @param all whether nothing more will be taken */
  #tellWritten(all = this.#discarded): void {
    const waiting = this.#waiting;
    while (waiting.length > 0 && (all || waiting[0]!.taken <= this.taken)) waiting.shift()!.resolve();
  }

  #congest(): void {
    if (this.#congested) return;
    this.#congested = true;
    this.options.onCongested?.();
  }

  #pump(window = WINDOW): void {
    const queue = this.#queue;
    if (queue.length === 0 || this.#given >= window) return;
    const corked = queue.length > 1;
    if (corked) this.stream.cork();
    let done = 0;
    while (done < queue.length && this.#given < window) {
      const frame = queue[done]!;
      const end = Math.min(frame.length, this.#offset + WINDOW);
      const last = end === frame.length;
      this.#give(this.#offset === 0 && last ? frame : frame.subarray(this.#offset, end), last ? frame : undefined);
      this.#offset = last ? 0 : end;
      if (last) done++;
    }
    queue.splice(0, done);
    if (corked) this.stream.uncork();
  }

  /** @param lent to be given back when these bytes are taken */
  #give(bytes: Buffer, lent: Buffer | undefined): void {
    this.#given += bytes.length;
    this.stream.write(bytes, () => {
      this.#given -= bytes.length;
      if (lent && this.toSocket) this.#sendMemory.giveBack(lent);
      if (this.#discarded) return;
      this.taken += bytes.length;
      this.#unsent -= bytes.length;
      this.options.unsent?.sent(bytes.length);
      if (this.#waiting.length > 0) this.#tellWritten();
      if (this.#queue.length > 0) this.#pump();
      if (!this.#congested || this.#unsent > this.#highWaterMark / 2) return;
      this.#congested = false;
      this.options.onDrained?.();
    });
  }

  #join(frames: readonly Buffer[], bytes: number): Buffer {
    if (frames.length === 1) return frames[0]!;
    const joined = this.memory(bytes);
    let at = 0;
    for (const frame of frames) {
      at += frame.copy(joined, at);
      if (this.toSocket) this.#sendMemory.giveBack(frame);
    }
    return joined;
  }
}
