// Encodes records of the commit log, and checks and decodes their bytes.
import {
  BLANK_MAGIC,
  MAX_PROPERTIES_BYTES,
  MAX_TOPIC_BYTES_V1,
  MESSAGE_MAGIC_V1,
  MESSAGE_MAGIC_V2,
  MessageProperty,
  NAME_VALUE_SEPARATOR,
  RecordAt,
  SysFlag,
  readInt,
  recordSize as sizeOfRecord,
  writeInt,
} from '@nest-rocketmq/remoting/internal';
import { crc32Of } from './crc32.js';
import type { CrcCombiner } from './crc-combine.js';
import type { HostAddress, MessageInner } from '../message.js';

export const MAGIC_V1 = MESSAGE_MAGIC_V1;
/** Topics longer than 127 bytes: their length takes two bytes. */
export const MAGIC_V2 = MESSAGE_MAGIC_V2;
/** Fills a file to its end. */
export const MAGIC_BLANK = BLANK_MAGIC;
/** Bytes that every file keeps free at its end for the blank record. */
export const BLANK_SIZE = 8;
export const LONGEST_V1_TOPIC = MAX_TOPIC_BYTES_V1;
export const LONGEST_TOPIC = 255;
export const LONGEST_PROPERTIES = MAX_PROPERTIES_BYTES;
/** What a record may be longer than its body by. */
export const RECORD_OVERHEAD = 65_536;
/** No record is larger, whatever the limit for bodies was when it was stored: a frame is not, bytes. */
const LARGEST_RECORD = 16 * 1024 * 1024;

/** Bytes. */
export const largestRecord = (maxMessageSize: number): number =>
  Math.max(LARGEST_RECORD, maxMessageSize + RECORD_OVERHEAD);

const SYS_BORN_V6 = SysFlag.BORNHOST_V6;
const SYS_STORE_V6 = SysFlag.STOREHOST_V6;
const SYS_TRANSACTION = SysFlag.TRANSACTION_ROLLBACK;
const SYS_PREPARED = SysFlag.TRANSACTION_PREPARED;
const SYS_ROLLBACK = SysFlag.TRANSACTION_ROLLBACK;
const IPV4 = 4;
const V6_MORE = 12;
const CRC_MASK = 0x7fffffff;
const TWO_32 = 0x1_0000_0000;

export const AT_QUEUE_ID = RecordAt.queueId;
export const AT_QUEUE_OFFSET = RecordAt.queueOffset;
export const AT_PHYSICAL_OFFSET = RecordAt.physicalOffset;
export const AT_SYS_FLAG = RecordAt.sysFlag;
/** Shortest thing whose position fields can be looked at. */
export const SHORTEST_RECORD = sizeOfRecord(0, 0, 0, 0);

const CRC_PROPERTY = Buffer.from(MessageProperty.CRC32 + NAME_VALUE_SEPARATOR, 'latin1');
const CRC_DIGITS = 10;
const PROPERTY_END = 2;
const ZERO = 48;
/** `__CRC32#`, 0x01, ten digits, 0x02. */
export const CRC_PROPERTY_SIZE = CRC_PROPERTY.length + CRC_DIGITS + 1;

export function writeLong(buffer: Buffer, value: number, at: number): void {
  writeInt(buffer, Math.floor(value / TWO_32), at);
  writeInt(buffer, value, at + 4);
}

/** Offsets and times are all within what a JavaScript number holds exactly. */
export function readLong(buffer: Buffer, at: number): number {
  return readInt(buffer, at) * TWO_32 + (readInt(buffer, at + 4) >>> 0);
}

/** Bytes of the record of `message` under a topic of `topicLength` bytes. */
export function recordSize(
  message: MessageInner,
  topicLength: number,
  storeHost: HostAddress,
  withCrc: boolean,
): number {
  const size = sizeOfRecord(hostFlags(message, storeHost), message.body.length, topicLength, message.properties.length);
  return withCrc ? size + CRC_PROPERTY_SIZE : size;
}

function hostFlags(message: MessageInner, storeHost: HostAddress): number {
  const born = message.bornHost.length === IPV4 ? 0 : SYS_BORN_V6;
  return storeHost.address.length === IPV4 ? born : born | SYS_STORE_V6;
}

