// Encodes and decodes a message's record, which is the same in the commit log and in answers to pulls.
import { DecodeError } from '../errors.js';
import { MAX_INFLATED_ANSWER_BYTES, inflateBody } from './compression.js';
import { bodyCrc } from './hash.js';
import type { HostPort, MessageExt } from './message.js';
import { Neighbours } from './neighbours.js';
import { MessageProperty, decodeProperties } from './property.js';
import { SysFlag, withoutCompression } from './sys-flag.js';

/** Magic of a record that has its topic's length in one byte. */
export const MESSAGE_MAGIC_V1 = 0xdaa320a7 | 0;
/** Magic of a record that has its topic's length in two bytes: for topics of more than 127 bytes. */
export const MESSAGE_MAGIC_V2 = 0xdaa320ab | 0;
/** Magic of the blank that fills the end of a commit log file. */
export const BLANK_MAGIC = 0xcbd43194 | 0;

/** Positions of the fields before the first one of variable size. */
export const RecordAt = {
  totalSize: 0,
  magic: 4,
  bodyCrc: 8,
  queueId: 12,
  flag: 16,
  queueOffset: 20,
  physicalOffset: 28,
  sysFlag: 36,
  bornTimestamp: 40,
  bornHost: 48,
} as const;

export const MAX_TOPIC_BYTES_V1 = 127;
export const MAX_PROPERTIES_BYTES = 32767;

/** Bytes of a record with IPv4 hosts, without body, topic and properties. */
const FIXED_BYTES_V1 = 91;
const IPV6_EXTRA = 12;

/** @param sysFlag says how long the two hosts are. All lengths in bytes. */
export function recordSize(sysFlag: number, bodyLength: number, topicLength: number, propertiesLength: number): number {
  const bornExtra = (sysFlag & SysFlag.BORNHOST_V6) === 0 ? 0 : IPV6_EXTRA;
  const storeExtra = (sysFlag & SysFlag.STOREHOST_V6) === 0 ? 0 : IPV6_EXTRA;
  const topicExtra = topicLength > MAX_TOPIC_BYTES_V1 ? 1 : 0;
  return FIXED_BYTES_V1 + bornExtra + storeExtra + topicExtra + bodyLength + topicLength + propertiesLength;
}

/** 64-bit numbers here are offsets and times: all within what a JavaScript number holds exactly. */
export function readLong(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 0x100000000 + bytes.readUInt32BE(at + 4);
}

export function writeLong(bytes: Buffer, value: number, at: number): void {
  bytes.writeInt32BE(Math.floor(value / 0x100000000), at);
  bytes.writeUInt32BE(((value % 0x100000000) + 0x100000000) % 0x100000000, at + 4);
}

export interface DecodeOptions {
  /** inflate compressed bodies; default true */
  readonly inflate?: boolean;
  /** compare the body with its CRC; default true */
  readonly checkCrc?: boolean;
}

const ALL_CHECKS: DecodeOptions = {};

/**
 * Reads the record that begins at `at`.
 * @param neighbours of the same answer
 * @throws DecodeError when it is damaged or cut off
 */
export function decodeRecord(
  bytes: Buffer,
  at = 0,
  options: DecodeOptions = ALL_CHECKS,
  neighbours = new Neighbours(),
): MessageExt {
  const size = bytes.length - at >= 8 ? bytes.readInt32BE(at) : -1;
  if (size < FIXED_BYTES_V1 || at + size > bytes.length)
    throw new DecodeError(`a message record at byte ${at} is cut off`);
  const magic = bytes.readInt32BE(at + RecordAt.magic);
  if (magic !== MESSAGE_MAGIC_V1 && magic !== MESSAGE_MAGIC_V2) {
    throw new DecodeError(`there is no message record at byte ${at} (magic 0x${(magic >>> 0).toString(16)})`);
  }
  const end = at + size;
  const sysFlag = bytes.readInt32BE(at + RecordAt.sysFlag);
  const bornEnd = at + RecordAt.bornHost + ((sysFlag & SysFlag.BORNHOST_V6) === 0 ? 8 : 8 + IPV6_EXTRA);
  const storeEnd = bornEnd + 8 + ((sysFlag & SysFlag.STOREHOST_V6) === 0 ? 8 : 8 + IPV6_EXTRA);
  // A record of the smallest size has its hosts within it only if both are short.
  const bodyAt = storeEnd + 16;
  const bodyEnd = fieldEnd(bodyAt, bodyAt <= end ? bytes.readInt32BE(bodyAt - 4) : -1, end);
  const topicAt = bodyEnd + (magic === MESSAGE_MAGIC_V1 ? 1 : 2);
  const topicLength = topicAt > end ? -1 : magic === MESSAGE_MAGIC_V1 ? bytes[bodyEnd]! : bytes.readInt16BE(bodyEnd);
  const topicEnd = fieldEnd(topicAt, topicLength, end);
  const propertiesAt = topicEnd + 2;
  const propertiesEnd = fieldEnd(propertiesAt, propertiesAt > end ? -1 : bytes.readInt16BE(topicEnd), end);
  const bornHost = neighbours.bornHost(bytes, at + RecordAt.bornHost, bornEnd);
  const storeHost = neighbours.storeHost(bytes, bornEnd + 8, storeEnd);
  const stored = bytes.subarray(bodyAt, bodyEnd);
  const topic = neighbours.topic(bytes, topicAt, topicEnd);
  // The checksum belongs to this record and not to the message: it would be wrong in the message's next record.
  const properties = decodeProperties(bytes.toString('utf8', propertiesAt, propertiesEnd), MessageProperty.CRC32);
  if (propertiesEnd !== end) throw new DecodeError(`a message record at byte ${at} is not of the size that it says`);
  const crc = bytes.readInt32BE(at + RecordAt.bodyCrc);
  if (options.checkCrc !== false && bodyCrc(stored) !== crc) {
    throw new DecodeError(`the body of the message record at byte ${at} does not match its CRC`);
  }
  const inflate = options.inflate !== false && (sysFlag & SysFlag.COMPRESSED) !== 0;
  const physicalOffset = readLong(bytes, at + RecordAt.physicalOffset);
  const offsetMsgId = neighbours.offsetMsgId(storeHost, physicalOffset);
  return {
    topic,
    queueId: bytes.readInt32BE(at + RecordAt.queueId),
    flag: bytes.readInt32BE(at + RecordAt.flag),
    sysFlag: inflate ? withoutCompression(sysFlag) : sysFlag,
    body: inflate ? inflateBody(stored, sysFlag) : stored,
    properties,
    bornTimestamp: readLong(bytes, at + RecordAt.bornTimestamp),
    bornHost,
    storeTimestamp: readLong(bytes, bornEnd),
    storeHost,
    queueOffset: readLong(bytes, at + RecordAt.queueOffset),
    physicalOffset,
    preparedTransactionOffset: readLong(bytes, storeEnd + 4),
    reconsumeTimes: bytes.readInt32BE(storeEnd),
    storeSize: size,
    bodyCrc: crc,
    msgId: properties.get(MessageProperty.UNIQ_KEY) ?? offsetMsgId,
    offsetMsgId,
  };
}

