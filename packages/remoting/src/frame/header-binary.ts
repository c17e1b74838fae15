// Encodes and decodes a frame's header in the binary form (ROCKETMQ).
import { emptyFields } from './command.js';
import { FrameError } from '../errors.js';
import { MAX_EXT_FIELDS, tooManyFields } from '../requests/field.js';
import type { CommandHeader } from './header-json.js';
import { writeInt } from './bytes.js';
import { LANGUAGES, OUR_LANGUAGE } from '../requests/language.js';

/** code(2) language(1) version(2) opaque(4) flag(4), before the remark's length */
export const BINARY_REMARK_AT = 13;
export const BINARY_OPAQUE_AT = 5;
/** The byte of the flag that has bits. */
export const BINARY_FLAG_AT = 12;

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

/** Whether the form can hold the request: it cuts a code to 16 bits, and an empty value means "absent" in it. */
export function fitsBinaryHeader({ code, extFields }: CommandHeader): boolean {
  if ((code << 16) >> 16 !== code) return false;
  for (const name in extFields) if (extFields[name] === '') return false;
  return true;
}

/** Up to this length, a loop here is faster than a call into Node. */
const SHORT_TEXT = 24;

/** Bytes of the header that `writeBinaryHeader` writes. */
export function binaryHeaderLength(header: CommandHeader): number {
  const { extFields, remark } = header;
  let length = BINARY_REMARK_AT + 8 + (remark ? utf8Length(remark) : 0);
  for (const name in extFields) length += 6 + utf8Length(name) + utf8Length(extFields[name]!);
  return length;
}

/** @returns where the header ends */
export function writeBinaryHeader(header: CommandHeader, bytes: Buffer, start: number): number {
  // The code is 16 bits wide here; a larger one is cut, as Java peers cut it.
  bytes[start] = header.code >> 8;
  bytes[start + 1] = header.code;
  bytes[start + 2] = languageCodes.get(header.language) ?? languageCodes.get(OUR_LANGUAGE)!;
  bytes[start + 3] = header.version >> 8;
  bytes[start + 4] = header.version;
  writeInt(bytes, header.opaque, start + 5);
  writeInt(bytes, header.flag, start + 9);
  let at = writeSized(bytes, header.remark ?? '', start + BINARY_REMARK_AT);
  const fieldsAt = at;
  at += 4;
  const { extFields } = header;
  for (const name in extFields) {
    const keyEnd = writeText(bytes, name, at + 2);
    bytes[at] = (keyEnd - at - 2) >> 8;
    bytes[at + 1] = keyEnd - at - 2;
    at = writeSized(bytes, extFields[name]!, keyEnd);
  }
  writeInt(bytes, at - fieldsAt - 4, fieldsAt);
  return at;
}

/** Its length in 4 bytes, then the text. @returns where it ends */
function writeSized(bytes: Buffer, text: string, at: number): number {
  const end = writeText(bytes, text, at + 4);
  writeInt(bytes, end - at - 4, at);
  return end;
}

/** @returns where the text ends */
function writeText(bytes: Buffer, text: string, start: number): number {
  if (text.length > SHORT_TEXT) return start + bytes.write(text, start);
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit > 0x7f) return start + bytes.write(text, start);
    bytes[start + index] = unit;
  }
  return start + text.length;
}

function utf8Length(text: string): number {
  if (text.length > SHORT_TEXT) return Buffer.byteLength(text);
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 0x7f) return Buffer.byteLength(text);
  return text.length;
}