/** What the store adds to a message. One object, used again for each. */
export interface Placement {
  size: number;
  physicalOffset: number;
  queueOffset: number;
  storeTimestamp: number;
  withCrc: boolean;
  readonly crcs: CrcCombiner;
}

/** Writes the record at `start` of `out`, which has room for `place.size` bytes. */
export function writeRecord(
  out: Buffer,
  start: number,
  message: MessageInner,
  topic: Buffer,
  storeHost: HostAddress,
  place: Placement,
): void {
  const { body, properties, bornHost } = message;
  const wide = topic.length > LONGEST_V1_TOPIC;
  const sysFlag = (message.sysFlag & ~(SYS_BORN_V6 | SYS_STORE_V6)) | hostFlags(message, storeHost);
  writeInt(out, place.size, start);
  writeInt(out, wide ? MAGIC_V2 : MAGIC_V1, start + 4);
  const bodyCrc = crc32Of(body, 0, body.length);
  writeInt(out, bodyCrc & CRC_MASK, start + 8);
  writeInt(out, message.queueId, start + AT_QUEUE_ID);
  writeInt(out, message.flag, start + 16);
  writeLong(out, place.queueOffset, start + AT_QUEUE_OFFSET);
  writeLong(out, place.physicalOffset, start + AT_PHYSICAL_OFFSET);
  writeInt(out, sysFlag, start + AT_SYS_FLAG);
  writeLong(out, message.bornTimestamp, start + 40);
  let at = writeHost(out, start + 48, bornHost, message.bornPort);
  writeLong(out, place.storeTimestamp, at);
  at = writeHost(out, at + 8, storeHost.address, storeHost.port);
  writeInt(out, message.reconsumeTimes, at);
  writeLong(out, message.preparedTransactionOffset, at + 4);
  writeInt(out, body.length, at + 12);
  const bodyAt = at + 16;
  out.set(body, bodyAt);
  at += 16 + body.length;
  if (wide) out[at++] = topic.length >>> 8;
  out[at++] = topic.length;
  out.set(topic, at);
  at += topic.length;
  const propertiesLength = properties.length + (place.withCrc ? CRC_PROPERTY_SIZE : 0);
  out[at] = propertiesLength >>> 8;
  out[at + 1] = propertiesLength;
  out.set(properties, at + 2);
  if (!place.withCrc) return;
  const end = start + place.size;
  writeRecordCrc(out, end, crcOfRecord(out, start, end - CRC_PROPERTY_SIZE, bodyAt, body, bodyCrc, place.crcs));
}

function writeHost(out: Buffer, at: number, address: Buffer, port: number): number {
  for (let index = 0; index < address.length; index++) out[at + index] = address[index]!;
  writeInt(out, port, at + address.length);
  return at + address.length + 4;
}

function writeRecordCrc(out: Buffer, end: number, recordCrc: number): void {
  let at = end - CRC_PROPERTY_SIZE;
  for (let i = 0; i < CRC_PROPERTY.length; i++) out[at++] = CRC_PROPERTY[i]!;
  let crc = recordCrc & CRC_MASK;
  for (let digit = 0; digit < CRC_DIGITS; digit++) {
    const rest = (crc / 10) | 0;
    out[at++] = ZERO + crc - rest * 10;
    crc = rest;
  }
  out[at] = PROPERTY_END;
}

/** The checksum over a record before its last property. That of its body is known, and is not computed once more. */
function crcOfRecord(
  out: Buffer,
  start: number,
  end: number,
  bodyAt: number,
  body: Buffer,
  bodyCrc: number,
  crcs: CrcCombiner,
): number {
  if (!crcs.isQuick(body.length)) return crc32Of(out, start, end);
  const upToBody = crcs.combine(crc32Of(out, start, bodyAt), bodyCrc, body.length);
  return crc32Of(out, bodyAt + body.length, end, upToBody);
}

export function writeBlank(out: Buffer, at: number, left: number): void {
  writeInt(out, left, at);
  writeInt(out, MAGIC_BLANK, at + 4);
}

