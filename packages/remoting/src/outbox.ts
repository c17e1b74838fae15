// Owns the gathering of a connection's writes: what is queued within one turn of the event loop goes out as one write.
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { NO_BODY } from './command.js';
import { sendMemory } from './send-memory.js';

export const DEFAULT_MAX_UNSENT_BYTES = 64 * 1024 * 1024;

/** Up to here, joining small frames by a copy is cheaper than a vectored write. */
const JOIN_UP_TO = 64 * 1024;

export class Outbox {
  #frames: Buffer[] = [];
  #bytes = 0;
  #scheduled = false;
  #waiting: (() => void)[] = [];
  /** Whoever reads from another stream is given the very buffers that were written, and may keep them. */
  readonly #toSocket: boolean;

  constructor(
    private readonly stream: Duplex,
    private readonly maxUnsentBytes: number,
    private readonly onOverflow: (unsentBytes: number) => void,
  ) {
    this.#toSocket = stream instanceof Socket;
  }

  /** Memory for a frame that is added next. */
  memory(length: number): Buffer {
    return this.#toSocket ? sendMemory.lend(length) : Buffer.allocUnsafe(length);
  }

  add(frame: Buffer): void {
    this.#frames.push(frame);
    this.#bytes += frame.length;
    if (this.#scheduled) return;
    this.#scheduled = true;
    // nextTick, not a microtask: it runs once the whole data event or callback, and all it queued, is done.
    process.nextTick(() => this.flush());
  }

  /** Resolves when the stream has taken what has been added up to now, or has ended. */
  written(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#scheduled) return;
      this.#scheduled = true;
      process.nextTick(() => this.flush());
    });
  }

  flush(): void {
    this.#scheduled = false;
    if (this.#frames.length > 0) this.#flushFrames();
    if (this.#waiting.length > 0) this.#tellWhenWritten(this.#waiting.splice(0));
  }

  #flushFrames(): void {
    const frames = this.#frames;
    const bytes = this.#bytes;
    this.#frames = [];
    this.#bytes = 0;
    if (this.stream.destroyed || this.stream.writableEnded) return;
    if (frames.length === 1) this.#write(frames[0]!);
    else if (bytes <= JOIN_UP_TO) this.#write(this.#join(frames, bytes));
    else {
      this.stream.cork();
      for (const frame of frames) this.#write(frame);
      this.stream.uncork();
    }
    if (this.stream.writableLength > this.maxUnsentBytes) this.onOverflow(this.stream.writableLength);
  }

  /** By an empty write behind all others. */
  #tellWhenWritten(waiting: readonly (() => void)[]): void {
    const tell = (): void => waiting.forEach((resolve) => resolve());
    if (this.stream.destroyed || this.stream.writableEnded) tell();
    else this.stream.write(NO_BODY, tell);
  }

  #write(frame: Buffer): void {
    if (this.#toSocket) this.stream.write(frame, () => sendMemory.giveBack(frame));
    else this.stream.write(frame);
  }

  #join(frames: readonly Buffer[], bytes: number): Buffer {
    const joined = this.memory(bytes);
    let at = 0;
    for (const frame of frames) {
      at += frame.copy(joined, at);
      if (this.#toSocket) sendMemory.giveBack(frame);
    }
    return joined;
  }
}
