// Owns the gathering of a connection's writes: what is queued within one turn of the event loop goes out as one write.
import type { Duplex } from 'node:stream';

export const DEFAULT_MAX_UNSENT_BYTES = 64 * 1024 * 1024;

/** Up to here, joining small frames by a copy is cheaper than a vectored write. */
const JOIN_UP_TO = 64 * 1024;

export class Outbox {
  #frames: Buffer[] = [];
  #bytes = 0;
  #scheduled = false;

  constructor(
    private readonly stream: Duplex,
    private readonly maxUnsentBytes: number,
    private readonly onOverflow: (unsentBytes: number) => void,
  ) {}

  add(frame: Buffer): void {
    this.#frames.push(frame);
    this.#bytes += frame.length;
    if (this.#scheduled) return;
    this.#scheduled = true;
    // nextTick, not a microtask: it runs once the whole data event or callback, and all it queued, is done.
    process.nextTick(() => this.flush());
  }

  flush(): void {
    this.#scheduled = false;
    if (this.#frames.length === 0) return;
    const frames = this.#frames;
    const bytes = this.#bytes;
    this.#frames = [];
    this.#bytes = 0;
    if (this.stream.destroyed || this.stream.writableEnded) return;
    if (frames.length === 1) this.stream.write(frames[0]);
    else if (bytes <= JOIN_UP_TO) this.stream.write(Buffer.concat(frames, bytes));
    else {
      this.stream.cork();
      for (const frame of frames) this.stream.write(frame);
      this.stream.uncork();
    }
    if (this.stream.writableLength > this.maxUnsentBytes) this.onOverflow(this.stream.writableLength);
  }
}
