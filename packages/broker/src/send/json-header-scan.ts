// Reads a JSON header from its bytes without building an object, for the hot path. It understands the form that peers
// write, without spaces and with fields as strings; any other form is for the full reader.
import { MAX_EXT_FIELDS } from '@nest-rocketmq/remoting/internal';

const FIELDS = Buffer.from('extFields', 'latin1');
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN = 0x7b;
const CLOSE = 0x7d;
const ZERO = 0x30;
const MINUS = 0x2d;
const LOWER_U = 0x75;
const MOST_DIGITS = 15;
const HEX = 16;

/** The characters that stand for others after a backslash. */
const ESCAPES: ReadonlyMap<number, number> = new Map(
  Object.entries({ '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }).map(([from, to]) => [
    from.charCodeAt(0),
    to.charCodeAt(0),
  ]),
);

/** Is told what stands in the header, in the order in which it stands there. Names and texts are ranges of bytes. */
export interface JsonHeaderVisitor {
  /** A number at the top of the header. */
  number(bytes: Buffer, nameStart: number, nameEnd: number, value: number): void;
  /** A header field; `value` shares memory with the frame or with what the next field may be read into. */
  field(bytes: Buffer, nameStart: number, nameEnd: number, value: Buffer, valueStart: number, valueEnd: number): void;
}

export class JsonHeaderScan {
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  #end = 0;
  #unescaped = Buffer.alloc(1024);

  /** @returns false when the header is not as peers write it: nothing is to be made of what was told until then */
  scan(bytes: Buffer, start: number, end: number, visitor: JsonHeaderVisitor): boolean {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    if (!this.#take(OPEN)) return false;
    do {
      const nameStart = this.#at + 1;
      const nameEnd = this.#plainText();
      if (nameEnd < 0 || !this.#take(COLON) || !this.#member(nameStart, nameEnd, visitor)) return false;
    } while (this.#take(COMMA));
    return this.#take(CLOSE) && this.#at === end;
  }

  #member(nameStart: number, nameEnd: number, visitor: JsonHeaderVisitor): boolean {
    const next = this.#bytes[this.#at];
    if (next === OPEN) return this.#isFields(nameStart, nameEnd) && this.#fields(visitor);
    // Language, remark, serialize type: nothing of them is wanted, and an escaped one is not skipped here.
    if (next === QUOTE) return this.#plainText() >= 0;
    const value = this.#integer();
    if (Number.isNaN(value)) return false;
    visitor.number(this.#bytes, nameStart, nameEnd, value);
    return true;
  }

  #isFields(nameStart: number, nameEnd: number): boolean {
    if (nameEnd - nameStart !== FIELDS.length) return false;
    for (let at = 0; at < FIELDS.length; at++) if (this.#bytes[nameStart + at] !== FIELDS[at]) return false;
    return true;
  }

  #fields(visitor: JsonHeaderVisitor): boolean {
    this.#at++;
    if (this.#take(CLOSE)) return true;
    let count = 0;
    do {
      // The full reader says what is wrong.
      if (++count > MAX_EXT_FIELDS) return false;
      const nameStart = this.#at + 1;
      const nameEnd = this.#plainText();
      if (nameEnd < 0 || !this.#take(COLON) || !this.#field(nameStart, nameEnd, visitor)) return false;
    } while (this.#take(COMMA));
    return this.#take(CLOSE);
  }

  #field(nameStart: number, nameEnd: number, visitor: JsonHeaderVisitor): boolean {
    const start = this.#at + 1;
    const end = this.#plainText();
    if (end >= 0) {
      visitor.field(this.#bytes, nameStart, nameEnd, this.#bytes, start, end);
      return true;
    }
    this.#at = start - 1;
    const length = this.#escapedText();
    if (length < 0) return false;
    visitor.field(this.#bytes, nameStart, nameEnd, this.#unescaped, 0, length);
    return true;
  }

  #take(byte: number): boolean {
    if (this.#at >= this.#end || this.#bytes[this.#at] !== byte) return false;
    this.#at++;
    return true;
  }

  /** @returns where a text without escapes ends; -1 when there is none */
  #plainText(): number {
    if (!this.#take(QUOTE)) return -1;
    const bytes = this.#bytes;
    let at = this.#at;
    for (; at < this.#end; at++) {
      const byte = bytes[at]!;
      if (byte === QUOTE) break;
      if (byte === BACKSLASH || byte < 0x20) return -1;
    }
    if (at === this.#end) return -1;
    this.#at = at + 1;
    return at;
  }

  /** Reads into `#unescaped`. @returns the length; -1 when there is no text, or a character beyond ASCII is escaped */
  #escapedText(): number {
    if (!this.#take(QUOTE)) return -1;
    if (this.#unescaped.length < this.#end - this.#at) this.#unescaped = Buffer.alloc(this.#end - this.#at);
    let length = 0;
    while (this.#at < this.#end) {
      const byte = this.#bytes[this.#at++]!;
      if (byte === QUOTE) return length;
      if (byte < 0x20) return -1;
      const meant = byte === BACKSLASH ? this.#escape() : byte;
      if (meant < 0) return -1;
      this.#unescaped[length++] = meant;
    }
    return -1;
  }

  #escape(): number {
    const kind = this.#bytes[this.#at++]!;
    if (kind !== LOWER_U) return ESCAPES.get(kind) ?? -1;
    if (this.#at + 4 > this.#end) return -1;
    let code = 0;
    for (let digits = 0; digits < 4; digits++) {
      const value = hexDigit(this.#bytes[this.#at++]!);
      if (value < 0) return -1;
      code = code * HEX + value;
    }
    return code < 0x80 ? code : -1;
  }

  #integer(): number {
    const negative = this.#take(MINUS);
    const start = this.#at;
    let value = 0;
    while (this.#at < this.#end && this.#at - start <= MOST_DIGITS) {
      const digit = this.#bytes[this.#at]! - ZERO;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
      this.#at++;
    }
    const digits = this.#at - start;
    // JSON knows no leading zeros; and a point or an exponent makes the next byte neither a comma nor an end.
    if (digits === 0 || digits > MOST_DIGITS || (digits > 1 && this.#bytes[start] === ZERO)) return NaN;
    return negative ? -value : value;
  }
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : -1;
}
