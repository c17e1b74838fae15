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

let lastLength = 0;
let lastShift = ONE;

/** What moves a CRC over `length` bytes. Messages of one length come in runs. */
function shiftOf(length: number): number {
  if (length === lastLength) return lastShift;
  let shift = ONE;
  for (let left = length, n = 0; left > 0; left >>>= 1, n++) if (left & 1) shift = multiply(POWERS[n], shift);
  lastLength = length;
  lastShift = shift;
  return shift;
}

/**
 * @param first CRC-32 of the first piece
 * @param second CRC-32 of the second
 * @param length of the second, bytes, below 2^31
 */
export function combineCrc32(first: number, second: number, length: number): number {
  return (multiply(shiftOf(length), first) ^ second) >>> 0;
}