/** Where the parts of a record are; one object that is filled again for each. */
export class RecordView {
  size = 0;
  queueId = 0;
  queueOffset = 0;
  physicalOffset = 0;
  sysFlag = 0;
  storeTimestamp = 0;
  /** In the buffer that was parsed. */
  bodyAt = 0;
  topicAt = 0;
  topicLength = 0;
  propertiesAt = 0;
  propertiesLength = 0;

  /** Half and rolled back messages are in the log and in no queue. */
  get queued(): boolean {
    const kind = this.sysFlag & SYS_TRANSACTION;
    return kind !== SYS_PREPARED && kind !== SYS_ROLLBACK;
  }

  /**
   * Whether the bytes at `at` are a whole record that belongs at `position` of the log. Its position field must be
   * that position: the bytes of an earlier life of the file pass every other check.
   */
  parse(buffer: Buffer, at: number, end: number, position: number, checkCrc: boolean): boolean {
    if (at + SHORTEST_RECORD > end) return false;
    const size = readInt(buffer, at);
    const magic = readInt(buffer, at + 4);
    if ((magic !== MAGIC_V1 && magic !== MAGIC_V2) || size < SHORTEST_RECORD || at + size > end) return false;
    this.physicalOffset = readLong(buffer, at + AT_PHYSICAL_OFFSET);
    this.queueOffset = readLong(buffer, at + AT_QUEUE_OFFSET);
    if (this.physicalOffset !== position || this.queueOffset < 0) return false;
    this.size = size;
    this.queueId = readInt(buffer, at + AT_QUEUE_ID);
    this.sysFlag = readInt(buffer, at + AT_SYS_FLAG);
    return this.#parseRest(buffer, at, at + size, magic === MAGIC_V2, checkCrc);
  }

  #parseRest(buffer: Buffer, start: number, end: number, wide: boolean, checkCrc: boolean): boolean {
    let at = start + 56 + (this.sysFlag & SYS_BORN_V6 ? V6_MORE : 0);
    this.storeTimestamp = readLong(buffer, at);
    at += 28 + (this.sysFlag & SYS_STORE_V6 ? V6_MORE : 0);
    if (at + 4 > end) return false;
    const bodyLength = readInt(buffer, at);
    const bodyAt = at + 4;
    this.bodyAt = bodyAt;
    at = bodyAt + bodyLength;
    if (bodyLength < 0 || at + (wide ? 4 : 3) > end) return false;
    this.topicLength = wide ? (buffer[at]! << 8) | buffer[at + 1]! : buffer[at]!;
    this.topicAt = at + (wide ? 2 : 1);
    at = this.topicAt + this.topicLength;
    if (this.topicLength === 0 || at + 2 > end) return false;
    this.propertiesLength = (buffer[at]! << 8) | buffer[at + 1]!;
    this.propertiesAt = at + 2;
    if (this.queueId < 0 || this.propertiesAt + this.propertiesLength !== end) return false;
    if (!checkCrc) return true;
    const crc = crc32Of(buffer, bodyAt, bodyAt + bodyLength) & CRC_MASK;
    return crc === readInt(buffer, start + 8) && hasGoodRecordCrc(buffer, start, end, this.propertiesLength);
  }
}

/** True too where the record carries no checksum over all of it. */
function hasGoodRecordCrc(buffer: Buffer, start: number, end: number, propertiesLength: number): boolean {
  const at = end - CRC_PROPERTY_SIZE;
  if (propertiesLength < CRC_PROPERTY_SIZE || buffer[end - 1] !== PROPERTY_END) return true;
  // The end of a longer name is none; but one bit of the separator before it may have flipped.
  const before = propertiesLength > CRC_PROPERTY_SIZE ? buffer[at - 1]! ^ PROPERTY_END : 0;
  if ((before & (before - 1)) !== 0) return true;
  if (buffer.compare(CRC_PROPERTY, 0, CRC_PROPERTY.length, at, at + CRC_PROPERTY.length) !== 0) return true;
  let crc = 0;
  for (let digit = end - 2; digit >= at + CRC_PROPERTY.length; digit--) crc = crc * 10 + (buffer[digit]! - ZERO);
  return crc === (crc32Of(buffer, start, at) & CRC_MASK);
}
