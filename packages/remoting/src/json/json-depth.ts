// Measures how deep JSON is nested, in one pass over the bytes, before a recursive reader gets it.

/** Levels of objects and arrays, at most: no body of this protocol comes near. */
export const MAX_JSON_DEPTH = 32;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** What is wrong with the nesting; undefined when nothing is. */
export function depthFault(bytes: Buffer): string | undefined {
  let depth = 0;
  let inText = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (inText) {
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) inText = false;
    } else if (byte === QUOTE) inText = true;
    else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > MAX_JSON_DEPTH) return `JSON is nested more than ${MAX_JSON_DEPTH} deep`;
    } else if (byte === 0x7d || byte === 0x5d) depth--;
  }
  return undefined;
}
