// Computes the CRC-32 of two pieces of bytes in a row from the CRCs of each: what has a checksum already need not be
// read a second time. The arithmetic is that of polynomials over two elements, with the bits of a word reversed.

const POLYNOMIAL = 0xedb88320;
const ONE = 0x80000000;

/** The product of two polynomials, modulo that of the CRC. */
function multiply(a: number, b: number): number {
  let product = 0;
  let factor = b;
  for (let bit = ONE; bit !== 0; bit >>>= 1) {
    if (a & bit) product ^= factor;
    factor = factor & 1 ? (factor >>> 1) ^ POLYNOMIAL : factor >>> 1;
  }
  return product >>> 0;
}

/** x to the power of 2^n, for n from 3 on: 2^3 bits are a byte. */
const POWERS = powers();

function powers(): number[] {
  const found: number[] = [];
  let power = ONE >>> 1;
  for (let n = 0; n < 35; n++, power = multiply(power, power)) if (n >= 3) found.push(power);
  return found;
}

/** Bytes from which a CRC that is known is worth being moved, even if that takes hundreds of steps. */
const LONG = 4_096;

/** Computes CRCs of one length after the other: messages of one length come in runs. */
export class CrcCombiner {
  #length = 0;
  /** What each byte of a CRC becomes when the CRC is moved over `#length` bytes: the four sums make the moved CRC. */
  readonly #moved = new Int32Array(4 * 256);
  #hasMoved = false;

  /** Whether `combine` costs less than to read so many bytes once more: where the length is that of the call before. */
  isQuick(length: number): boolean {
    if (length >= LONG) return true;
    if (length === this.#length) return true;
    this.#setLength(length);
    return false;
  }

  /**
   * @param first CRC-32 of the first piece
   * @param second CRC-32 of the second
   * @param length of the second, bytes, below 2^31
   */
  combine(first: number, second: number, length: number): number {
    if (length !== this.#length) {
      this.#setLength(length);
      return (multiply(shiftOf(length), first) ^ second) >>> 0;
    }
    if (!this.#hasMoved) this.#fill();
    const moved = this.#moved;
    const sum =
      moved[first & 0xff]! ^
      moved[256 + ((first >>> 8) & 0xff)]! ^
      moved[512 + ((first >>> 16) & 0xff)]! ^
      moved[768 + (first >>> 24)]!;
    return (sum ^ second) >>> 0;
  }

  #setLength(length: number): void {
    this.#length = length;
    this.#hasMoved = false;
  }

  #fill(): void {
    const shift = shiftOf(this.#length);
    this.#hasMoved = true;
    const moved = this.#moved;
    for (let byte = 0; byte < 4; byte++) {
      const row = byte * 256;
      for (let bit = 0; bit < 8; bit++) moved[row + (1 << bit)] = multiply(shift, (1 << (8 * byte + bit)) >>> 0);
      for (let value = 1; value < 256; value++) {
        const low = value & -value;
        if (low !== value) moved[row + value] = moved[row + low]! ^ moved[row + (value ^ low)]!;
      }
    }
  }
}

/** What moves a CRC over `length` bytes. */
function shiftOf(length: number): number {
  let shift = ONE;
  for (let left = length, n = 0; left > 0; left >>>= 1, n++) if (left & 1) shift = multiply(POWERS[n] ?? ONE, shift);
  return shift;
}
