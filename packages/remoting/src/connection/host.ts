// Parses and formats addresses: 'host:port' as text, and IP addresses packed in 4 or 16 bytes as records carry them.
import { isIP, isIPv6 } from 'node:net';
import { AddressError } from '../errors.js';

export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

const HIGHEST_PORT = 65_535;
/** A name or an IPv4 address, or an IPv6 address in brackets; then the port. */
const ADDRESS = /^(?:([^\s:;,/[\]]+)|\[([^\]]+)\]):(\d{1,5})$/;

/** Parses 'host:port' or '[IPv6]:port'; undefined for anything else. Ignores spaces around it. */
export function addressIn(text: string): HostAndPort | undefined {
  const [, name, ipv6, digits] = ADDRESS.exec(text.trim()) ?? [];
  const host = name ?? (ipv6 !== undefined && isIPv6(ipv6) ? ipv6 : undefined);
  const port = Number(digits);
  return host !== undefined && port <= HIGHEST_PORT ? { host, port } : undefined;
}

/** Whether one can connect to it: it is an address, and its port is not 0. */
export function isDialable(text: string): boolean {
  return (addressIn(text)?.port ?? 0) > 0;
}

/** @throws AddressError naming `where` the text was given */
export function parseAddress(text: string, where = 'an address'): HostAndPort {
  const address = addressIn(text);
  if (!address) throw new AddressError(text, where);
  return address;
}

/** Asks Node only where there is a colon: it compiles its pattern of IPv6 for ms when it is asked first. */
export function formatAddress(host: string, port: number): string {
  return host.includes(':') && isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Packs an IP address. IPv4 mapped into IPv6 becomes IPv4; a host name becomes 127.0.0.1. */
export function packHost(host: string): Buffer {
  const plain = host.replace(/^::ffff:(?=\d+\.)/, '').replace(/%.*$/, '');
  const version = isIP(plain);
  if (version === 4) return Buffer.from(plain.split('.').map(Number));
  if (version === 6) return packIPv6(plain);
  return Buffer.from([127, 0, 0, 1]);
}

function packIPv6(host: string): Buffer {
  const [left = '', right] = host.split('::');
  const groups = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const head = groups(left);
  const tail = right === undefined ? [] : groups(right);
  const zeros = Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => 0);
  const all = [...head, ...zeros, ...tail];
  const bytes = Buffer.alloc(16);
  all.forEach((group, index) => bytes.writeUInt16BE(group, index * 2));
  return bytes;
}

export function unpackHost(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups: string[] = [];
  for (let at = 0; at < 16; at += 2) groups.push(bytes.readUInt16BE(at).toString(16));
  return groups.join(':');
}
