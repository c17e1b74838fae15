// Prepares an application's message for sending: checks, properties, id, compression. Does not change the application's
// object.
import {
  COMPRESSION_FLAGS,
  InvalidOptionError,
  MessageProperty,
  NAME_VALUE_SEPARATOR,
  PROPERTY_SEPARATOR,
  RESERVED_PROPERTIES,
  SysFlag,
  compressBody,
} from '@nest-rocketmq/remoting/internal';
import type { CompressionType, UniqueIdMaker } from '@nest-rocketmq/remoting/internal';
import { InvalidMessageError, MessageTooLargeError } from '../../errors.js';
import { checkSendTopic } from '../../config/names.js';
import { delayOf } from './delay.js';
import type { Delay } from './delay.js';
import type { OutgoingMessage } from '../options/producer-options.js';

/** A message ready to be sent, except for its queue. */
export interface PreparedMessage {
  readonly topic: string;
  readonly body: Buffer;
  readonly properties: Map<string, string>;
  readonly flag: number;
  readonly sysFlag: number;
  /** ms since the epoch */
  readonly bornTimestamp: number;
  /** UNIQ_KEY; for a batch, those of its messages, joined with commas */
  readonly msgId: string;
  readonly batch: boolean;
  /** A reply to a request: brokers push it to the requester. */
  readonly reply?: boolean;
  /** When it is to be delivered; as a property only once its broker is known. */
  readonly delay?: Delay;
  /** Set on messages that a consumer sends to its own retry topic. */
  readonly reconsumeTimes?: number;
  readonly maxReconsumeTimes?: number;
}

export interface PrepareOptions {
  ids: UniqueIdMaker;
  /** ms since the epoch */
  now: number;
  /** bytes */
  maxMessageSize: number;
  /** ms */
  maxDelay: number;
  shardingKey?: string | undefined;
  /** Remembers the last topic whose name was found right, at first none (empty): mostly it is the next one's, too. */
  checked?: { topic: string };
}

/** Callers in JavaScript may give anything. @throws InvalidMessageError */
export function mustBeMessage(message: OutgoingMessage): void {
  if (typeof message !== 'object' || message === null) {
    throw new InvalidMessageError('the message is missing; give { topic, body }');
  }
}

function mustBeKey(shardingKey: unknown): void {
  if (shardingKey === undefined || (typeof shardingKey === 'string' && shardingKey !== '')) return;
  throw new InvalidOptionError('shardingKey', shardingKey, 'a non-empty string');
}

/** @throws InvalidNameError, InvalidMessageError, InvalidOptionError, MessageTooLargeError, DelayTooLongError */
export function prepare(
  message: OutgoingMessage,
  { ids, now, maxMessageSize, maxDelay, shardingKey, checked: known }: PrepareOptions,
): PreparedMessage {
  mustBeMessage(message);
  mustBeKey(shardingKey);
  if (!known?.topic || known.topic !== message.topic) checkSendTopic(message.topic);
  if (known) known.topic = message.topic;
  const body = bodyOf(message);
  if (body.length > maxMessageSize) throw new MessageTooLargeError(message.topic, body.length, maxMessageSize);
  const properties = propertiesOf(message);
  const delay = delayOf(message, now, maxDelay);
  if (isProperty(shardingKey)) properties.set(MessageProperty.SHARDING_KEY, shardingKey);
  const msgId = uniqKeyOf(message) ?? ids.next(now);
  properties.set(MessageProperty.UNIQ_KEY, msgId);
  const flag = message.flag ?? 0;
  if ((flag | 0) !== flag) throw new InvalidMessageError(`flag is ${flag}; allowed: a 32-bit integer`);
  return {
    topic: message.topic,
    body,
    properties,
    flag,
    sysFlag: 0,
    bornTimestamp: now,
    msgId,
    batch: false,
    ...(delay && { delay }),
  };
}

/** As many characters as two ids of Apache's producers have. */
const LONGEST_UNIQ_KEY = 64;

