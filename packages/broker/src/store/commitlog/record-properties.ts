// Finds, in the encoded properties of a record, the few that the store itself needs. Makes no string unless it
// must: this runs for every message.

const NAME_END = 1;
const VALUE_END = 2;
const TAGS = Buffer.from('TAGS');
const KEYS = Buffer.from('KEYS');
const UNIQ_KEY = Buffer.from('UNIQ_KEY');
const DELAY = Buffer.from('DELAY');

/** A part of a buffer; `to` 0 where there is none. */
export interface Range {
  from: number;
  to: number;
}

export class RecordProperties {
  readonly tags: Range = { from: 0, to: 0 };
  readonly keys: Range = { from: 0, to: 0 };
  readonly uniqueKey: Range = { from: 0, to: 0 };
  readonly delay: Range = { from: 0, to: 0 };

  /** Finds them in `length` bytes at `at`. */
  find(buffer: Buffer, at: number, length: number): void {
    this.tags.to = this.keys.to = this.uniqueKey.to = this.delay.to = 0;
    const end = at + length;
    while (at < end) {
      // A loop: names and values are so short that each call of indexOf would cost more than it saves.
      let nameEnd = at;
      while (nameEnd < end && buffer[nameEnd] !== NAME_END && buffer[nameEnd] !== VALUE_END) nameEnd++;
      let valueEnd = nameEnd;
      while (valueEnd < end && buffer[valueEnd] !== VALUE_END) valueEnd++;
      // As in Java's reader, a pair without a name or a value does not count.
      const range = valueEnd > nameEnd + 1 ? this.#wanted(buffer, at, nameEnd) : undefined;
      if (range) {
        range.from = nameEnd + 1;
        range.to = valueEnd;
      }
      at = valueEnd + 1;
    }
  }

  #wanted(buffer: Buffer, from: number, to: number): Range | undefined {
    const length = to - from;
    if (length === TAGS.length)
      return same(buffer, from, TAGS) ? this.tags : same(buffer, from, KEYS) ? this.keys : undefined;
    if (length === UNIQ_KEY.length) return same(buffer, from, UNIQ_KEY) ? this.uniqueKey : undefined;
    if (length === DELAY.length) return same(buffer, from, DELAY) ? this.delay : undefined;
    return undefined;
  }
}

function same(buffer: Buffer, from: number, name: Buffer): boolean {
  for (let i = 0; i < name.length; i++) if (buffer[from + i] !== name[i]) return false;
  return true;
}

/** Java's String.hashCode of the UTF-8 text in the range, going on from the hash of what stands before it. */
export function hashUtf8(buffer: Buffer, from: number, to: number, before = 0): number {
  let hash = before;
  for (let at = from; at < to; at++) {
    const byte = buffer[at]!;
    if (byte >= 0x80) return hashText(buffer.toString('utf8', from, to), before);
    hash = (Math.imul(hash, 31) + byte) | 0;
  }
  return hash;
}

/** Java's String.hashCode, going on from the hash of what stands before the text. */
export function hashText(text: string, before = 0): number {
  let hash = before;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  return hash;
}