/**
 * Reads records that follow each other, as in the answer to a query.
 * @throws DecodeError, also when their bodies are too large together
 */
export function decodeRecords(bytes: Buffer, options?: DecodeOptions): MessageExt[] {
  const messages: MessageExt[] = [];
  const neighbours = new Neighbours();
  let inflated = 0;
  for (let at = 0; at < bytes.length; at += messages.at(-1)!.storeSize) {
    const message = decodeRecord(bytes, at, options, neighbours);
    inflated += inflatedBytes(message);
    if (inflated > MAX_INFLATED_ANSWER_BYTES) {
      throw new DecodeError(
        `the bodies of ${messages.length + 1} messages have more than ${MAX_INFLATED_ANSWER_BYTES} bytes`,
      );
    }
    messages.push(message);
  }
  return messages;
}

/** What the body takes beyond the record that it came in: 0 unless it was decompressed. */
export function inflatedBytes({ body, storeSize }: MessageExt): number {
  return Math.max(0, body.length - storeSize);
}

/** @returns where a field ends that begins at `start` @throws DecodeError when that is beyond the record's end */
function fieldEnd(start: number, length: number, end: number): number {
  if (length >= 0 && start + length <= end) return start + length;
  throw new DecodeError('a message record has a field that is longer than itself');
}

/** The fields of a record, as the store encodes them. The sysFlag must match the lengths of the hosts. */
export interface RecordFields {
  readonly topic: Buffer;
  readonly queueId: number;
  readonly flag: number;
  readonly sysFlag: number;
  readonly queueOffset: number;
  readonly physicalOffset: number;
  readonly bornTimestamp: number;
  readonly bornHost: HostPort;
  readonly storeTimestamp: number;
  readonly storeHost: HostPort;
  readonly reconsumeTimes: number;
  readonly preparedTransactionOffset: number;
  readonly body: Buffer;
  readonly properties: Buffer;
}

/** The plain encoder, which a faster one must equal. */
export function encodeRecord(fields: RecordFields): Buffer {
  const { topic, body, properties, sysFlag } = fields;
  const size = recordSize(sysFlag, body.length, topic.length, properties.length);
  const v2 = topic.length > MAX_TOPIC_BYTES_V1;
  const bytes = Buffer.allocUnsafe(size);
  bytes.writeInt32BE(size, RecordAt.totalSize);
  bytes.writeInt32BE(v2 ? MESSAGE_MAGIC_V2 : MESSAGE_MAGIC_V1, RecordAt.magic);
  bytes.writeInt32BE(bodyCrc(body), RecordAt.bodyCrc);
  bytes.writeInt32BE(fields.queueId, RecordAt.queueId);
  bytes.writeInt32BE(fields.flag, RecordAt.flag);
  writeLong(bytes, fields.queueOffset, RecordAt.queueOffset);
  writeLong(bytes, fields.physicalOffset, RecordAt.physicalOffset);
  bytes.writeInt32BE(sysFlag, RecordAt.sysFlag);
  writeLong(bytes, fields.bornTimestamp, RecordAt.bornTimestamp);
  let at = writeHost(bytes, fields.bornHost, RecordAt.bornHost);
  writeLong(bytes, fields.storeTimestamp, at);
  at = writeHost(bytes, fields.storeHost, at + 8);
  bytes.writeInt32BE(fields.reconsumeTimes, at);
  writeLong(bytes, fields.preparedTransactionOffset, at + 4);
  bytes.writeInt32BE(body.length, at + 12);
  body.copy(bytes, at + 16);
  at += 16 + body.length;
  at = v2 ? bytes.writeInt16BE(topic.length, at) : bytes.writeInt8(topic.length, at);
  topic.copy(bytes, at);
  at = bytes.writeInt16BE(properties.length, at + topic.length);
  properties.copy(bytes, at);
  return bytes;
}

function writeHost(bytes: Buffer, host: HostPort, at: number): number {
  host.address.copy(bytes, at);
  return bytes.writeInt32BE(host.port, at + host.address.length);
}
