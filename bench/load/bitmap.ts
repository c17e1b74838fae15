// Stores a set of small whole numbers, one bit each. It grows as needed.

const FIRST_BYTES = 1 << 16;

export class Bitmap {
  private bytes = new Uint8Array(FIRST_BYTES);
  size = 0;

  has(index: number): boolean {
    const byte = Math.floor(index / 8);
    return byte < this.bytes.length && (this.bytes[byte]! & (1 << (index % 8))) !== 0;
  }

  /** Adds a number. False if it was there before. */
  add(index: number): boolean {
    const byte = Math.floor(index / 8);
    if (byte >= this.bytes.length) this.grow(byte + 1);
    const bit = 1 << (index % 8);
    if ((this.bytes[byte]! & bit) !== 0) return false;
    this.bytes[byte]! |= bit;
    this.size++;
    return true;
  }

  /** How many numbers are here but not in the other set. */
  countWithout(other: Bitmap): number {
    let count = 0;
    for (let i = 0; i < this.bytes.length; i++) {
      // Each round clears the lowest bit that is set.
      for (let left = this.bytes[i]! & ~(other.bytes[i] ?? 0); left !== 0; left &= left - 1) count++;
    }
    return count;
  }

  private grow(atLeast: number): void {
    const grown = new Uint8Array(Math.max(atLeast, this.bytes.length * 2));
    grown.set(this.bytes);
    this.bytes = grown;
  }
}
