// Makes once what records that follow each other mostly have in common: their hosts, their topic, and the beginning of their
// ids. The hot path of a consumer.
import type { HostPort } from './message.js';
import { HEX_BYTES, encodeOffsetMsgId } from './message-id.js';

const HIGH = 0x100000000;
/** Hexadecimal digits of the lower half of a position. */
const LOW_DIGITS = 8;

/** One for the records of an answer. Records may also be of different topics and hosts: then nothing is saved. */
export class Neighbours {
  #bornHost: HostPort | undefined;
  #storeHost: HostPort | undefined;
  #topic = '';
  #topicBytes: Buffer = Buffer.alloc(0);
  #idHost: HostPort | undefined;
  #idHigh = -1;
  #idStart = '';

  bornHost(bytes: Buffer, start: number, end: number): HostPort {
    return (this.#bornHost = hostAt(bytes, start, end, this.#bornHost));
  }

  storeHost(bytes: Buffer, start: number, end: number): HostPort {
    return (this.#storeHost = hostAt(bytes, start, end, this.#storeHost));
  }

  topic(bytes: Buffer, start: number, end: number): string {
    if (isAt(bytes, start, end, this.#topicBytes)) return this.#topic;
    this.#topicBytes = bytes.subarray(start, end);
    return (this.#topic = bytes.toString('utf8', start, end));
  }

  /** As `encodeOffsetMsgId`, in a seventh of its time. @param host as `storeHost` has returned it */
  offsetMsgId(host: HostPort, physicalOffset: number): string {
    const high = Math.floor(physicalOffset / HIGH);
    if (high !== this.#idHigh || host !== this.#idHost) {
      this.#idHost = host;
      this.#idHigh = high;
      this.#idStart = encodeOffsetMsgId(host.address, host.port, physicalOffset).slice(0, -LOW_DIGITS);
    }
    const low = physicalOffset >>> 0;
    const first = this.#idStart + HEX_BYTES[low >>> 24]! + HEX_BYTES[(low >>> 16) & 0xff]!;
    return first + HEX_BYTES[(low >>> 8) & 0xff]! + HEX_BYTES[low & 0xff]!;
  }
}

/** The address and, in the last 4 bytes, its port. */
function hostAt(bytes: Buffer, start: number, end: number, known: HostPort | undefined): HostPort {
  if (known?.port === bytes.readInt32BE(end - 4) && isAt(bytes, start, end - 4, known.address)) return known;
  return { address: bytes.subarray(start, end - 4), port: bytes.readInt32BE(end - 4) };
}

function isAt(bytes: Buffer, start: number, end: number, known: Buffer): boolean {
  if (end - start !== known.length) return false;
  for (let index = 0; index < known.length; index++) if (bytes[start + index] !== known[index]) return false;
  return true;
}
