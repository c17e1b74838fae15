// Reads what the broker must know of a message's properties in one pass over their bytes, without decoding them.
import { javaHashCode } from '@nest-rocketmq/remoting/internal';

const NAME_END = 1;
const VALUE_END = 2;

const ascii = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));

const TAGS = ascii('TAGS');
const DELAY = ascii('DELAY');
const UNIQ_KEY = ascii('UNIQ_KEY');
const TRAN_MSG = ascii('TRAN_MSG');
/** What the broker itself writes or removes: where a client sent one, the properties are written anew. */
const OWN = ['POP_CK', 'CLUSTER', 'TRACE_ON', 'MSG_REGION', '__CRC32#'].map(ascii);
const TIMER_OUT = ascii('TIMER_OUT_MS');
const TIMER = ['TIMER_DELAY_SEC', 'TIMER_DELAY_MS', 'TIMER_DELIVER_MS'].map(ascii);

export class PropertyScan {
  /** Java's hash of TAGS; 0 without. */
  tagsCode = 0;
  /** DELAY; 0 without. */
  delayLevel = 0;
  /** TRAN_MSG=true. */
  transaction = false;
  /** Where the value of UNIQ_KEY stands; -1 without. */
  uniqKeyStart = -1;
  uniqKeyEnd = -1;
  /** There is a property that the broker sets or removes itself. */
  hasOwn = false;
  /** There is a time of delivery that is not a delay level, and that has not passed on an earlier hop. */
  hasTimer = false;
  #hasTimerOut = false;
  /** All of them have a name and a value. */
  whole = true;
  /** The last property ends with its separator. */
  closed = true;

  /** Looks at the properties in `bytes` from `from` to `end`. What is found is told by its place in `bytes`. */
  scan(bytes: Buffer, from = 0, end = bytes.length): this {
    this.#reset();
    let at = from;
    while (at < end) {
      const start = at;
      while (at < end && bytes[at] !== NAME_END && bytes[at] !== VALUE_END) at++;
      const nameEnd = at;
      while (at < end && bytes[at] !== VALUE_END) at++;
      // As in Java's reader, a pair without a name or a value does not count.
      if (nameEnd > start && at > nameEnd + 1) this.#property(bytes, start, nameEnd, at);
      else this.whole = false;
      at++;
    }
    this.closed = end === from || bytes[end - 1] === VALUE_END;
    this.hasTimer &&= !this.#hasTimerOut;
    return this;
  }

  #reset(): void {
    this.whole = true;
    this.tagsCode = 0;
    this.delayLevel = 0;
    this.transaction = false;
    this.uniqKeyStart = -1;
    this.uniqKeyEnd = -1;
    this.hasOwn = false;
    this.hasTimer = this.#hasTimerOut = false;
  }

  #property(bytes: Buffer, start: number, nameEnd: number, valueEnd: number): void {
    switch (nameEnd - start) {
      case 4:
        if (same(bytes, start, TAGS)) this.tagsCode = hashCode(bytes, nameEnd + 1, valueEnd);
        return;
      case 5:
        if (same(bytes, start, DELAY)) this.delayLevel = level(bytes, nameEnd + 1, valueEnd);
        return;
      case 8:
        if (same(bytes, start, UNIQ_KEY)) {
          this.uniqKeyStart = nameEnd + 1;
          this.uniqKeyEnd = valueEnd;
          return;
        }
        if (same(bytes, start, TRAN_MSG)) this.transaction = isTrue(bytes, nameEnd + 1, valueEnd);
        break;
    }
    const length = nameEnd - start;
    if (length >= 6 && length <= 10)
      this.hasOwn ||= OWN.some((name) => name.length === length && same(bytes, start, name));
    else if (length === TIMER_OUT.length) this.#hasTimerOut ||= same(bytes, start, TIMER_OUT);
    else if (length >= 14) this.hasTimer ||= TIMER.some((name) => name.length === length && same(bytes, start, name));
  }
}

function same(bytes: Buffer, start: number, name: Uint8Array): boolean {
  for (let at = 0; at < name.length; at++) if (bytes[start + at] !== name[at]) return false;
  return true;
}

/** Java's String.hashCode of UTF-8 text. */
function hashCode(bytes: Buffer, start: number, end: number): number {
  let hash = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    if (byte >= 0x80) return javaHashCode(bytes.toString('utf8', start, end));
    hash = (Math.imul(31, hash) + byte) | 0;
  }
  return hash;
}

function level(bytes: Buffer, start: number, end: number): number {
  const text = bytes.toString('latin1', start, end);
  return /^\d{1,9}$/.test(text) ? Number(text) : 0;
}

function isTrue(bytes: Buffer, start: number, end: number): boolean {
  return bytes.toString('latin1', start, end).toLowerCase() === 'true';
}
