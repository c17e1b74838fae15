// Adds to the encoded properties of a sent message what the broker adds to each, and a unique key where it has none. This
// runs for every message: in most cases bytes are put behind bytes, in memory that is used again.
import {
  MessageProperty,
  NAME_VALUE_SEPARATOR,
  UNIQUE_ID_LENGTH,
  UniqueIdMaker,
  copyBytes,
  decodeProperties,
  encodeProperties,
} from '@nest-rocketmq/remoting/internal';
import type { Clock } from '@nest-rocketmq/remoting/internal';
import type { PropertyScan } from '../message/property-scan.js';

const SCRATCH_BYTES = 64 * 1024;
const PROPERTY_END = 2;
const UNIQ_KEY = Buffer.from(MessageProperty.UNIQ_KEY + NAME_VALUE_SEPARATOR, 'latin1');

export class OwnProperties {
  readonly #ids = new UniqueIdMaker();
  readonly #own: Buffer;
  #scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  /** The beginning of the scratch: messages of one length come in runs. */
  #result = this.#scratch.subarray(0, 0);

  /** @param pairs name and value of what is added to each message */
  constructor(
    private readonly pairs: readonly (readonly [string, string])[],
    private readonly clock: Clock,
  ) {
    this.#own = Buffer.from(encodeProperties(pairs), 'utf8');
  }

  /**
   * The properties in `bytes` from `start` to `end`, with the broker's; good until the next call.
   * @param scan of them; it is of the result afterwards
   */
  add(bytes: Buffer, start: number, end: number, scan: PropertyScan): Buffer {
    if (scan.hasOwn || (scan.uniqKeyStart < 0 && !scan.whole)) return this.#rewrite(bytes.subarray(start, end), scan);
    const own = this.#own;
    const longest = end - start + 1 + own.length + UNIQ_KEY.length + UNIQUE_ID_LENGTH + 1;
    if (longest > this.#scratch.length) {
      this.#scratch = Buffer.allocUnsafeSlow(longest);
      this.#result = this.#scratch;
    }
    const scratch = this.#scratch;
    copyBytes(bytes, start, end, scratch, 0);
    let at = end - start;
    if (!scan.closed) scratch[at++] = PROPERTY_END;
    copyBytes(own, 0, own.length, scratch, at);
    at += own.length;
    if (scan.uniqKeyStart >= 0) {
      scan.uniqKeyStart -= start;
      scan.uniqKeyEnd -= start;
    } else at = this.#addUniqueKey(at, scan);
    if (this.#result.length !== at) this.#result = scratch.subarray(0, at);
    return this.#result;
  }

  /** Returns where it ends. */
  #addUniqueKey(start: number, scan: PropertyScan): number {
    const scratch = this.#scratch;
    copyBytes(UNIQ_KEY, 0, UNIQ_KEY.length, scratch, start);
    scan.uniqKeyStart = start + UNIQ_KEY.length;
    scan.uniqKeyEnd = scan.uniqKeyStart + UNIQUE_ID_LENGTH;
    this.#ids.write(this.clock.now(), scratch, scan.uniqKeyStart);
    scratch[scan.uniqKeyEnd] = PROPERTY_END;
    return scan.uniqKeyEnd + 1;
  }

  #rewrite(properties: Buffer, scan: PropertyScan): Buffer {
    const pairs = decodeProperties(properties.toString('utf8'));
    pairs.delete(MessageProperty.POP_CK);
    pairs.delete(MessageProperty.CRC32);
    for (const [name, value] of this.pairs) pairs.set(name, value);
    if (!pairs.has(MessageProperty.UNIQ_KEY)) pairs.set(MessageProperty.UNIQ_KEY, this.#ids.next(this.clock.now()));
    const rewritten = Buffer.from(encodeProperties(pairs), 'utf8');
    scan.scan(rewritten);
    return rewritten;
  }
}
