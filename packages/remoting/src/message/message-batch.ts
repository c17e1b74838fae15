// Encodes and decodes the body of SEND_BATCH_MESSAGE: messages of one topic, one after the other.
import { DecodeError } from '../errors.js';

export interface BatchItem {
  readonly flag: number;
  readonly body: Buffer;
  /** the text form of the properties, in UTF-8 */
  readonly properties: Buffer;
}

/** total size(4) magic(4) crc(4) flag(4) body length(4) properties length(2) */
const FIXED_BYTES = 22;
const FLAG_AT = 12;
const BODY_AT = 20;

/** The bytes that an item takes in the body of a batch. */
export function encodedBatchSize({ body, properties }: BatchItem): number {
  return FIXED_BYTES + body.length + properties.length;
}

/** Magic and CRC are 0: a broker computes its own. */
export function encodeBatch(items: readonly BatchItem[]): Buffer {
  const parts = items.map(({ flag, body, properties }) => {
    const part = Buffer.alloc(FIXED_BYTES + body.length + properties.length);
    part.writeInt32BE(part.length, 0);
    part.writeInt32BE(flag, FLAG_AT);
    part.writeInt32BE(body.length, FLAG_AT + 4);
    body.copy(part, BODY_AT);
    part.writeInt16BE(properties.length, BODY_AT + body.length);
    properties.copy(part, BODY_AT + body.length + 2);
    return part;
  });
  return Buffer.concat(parts);
}

/**
 * @param most items that are wanted: one more is read, so that the caller sees that there are too many
 * @throws DecodeError when an item is longer than the batch, or not of the size that it says
 */
export function decodeBatch(bytes: Buffer, most = Infinity): BatchItem[] {
  const items: BatchItem[] = [];
  let at = 0;
  while (at < bytes.length && items.length <= most) {
    const size = bytes.length - at >= FIXED_BYTES ? bytes.readInt32BE(at) : -1;
    if (size < FIXED_BYTES || at + size > bytes.length)
      throw new DecodeError(`item ${items.length} of a batch is cut off`);
    const item = bytes.subarray(at, at + size);
    const bodyLength = item.readInt32BE(FLAG_AT + 4);
    const propertiesAt = BODY_AT + bodyLength + 2;
    if (bodyLength < 0 || propertiesAt > size || item.readUInt16BE(propertiesAt - 2) !== size - propertiesAt) {
      throw new DecodeError(`item ${items.length} of a batch is not of the size that it says`);
    }
    items.push({
      flag: item.readInt32BE(FLAG_AT),
      body: item.subarray(BODY_AT, BODY_AT + bodyLength),
      properties: item.subarray(propertiesAt),
    });
    at += size;
  }
  return items;
}
