// Implements a Bloom filter: a set that needs few bits for a key, and answers "surely not" or "maybe".
import { SeenFilter } from './seen-filter.js';

export interface BloomFilterOptions {
  /** The number of keys it is made for. When it has so many it is cleared: "maybe" would become too frequent. */
  expectedItems: number;
  /** The share of "maybe" for unknown keys when the filter is full: 0.001 is one in a thousand. */
  falsePositiveRate: number;
}

const BITS_PER_WORD = 32;

export class BloomFilter extends SeenFilter {
  readonly #expectedItems: number;
  readonly #words: Uint32Array;
  readonly #bits: number;
  readonly #hashes: number;
  #items = 0;

  constructor({ expectedItems, falsePositiveRate }: BloomFilterOptions) {
    super();
    if (!Number.isInteger(expectedItems) || expectedItems < 1) {
      throw new RangeError(`expectedItems is ${expectedItems}; allowed: an integer of at least 1`);
    }
    if (!(falsePositiveRate > 0 && falsePositiveRate < 1)) {
      throw new RangeError(`falsePositiveRate is ${falsePositiveRate}; allowed: between 0 and 1, neither included`);
    }
    this.#expectedItems = expectedItems;
    const bits = Math.ceil((-expectedItems * Math.log(falsePositiveRate)) / Math.LN2 ** 2);
    this.#words = new Uint32Array(Math.ceil(bits / BITS_PER_WORD));
    this.#bits = this.#words.length * BITS_PER_WORD;
    this.#hashes = Math.max(1, Math.round((this.#bits / expectedItems) * Math.LN2));
  }

  /** Keys added since it was created or last cleared. */
  get items(): number {
    return this.#items;
  }

  add(key: string): void {
    if (this.#items === this.#expectedItems) this.#clear();
    this.#items++;
    for (const bit of this.#bitsOf(key)) this.#words[bit >>> 5]! |= 1 << (bit & 31);
  }

  mightContain(key: string): boolean {
    return this.#bitsOf(key).every((bit) => (this.#words[bit >>> 5]! & (1 << (bit & 31))) !== 0);
  }

  #clear(): void {
    this.#words.fill(0);
    this.#items = 0;
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
