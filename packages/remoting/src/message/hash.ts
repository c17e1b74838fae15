// Computes Java's String.hashCode, by which tags and keys are indexed, and the CRC of bodies.
import { crc32 } from 'node:zlib';

/** Over UTF-16 units, in 32-bit arithmetic; signed. */
export function javaHashCode(text: string): number {
  let hash = 0;
  for (let at = 0; at < text.length; at++) hash = (Math.imul(31, hash) + text.charCodeAt(at)) | 0;
  return hash;
}

/** CRC-32 (IEEE) without its highest bit, as Apache stores it. */
export function bodyCrc(body: Uint8Array): number {
  return crc32(body) & 0x7fffffff;
}
