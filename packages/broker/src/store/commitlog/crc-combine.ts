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

/** Computes CRCs of one length after the other: messages of one length come in runs. */
export class CrcCombiner {
  #length = 0;
  #shift = ONE;

  /**
   * @param first CRC-32 of the first piece
   * @param second CRC-32 of the second
   * @param length of the second, bytes, below 2^31
   */
  combine(first: number, second: number, length: number): number {
    if (length !== this.#length) {
      this.#length = length;
      this.#shift = shiftOf(length);
    }
    return (multiply(this.#shift, first) ^ second) >>> 0;
  }
}

/** What moves a CRC over `length` bytes. */
function shiftOf(length: number): number {
  let shift = ONE;
  for (let left = length, n = 0; left > 0; left >>>= 1, n++) if (left & 1) shift = multiply(POWERS[n] ?? ONE, shift);
  return shift;
}
