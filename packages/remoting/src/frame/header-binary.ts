// Encodes and decodes a frame's header in the binary form (ROCKETMQ).
import { emptyFields } from './command.js';
import { FrameError } from '../errors.js';
import { MAX_EXT_FIELDS, tooManyFields } from '../requests/field.js';
import type { CommandHeader } from './header-json.js';
import { LANGUAGES, OUR_LANGUAGE } from '../requests/language.js';

/** code(2) language(1) version(2) opaque(4) flag(4), before the remark's length */
export const BINARY_REMARK_AT = 13;

const languageCodes = new Map<string, number>(LANGUAGES.map((name, code) => [name, code]));

/** @throws FrameError when a length inside points outside of the header */
export function decodeBinaryHeader(bytes: Buffer): CommandHeader {
  if (bytes.length < BINARY_REMARK_AT + 8)
    throw new FrameError(`a binary header of ${bytes.length} bytes is too short`);
  const remarkLength = bytes.readInt32BE(BINARY_REMARK_AT);
  const remarkEnd = BINARY_REMARK_AT + 4 + remarkLength;
  if (remarkLength < 0 || remarkEnd + 4 > bytes.length) throw new FrameError('a remark is longer than its header');
  const fieldsLength = bytes.readInt32BE(remarkEnd);
  const fieldsEnd = remarkEnd + 4 + fieldsLength;
  if (fieldsLength < 0 || fieldsEnd > bytes.length) throw new FrameError('header fields are longer than their header');
  return {
    code: bytes.readInt16BE(0),
    language: LANGUAGES[bytes[2]!] ?? OUR_LANGUAGE,
    version: bytes.readInt16BE(3),
    opaque: bytes.readInt32BE(5),
    flag: bytes.readInt32BE(9),
    remark: remarkLength === 0 ? undefined : bytes.toString('utf8', BINARY_REMARK_AT + 4, remarkEnd),
    extFields: decodeFields(bytes, remarkEnd + 4, fieldsEnd),
  };
}

/** An empty value means null to Java peers: such a field is absent. */
function decodeFields(bytes: Buffer, start: number, end: number): Record<string, string> {
  const fields = emptyFields();
  let at = start;
  let count = 0;
  while (at < end) {
    if (++count > MAX_EXT_FIELDS) throw new FrameError(tooManyFields);
    if (at + 2 > end) throw new FrameError('a header field is cut off');
    const keyLength = bytes.readUInt16BE(at);
    const valueAt = at + 2 + keyLength;
    if (valueAt + 4 > end) throw new FrameError('a header field is cut off');
    const valueLength = bytes.readInt32BE(valueAt);
    const next = valueAt + 4 + valueLength;
    if (valueLength < 0 || next > end) throw new FrameError('a header field is longer than its header');
    if (valueLength > 0) fields[bytes.toString('utf8', at + 2, valueAt)] = bytes.toString('utf8', valueAt + 4, next);
    at = next;
  }
  return fields;
}

export function encodeBinaryHeader(header: CommandHeader): Buffer {
  const remark = Buffer.from(header.remark ?? '');
  const fields = encodeFields(header.extFields);
  const bytes = Buffer.allocUnsafe(BINARY_REMARK_AT + 8 + remark.length + fields.length);
  // The code is 16 bits wide here; a larger one is cut, as Java peers cut it.
  bytes.writeInt16BE((header.code << 16) >> 16, 0);
  bytes[2] = languageCodes.get(header.language) ?? languageCodes.get(OUR_LANGUAGE)!;
  bytes.writeInt16BE(header.version, 3);
  bytes.writeInt32BE(header.opaque, 5);
  bytes.writeInt32BE(header.flag, 9);
  bytes.writeInt32BE(remark.length, BINARY_REMARK_AT);
  remark.copy(bytes, BINARY_REMARK_AT + 4);
  const fieldsAt = BINARY_REMARK_AT + 4 + remark.length;
  bytes.writeInt32BE(fields.length, fieldsAt);
  fields.copy(bytes, fieldsAt + 4);
  return bytes;
}

function encodeFields(extFields: Record<string, string>): Buffer {
  const parts: Buffer[] = [];
  for (const name in extFields) {
    const key = Buffer.from(name);
    const value = Buffer.from(extFields[name]!);
    const part = Buffer.allocUnsafe(6 + key.length + value.length);
    part.writeUInt16BE(key.length, 0);
    key.copy(part, 2);
    part.writeInt32BE(value.length, 2 + key.length);
    value.copy(part, 6 + key.length);
    parts.push(part);
  }
  return Buffer.concat(parts);
}
