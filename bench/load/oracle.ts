// Checks a load's messages: each that was acknowledged is stored once and unchanged. A message has its number in its first 8
// bytes, and in its last 4 the CRC-32 of the rest.
import { crc32 } from 'node:zlib';
import { Bitmap } from './bitmap.js';

const CRC_BYTES = 4;
/** Bytes of a body that the oracle writes: none can be smaller. */
export const SMALLEST_BODY = 8 + CRC_BYTES;
const TWO_TO_32 = 0x100000000;

export interface Verdict {
  /** Acknowledged but missing. */
  lost: number;
  /** Stored more often than sent. */
  duplicated: number;
  /** Other than it was sent. */
  altered: number;
  /** Stored but never sent. */
  ghost: number;
  /** Sent, but refused or not answered: may be stored or not. */
  unknown: number;
}

export class Oracle {
  private sent = 0;
  private readonly acknowledged = new Bitmap();
  private readonly seen = new Bitmap();
  private duplicated = 0;
  private altered = 0;
  private ghost = 0;

  constructor(private readonly size: number) {
    if (size < SMALLEST_BODY) throw new Error(`a body of ${size} bytes has no room for the oracle's ${SMALLEST_BODY}`);
  }

  /** Writes the next number and its CRC into a body. Returns the number. */
  stamp(body: Buffer, bodyWithoutCrc: Buffer): number {
    const sequence = this.sent++;
    body.writeUInt32BE(Math.floor(sequence / TWO_TO_32), 0);
    body.writeUInt32BE(sequence % TWO_TO_32, 4);
    body.writeUInt32BE(crc32(bodyWithoutCrc), this.size - CRC_BYTES);
    return sequence;
  }

  acknowledge(sequence: number): void {
    if (!this.acknowledged.add(sequence)) throw new Error(`message ${sequence} was acknowledged twice`);
  }

  /** A message that the broker gave: its body is `length` bytes from `at`. */
  look(bytes: Buffer, at: number, length: number): void {
    const crcAt = at + length - CRC_BYTES;
    if (length !== this.size || crc32(bytes.subarray(at, crcAt)) !== bytes.readUInt32BE(crcAt)) {
      this.altered++;
      return;
    }
    const sequence = bytes.readUInt32BE(at) * TWO_TO_32 + bytes.readUInt32BE(at + 4);
    if (sequence >= this.sent) this.ghost++;
    else if (!this.seen.add(sequence)) this.duplicated++;
  }

  get verdict(): Verdict {
    const { duplicated, altered, ghost } = this;
    const lost = this.acknowledged.countWithout(this.seen);
    return { lost, duplicated, altered, ghost, unknown: this.sent - this.acknowledged.size };
  }
}
