// Makes and reads the two ids of a message: the producer's (UNIQ_KEY), and the one that says where a broker stored it.
import { randomBytes } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import { DecodeError } from '../errors.js';
import { packHost, unpackHost } from '../connection/host.js';

/**
 * The first non-internal IPv4 address of this machine, or 127.0.0.1. It is used in ids only; nobody connects to it.
 */
export function localHost(): string {
  for (const addresses of Object.values(networkInterfaces())) {
    for (const { family, internal, address } of addresses ?? []) if (family === 'IPv4' && !internal) return address;
  }
  return '127.0.0.1';
}

function startOfMonth(now: number): number {
  const date = new Date(now);
  return new Date(date.getFullYear(), date.getMonth(), 1).getTime();
}

const HEX_DIGITS = Buffer.from('0123456789ABCDEF', 'latin1');
/** Of each byte, its two digits. */
export const HEX_BYTES: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, '0').toUpperCase(),
);

/** Hexadecimal digits of a UNIQ_KEY as it is made here. */
export const UNIQUE_ID_LENGTH = 32;

/** Makes UNIQ_KEYs. Containers share addresses and pids, so random bytes replace Java's hash of a class loader. */
export class UniqueIdMaker {
  readonly #prefix: string;
  #counter = randomBytes(2).readUInt16BE();
  #month = { start: 0, next: 0 };
  #now = NaN;
  /** What the ids of this millisecond begin with. */
  #start = '';
  #startBytes = Buffer.alloc(0);

  constructor(host: string = localHost()) {
    const pid = Buffer.alloc(2);
    pid.writeUInt16BE(process.pid & 0xffff);
    const packed = packHost(host);
    this.#prefix = Buffer.concat([packed.length === 4 ? packed : packed.subarray(0, 4), pid, randomBytes(4)])
      .toString('hex')
      .toUpperCase();
  }

  /** @param now ms since the epoch; 32 hexadecimal digits come out */
  next(now: number): string {
    if (now !== this.#now) this.#enter(now);
    this.#counter = (this.#counter + 1) & 0xffff;
    return this.#start + HEX_BYTES[this.#counter >> 8]! + HEX_BYTES[this.#counter & 0xff]!;
  }

  /** Writes the id that `next` would give to `bytes`, in ASCII. */
  write(now: number, bytes: Buffer, at: number): void {
    if (now !== this.#now) this.#enter(now);
    this.#counter = (this.#counter + 1) & 0xffff;
    const start = this.#startBytes;
    for (let index = 0; index < start.length; index++) bytes[at + index] = start[index]!;
    for (let digit = UNIQUE_ID_LENGTH - 1, rest = this.#counter; digit >= start.length; digit--, rest >>= 4)
      bytes[at + digit] = HEX_DIGITS[rest & 15]!;
  }

  #enter(now: number): void {
    if (now < this.#month.start || now >= this.#month.next) this.#enterMonth(now);
    const time = Buffer.allocUnsafe(4);
    time.writeUInt32BE((now - this.#month.start) >>> 0, 0);
    this.#now = now;
    this.#start = this.#prefix + time.toString('hex').toUpperCase();
    this.#startBytes = Buffer.from(this.#start, 'latin1');
  }

  #enterMonth(now: number): void {
    const start = startOfMonth(now);
    const date = new Date(start);
    this.#month = { start, next: new Date(date.getFullYear(), date.getMonth() + 1, 1).getTime() };
  }
}

const OFFSET_DIGITS = 16;
const PORT_DIGITS = 8;

/** Address, port and position in the commit log, in hexadecimal. */
export function encodeOffsetMsgId(host: Buffer, port: number, physicalOffset: number): string {
  const text = Buffer.allocUnsafe(host.length * 2 + PORT_DIGITS + OFFSET_DIGITS);
  let at = 0;
  for (const byte of host) {
    text[at++] = HEX_DIGITS[byte >> 4]!;
    text[at++] = HEX_DIGITS[byte & 15]!;
  }
  writeHex(text, port >>> 0, at, PORT_DIGITS);
  writeHex(text, physicalOffset, at + PORT_DIGITS, OFFSET_DIGITS);
  return text.toString('latin1');
}

function writeHex(text: Buffer, value: number, start: number, digits: number): void {
  let rest = value;
  for (let at = start + digits - 1; at >= start; at--) {
    const high = Math.floor(rest / 16);
    text[at] = HEX_DIGITS[rest - high * 16]!;
    rest = high;
  }
}

export interface OffsetMsgId {
  readonly host: string;
  readonly port: number;
  readonly physicalOffset: number;
}

/** @throws DecodeError when it is not an offset message id */
export function decodeOffsetMsgId(id: string): OffsetMsgId {
  if (!/^(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{56})$/.test(id)) {
    throw new DecodeError(
      `'${String(id).slice(0, 64)}' is no offset message id: 32 or 56 hexadecimal digits are wanted`,
    );
  }
  const bytes = Buffer.from(id, 'hex');
  const hostLength = bytes.length - 12;
  return {
    host: unpackHost(bytes.subarray(0, hostLength)),
    port: bytes.readInt32BE(hostLength),
    physicalOffset: Number(bytes.readBigInt64BE(hostLength + 4)),
  };
}
