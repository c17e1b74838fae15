// Implements a Bloom filter of two generations: a set that needs few bits for a key, and answers "surely not" or "maybe".
import type { Clock } from '@nest-rocketmq/remoting/internal';

export interface BloomSize {
  /** Keys for which one generation is made. */
  expectedKeys: number;
  /** The share of "maybe" for unknown keys when a generation is full. */
  falsePositiveRate: number;
}

const BITS_PER_WORD = 32;

/** The bits that so many keys need at this rate. */
export function bloomBits({ expectedKeys, falsePositiveRate }: BloomSize): number {
  return Math.ceil((-expectedKeys * Math.log(falsePositiveRate)) / Math.LN2 ** 2);
}

/** A plain Bloom filter. It is cleared as a whole only. */
class Generation {
  readonly #words: Uint32Array;
  readonly #bits: number;
  readonly #hashes: number;
  keys = 0;

  constructor(size: BloomSize) {
    this.#words = new Uint32Array(Math.ceil(bloomBits(size) / BITS_PER_WORD));
    this.#bits = this.#words.length * BITS_PER_WORD;
    this.#hashes = Math.max(1, Math.round((this.#bits / size.expectedKeys) * Math.LN2));
  }

  add(key: string): void {
    this.keys++;
    for (const bit of this.#bitsOf(key)) this.#words[bit >>> 5]! |= 1 << (bit & 31);
  }

  mightContain(key: string): boolean {
    return this.#bitsOf(key).every((bit) => (this.#words[bit >>> 5]! & (1 << (bit & 31))) !== 0);
  }

  clear(): void {
    this.#words.fill(0);
    this.keys = 0;
  }

  /** Enhanced double hashing: all positions from two hashes, without the cycles of plain double hashing. */
  #bitsOf(key: string): number[] {
    let [position, step] = hashPair(key);
    return Array.from({ length: this.#hashes }, (_, index) => {
      const bit = position % this.#bits;
      position = (position + step) >>> 0;
      step = (step + index) >>> 0;
      return bit;
    });
  }
}

/**
 * Keys are added to the younger generation. When it is full, or `rotateEvery` has passed, the older one is cleared and takes
 * its place. So a key is remembered for at least one whole generation, and "maybe" never becomes too frequent.
 */
export class RotatingBloomFilter {
  readonly #expectedKeys: number;
  readonly #rotateEvery: number;
  readonly #clock: Clock;
  #younger: Generation;
  #older: Generation;
  #rotatedAt: number;

  /** @param rotateEvery ms */
  constructor(size: BloomSize, rotateEvery: number, clock: Clock) {
    this.#expectedKeys = size.expectedKeys;
    this.#rotateEvery = rotateEvery;
    this.#clock = clock;
    this.#younger = new Generation(size);
    this.#older = new Generation(size);
    this.#rotatedAt = clock.monotonic();
  }

  add(key: string): void {
    this.#rotateByTime();
    if (this.#younger.mightContain(key)) return;
    if (this.#younger.keys === this.#expectedKeys) this.#rotate();
    this.#younger.add(key);
  }

  /** false: surely not added, or long ago. */
  mightContain(key: string): boolean {
    this.#rotateByTime();
    return this.#younger.mightContain(key) || this.#older.mightContain(key);
  }

  #rotateByTime(): void {
    const passed = this.#clock.monotonic() - this.#rotatedAt;
    if (passed < this.#rotateEvery) return;
    this.#rotate();
    if (passed >= 2 * this.#rotateEvery) this.#rotate();
  }

  #rotate(): void {
    const cleared = this.#older;
    cleared.clear();
    this.#older = this.#younger;
    this.#younger = cleared;
    this.#rotatedAt = this.#clock.monotonic();
  }
}

/** FNV-1a, and the same spread once more, as two unsigned 32-bit numbers. */
function hashPair(key: string): [number, number] {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(key)) hash = Math.imul(hash ^ byte, 0x01000193);
  return [spread(hash), spread(hash ^ 0x9e3779b9)];
}

/** The last step of MurmurHash3: each bit of the input moves half the bits of the output. */
function spread(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
