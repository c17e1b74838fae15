// Reads and writes integers and copies bytes without range checks, for the hot paths. To look up a method of a Buffer costs
// 4 ns each time, and the method is not inlined (V8 11.3).

/** The signed 32-bit integer at `at`. Bytes behind the end count as 0: the caller knows that there are four. */
export function readInt(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

/** Writes the low 32 bits of `value`, the highest byte first. */
export function writeInt(bytes: Uint8Array, value: number, at: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** Up to this length a loop is faster than a view of the bytes and a call of `set`, and leaves no garbage. */
const SHORT = 64;

/** Copies the bytes from `start` to `end`; the two do not overlap. */
export function copyBytes(from: Buffer, start: number, end: number, to: Buffer, at: number): void {
  const length = end - start;
  if (length > SHORT) to.set(from.length === length ? from : from.subarray(start, end), at);
  else for (let index = 0; index < length; index++) to[at + index] = from[start + index]!;
}
