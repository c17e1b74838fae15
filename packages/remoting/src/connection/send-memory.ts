// Lends memory for frames on their way to a socket, and reuses it once they are written. With a new buffer for each
// frame, answers to pulls of 60 MB/s made V8 stop the thread for 3 to 7 ms four times a second, since its collector
// counts the bytes outside of its heap.

/** Size of a slab, from which frames are lent. */
const SLAB_BYTES = 512 * 1024;
/** Slabs that are kept for reuse; the collector gets the others. */
const MAX_FREE_SLABS = 8;

interface Slab {
  readonly bytes: Buffer;
  used: number;
  lent: number;
}

/** Shared by all connections of a server, or of a client. */
export class SendMemory {
  #current: Slab | undefined;
  readonly #free: Slab[] = [];
  readonly #slabs = new WeakMap<ArrayBufferLike, Slab>();

  /** Memory for one frame, or a part of one. A slab of which something is never given back goes to the collector. */
  lend(length: number): Buffer {
    if (length > SLAB_BYTES / 2) return Buffer.allocUnsafeSlow(length);
    let slab = this.#current;
    if (!slab || slab.used + length > SLAB_BYTES) slab = this.#next();
    const start = slab.used;
    slab.used += length;
    slab.lent++;
    return slab.bytes.subarray(start, slab.used);
  }

  /** To be called once for each frame, when nobody reads it any more. Does nothing for memory from elsewhere. */
  giveBack(frame: Buffer): void {
    const slab = this.#slabs.get(frame.buffer);
    if (!slab || --slab.lent > 0) return;
    slab.used = 0;
    if (slab !== this.#current && this.#free.length < MAX_FREE_SLABS) this.#free.push(slab);
  }

  #next(): Slab {
    let slab = this.#free.pop();
    if (!slab) {
      slab = { bytes: Buffer.allocUnsafeSlow(SLAB_BYTES), used: 0, lent: 0 };
      this.#slabs.set(slab.bytes.buffer, slab);
    }
    return (this.#current = slab);
  }
}
