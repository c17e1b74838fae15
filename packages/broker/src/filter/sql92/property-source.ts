// Finds the properties that an expression names in the bytes of a record, without decoding the others.
import { MESSAGE_MAGIC_V1, RecordAt, SysFlag } from '@nest-rocketmq/remoting/internal';

const NAME_END = 1;
const VALUE_END = 2;
const IPV4_BYTES = 8;
const IPV6_BYTES = 20;
/** Between the two hosts: the time of storing. Behind them: reconsume times and the prepared transaction's offset. */
const BETWEEN_HOSTS = 8;
const BEHIND_HOSTS = 12;

/** One object for each expression, used again for each message. */
export class PropertySource {
  readonly #names: readonly Buffer[];
  readonly #values: (string | null | undefined)[];
  readonly #starts: number[];
  readonly #ends: number[];
  #bytes: Buffer = Buffer.alloc(0);

  /** @param names ASCII, as names in expressions are */
  constructor(readonly names: readonly string[]) {
    this.#names = names.map((name) => Buffer.from(name, 'latin1'));
    this.#values = names.map(() => null);
    this.#starts = names.map(() => 0);
    this.#ends = names.map(() => 0);
  }

  /** The value of the property with that index among the names; null without. */
  get(index: number): string | null {
    const known = this.#values[index];
    if (known !== undefined) return known;
    return (this.#values[index] = this.#bytes.toString('utf8', this.#starts[index], this.#ends[index]));
  }

  /** Takes the properties of a whole record. */
  loadRecord(record: Buffer): void {
    const at = propertiesAt(record);
    this.load(record, at + 2, at + 2 + record.readInt16BE(at));
  }

  /** Takes encoded properties, `name 0x01 value 0x02 …`. */
  load(bytes: Buffer, from = 0, end = bytes.length): void {
    this.#values.fill(null);
    this.#bytes = bytes;
    let at = from;
    while (at < end) {
      const start = at;
      while (at < end && bytes[at] !== NAME_END && bytes[at] !== VALUE_END) at++;
      const nameEnd = at;
      let valueEnd = at;
      while (valueEnd < end && bytes[valueEnd] !== VALUE_END) valueEnd++;
      // As in Java's reader, a pair without a name or a value does not count.
      if (nameEnd > start && valueEnd > nameEnd + 1) this.#found(start, nameEnd, valueEnd);
      at = valueEnd + 1;
    }
  }

  /** Of two properties of one name the last counts. */
  #found(start: number, nameEnd: number, valueEnd: number): void {
    for (let index = 0; index < this.#names.length; index++) {
      if (!isAt(this.#bytes, start, nameEnd, this.#names[index]!)) continue;
      this.#values[index] = undefined;
      this.#starts[index] = nameEnd + 1;
      this.#ends[index] = valueEnd;
      return;
    }
  }
}

function isAt(bytes: Buffer, start: number, end: number, name: Buffer): boolean {
  if (end - start !== name.length) return false;
  for (let at = 0; at < name.length; at++) if (bytes[start + at] !== name[at]) return false;
  return true;
}

/** Where the length of the properties stands in a record. */
function propertiesAt(record: Buffer): number {
  const sysFlag = record.readInt32BE(RecordAt.sysFlag);
  let at: number = RecordAt.bornHost + BETWEEN_HOSTS + BEHIND_HOSTS;
  at += sysFlag & SysFlag.BORNHOST_V6 ? IPV6_BYTES : IPV4_BYTES;
  at += sysFlag & SysFlag.STOREHOST_V6 ? IPV6_BYTES : IPV4_BYTES;
  at += 4 + record.readInt32BE(at);
  const isShort = record.readInt32BE(RecordAt.magic) === MESSAGE_MAGIC_V1;
  return at + (isShort ? 1 + record.readUInt8(at) : 2 + record.readInt16BE(at));
}
