// Collects the chunks of a frame until it is complete, in memory that grows with what has arrived and not with what the
// frame announces. Small chunks are copied together, since each one alone would cost some 200 bytes more.

const SMALLEST_BLOCK = 256;
const LARGEST_BLOCK = 65_536;
/** Chunks of at least this size are kept as they are. */
const LARGE_CHUNK = 8_192;

export class FrameParts {
  /** Bytes kept. */
  length = 0;
  #parts: Buffer[] = [];
  #block: Buffer | undefined;
  #used = 0;

  add(chunk: Buffer): void {
    this.length += chunk.length;
    if (chunk.length >= LARGE_CHUNK) {
      this.#seal();
      this.#parts.push(chunk);
      return;
    }
    for (let at = 0; at < chunk.length;) {
      const block = this.#room();
      const taken = chunk.copy(block, this.#used, at);
      this.#used += taken;
      at += taken;
    }
  }

  /** Takes everything out, in one piece. */
  take(): Buffer {
    this.#seal();
    const parts = this.#parts;
    const whole = parts.length === 1 ? parts[0]! : Buffer.concat(parts, this.length);
    this.#parts = [];
    this.length = 0;
    return whole;
  }

  clear(): void {
    this.#parts = [];
    this.#block = undefined;
    this.length = this.#used = 0;
  }

  #room(): Buffer {
    if (this.#block && this.#used < this.#block.length) return this.#block;
    this.#seal();
    const size = Math.min(LARGEST_BLOCK, Math.max(SMALLEST_BLOCK, this.length));
    this.#used = 0;
    return (this.#block = Buffer.allocUnsafeSlow(size));
  }

  #seal(): void {
    if (this.#block && this.#used > 0) this.#parts.push(this.#block.subarray(0, this.#used));
    this.#block = undefined;
    this.#used = 0;
  }
}
