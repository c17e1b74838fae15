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

/** Makes UNIQ_KEYs. Containers share addresses and pids, so random bytes replace Java's hash of a class loader. */
export class UniqueIdMaker {
  readonly #prefix: string;
  #counter = randomBytes(2).readUInt16BE();
  #month = { start: 0, next: 0 };

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
    if (now < this.#month.start || now >= this.#month.next) this.#enterMonth(now);
    this.#counter = (this.#counter + 1) & 0xffff;
    const tail = Buffer.allocUnsafe(6);
    tail.writeUInt32BE((now - this.#month.start) >>> 0, 0);
    tail.writeUInt16BE(this.#counter, 4);
    return this.#prefix + tail.toString('hex').toUpperCase();
  }

  #enterMonth(now: number): void {
    const start = startOfMonth(now);
    const date = new Date(start);
    this.#month = { start, next: new Date(date.getFullYear(), date.getMonth() + 1, 1).getTime() };
  }
}

/** Address, port and position in the commit log, in hexadecimal. */
export function encodeOffsetMsgId(host: Buffer, port: number, physicalOffset: number): string {
  const bytes = Buffer.allocUnsafe(host.length + 12);
  host.copy(bytes);
  bytes.writeInt32BE(port, host.length);
  bytes.writeBigInt64BE(BigInt(physicalOffset), host.length + 4);
  return bytes.toString('hex').toUpperCase();
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