/** Brokers index it, and tools take it as an argument: what would break either is refused. */
function uniqKeyOf({ uniqKey }: OutgoingMessage): string | undefined {
  if (uniqKey === undefined) return undefined;
  const isText = typeof uniqKey === 'string' && uniqKey.length <= LONGEST_UNIQ_KEY;
  // U+0001 and U+0002 separate properties, a space separates keys, and a comma the ids of a batch.
  if (isText && /^[\x21-\x2b\x2d-\x7e]+$/.test(uniqKey)) return uniqKey;
  const allowed = `1 to ${LONGEST_UNIQ_KEY} characters of ASCII, without spaces and commas`;
  throw new InvalidOptionError('uniqKey', uniqKey, allowed);
}

/**
 * Whether a sharding key can be told to consumers. Any text picks a queue; one that no property can hold is left out, so
 * that a KEY_ORDERED consumer takes its messages as those without a key.
 */
function isProperty(shardingKey: string | undefined): shardingKey is string {
  return (
    shardingKey !== undefined &&
    !shardingKey.includes(NAME_VALUE_SEPARATOR) &&
    !shardingKey.includes(PROPERTY_SEPARATOR)
  );
}

export interface CompressOptions {
  /** Bodies of at least so many bytes are compressed. */
  compressMsgBodyOverHowmuch: number;
  compressType: CompressionType;
  compressLevel: number;
}

/**
 * Compresses large bodies, as Apache's producers do. A body that compression does not make smaller stays as it is: the
 * larger one could exceed the broker's limit.
 */
export function compressed(
  message: PreparedMessage,
  options: CompressOptions,
): PreparedMessage | Promise<PreparedMessage> {
  const isLarge = message.body.length >= options.compressMsgBodyOverHowmuch;
  // A consumer sends a body back as it came where it cannot read it.
  const isDone = message.batch || (message.sysFlag & SysFlag.COMPRESSED) !== 0;
  return isLarge && !isDone ? compress(message, options) : message;
}

async function compress(
  message: PreparedMessage,
  { compressType, compressLevel }: CompressOptions,
): Promise<PreparedMessage> {
  const body = await compressBody(message.body, compressType, compressLevel);
  if (body.length >= message.body.length) return message;
  return { ...message, body, sysFlag: message.sysFlag | COMPRESSION_FLAGS[compressType] };
}

function bodyOf(message: OutgoingMessage): Buffer {
  const { body, topic } = message;
  if (typeof body === 'string' && body.length > 0) return Buffer.from(body, 'utf8');
  if (body instanceof Uint8Array && body.length > 0) {
    if (Buffer.isBuffer(body)) return body;
    return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  }
  throw new InvalidMessageError(
    `the body of a message for topic ${topic} is missing or empty; brokers refuse that. Give a string or bytes.`,
  );
}

function propertiesOf(message: OutgoingMessage): Map<string, string> {
  const properties = new Map<string, string>();
  for (const [name, value] of Object.entries(message.properties ?? {})) {
    if (RESERVED_PROPERTIES.has(name)) {
      throw new InvalidMessageError(`the property name ${name} is RocketMQ's own; choose another one`);
    }
    properties.set(name, checked(name, value));
  }
  const keys = typeof message.keys === 'string' ? [message.keys] : (message.keys ?? []);
  if (keys.length > 0) properties.set(MessageProperty.KEYS, checked('keys', keys.join(' ')));
  if (message.tags !== undefined && message.tags !== '') {
    properties.set(MessageProperty.TAGS, checked('tags', message.tags));
  }
  const level = message.delayLevel ?? 0;
  if (!Number.isInteger(level) || level < 0) {
    throw new InvalidMessageError(`delayLevel is ${level}; allowed: 0 (none), or a level of the broker's, from 1`);
  }
  if (level > 0) properties.set(MessageProperty.DELAY, String(level));
  properties.set(MessageProperty.WAIT, message.waitStoreMsgOk === false ? 'false' : 'true');
  return properties;
}

function checked(name: string, value: unknown): string {
  if (typeof value !== 'string' || value.trim() === '' || name.trim() === '') {
    throw new InvalidMessageError(`property '${name}' is empty or no string; brokers would drop it. Leave it out.`);
  }
  const text = name + value;
  if (text.includes(NAME_VALUE_SEPARATOR) || text.includes(PROPERTY_SEPARATOR)) {
    throw new InvalidMessageError(
      `property '${name}' contains the character U+0001 or U+0002, which separate properties. Remove it.`,
    );
  }
  return value;
}
