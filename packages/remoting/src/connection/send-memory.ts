// Owns memory for frames on their way to a socket: it is lent, written, and used again. From new buffers, answers to
// pulls of 60 MB a second made V8 stop the thread for 3 to 7 ms four times a second: its collector counts the bytes
// outside of its heap.

/** Bytes that frames are lent from. */
const SLAB_BYTES = 512 * 1024;
/** Slabs kept while nothing is lent from them; more are left to the collector. */
const MOST_FREE = 8;

interface Slab {
  readonly bytes: Buffer;
  used: number;
  lent: number;
}

export class SendMemory {
  #current: Slab | undefined;
  readonly #free: Slab[] = [];
  readonly #slabs = new WeakMap<ArrayBufferLike, Slab>();

  /** Memory for one frame, or a part of one. What is never given back is left to the collector with its slab. */
  lend(length: number): Buffer {
    if (length > SLAB_BYTES / 2) return Buffer.allocUnsafeSlow(length);
    let slab = this.#current;
    if (!slab || slab.used + length > SLAB_BYTES) slab = this.#next();
    const start = slab.used;
    slab.used += length;
    slab.lent++;
    return slab.bytes.subarray(start, slab.used);
  }

  /** Once for all that was lent, when nobody reads it any more. Memory from elsewhere is left alone. */
  giveBack(frame: Buffer): void {
    const slab = this.#slabs.get(frame.buffer);
    if (!slab || --slab.lent > 0) return;
    slab.used = 0;
    if (slab !== this.#current && this.#free.length < MOST_FREE) this.#free.push(slab);
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

/** One for all sockets of the process. */
export const sendMemory = new SendMemory();
