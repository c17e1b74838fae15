// Makes names of records that every store can keep: of limited length, and of characters that every database takes.
import { createHash } from 'node:crypto';
import type { IdempotencyKey } from './idempotency-store.js';

/** The longest name that is kept as it is, in bytes of UTF-8. Databases limit the length of a primary key. */
export const MOST_KEY_BYTES = 200;

/** PostgreSQL takes no NUL, and nobody half a surrogate pair. */
// oxlint-disable-next-line no-control-regex -- these are what is looked for
const UNSTORABLE = /[\u0000-\u001f\u007f\p{Surrogate}]/u;

/** The id as it is stored: what is too long or unprintable is replaced by its SHA-256. */
export function storedKey({ scope, key }: IdempotencyKey): IdempotencyKey {
  return { scope: storable(scope), key: storable(key) };
}

function storable(name: string): string {
  const isKept = Buffer.byteLength(name) <= MOST_KEY_BYTES && !UNSTORABLE.test(name);
  return isKept ? name : `sha256:${createHash('sha256').update(Buffer.from(name, 'utf16le')).digest('hex')}`;
}
