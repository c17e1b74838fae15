// Turns messages into half messages and back, and writes the op messages that say which halves are decided.
import {
  HALF_TOPIC,
  MessageProperty,
  OP_HALF_TOPIC,
  SysFlag,
  decodeProperties,
  encodeProperties,
  withTransactionType,
} from '@nest-rocketmq/remoting/internal';
import type { HostPort, MessageExt } from '@nest-rocketmq/remoting/internal';
import { encodedProperties } from './fit-properties.js';
import type { MessageInner } from '../store/store.js';

/** The tag of an op message: the halves it names are removed. */
const REMOVE_TAG = 'd';

/** Turns a message that a producer has sent into a half message, which no consumer sees. */
export function toHalf(message: MessageInner): void {
  const properties = decodeProperties(message.properties.toString('utf8'));
  properties.set(MessageProperty.REAL_TOPIC, message.topic);
  properties.set(MessageProperty.REAL_QID, String(message.queueId));
  const uniqKey = properties.get(MessageProperty.UNIQ_KEY);
  if (uniqKey !== undefined) properties.set(MessageProperty.TRANSACTION_ID, uniqKey);
  message.properties = Buffer.from(encodeProperties(properties), 'utf8');
  message.topic = HALF_TOPIC;
  message.queueId = 0;
  message.sysFlag = withTransactionType(message.sysFlag, SysFlag.TRANSACTION_NOT_TYPE);
}

/** The message that its producer has committed, for its own topic and queue. */
export function fromHalf(half: MessageExt): MessageInner {
  const properties = new Map(half.properties);
  const topic = properties.get(MessageProperty.REAL_TOPIC) ?? '';
  const queueId = Number(properties.get(MessageProperty.REAL_QID) ?? 0);
  properties.delete(MessageProperty.REAL_TOPIC);
  properties.delete(MessageProperty.REAL_QID);
  return {
    ...toMessageInner(half, properties),
    topic,
    queueId,
    sysFlag: half.sysFlag | SysFlag.TRANSACTION_COMMIT,
    preparedTransactionOffset: half.physicalOffset,
  };
}

/** Makes a message to store from a stored one, with other properties. */
export function toMessageInner(message: MessageExt, properties: ReadonlyMap<string, string>): MessageInner {
  return {
    topic: message.topic,
    queueId: message.queueId,
    flag: message.flag,
    sysFlag: message.sysFlag,
    bornTimestamp: message.bornTimestamp,
    bornHost: message.bornHost.address,
    bornPort: message.bornHost.port,
    reconsumeTimes: message.reconsumeTimes,
    preparedTransactionOffset: message.preparedTransactionOffset,
    body: message.body,
    properties: encodedProperties(properties),
    tagsCode: 0,
    storeHost: message.storeHost,
    again: true,
  };
}

/** Makes the message that marks the halves at these offsets of the half topic as decided. */
export function opMessage(offsets: readonly number[], host: HostPort, now: number): MessageInner {
  return {
    topic: OP_HALF_TOPIC,
    queueId: 0,
    flag: 0,
    sysFlag: 0,
    bornTimestamp: now,
    bornHost: host.address,
    bornPort: host.port,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    body: Buffer.from(offsets.map((offset) => `${offset},`).join(''), 'latin1'),
    properties: Buffer.from(
      encodeProperties([
        ['WAIT', 'true'],
        ['TAGS', REMOVE_TAG],
      ]),
      'latin1',
    ),
    tagsCode: 0,
  };
}

/** The offsets that an op message names: Apache 4.x writes one without a comma, 5.x several with one after each. */
export function offsetsOfOp(body: Buffer): number[] {
  const words = body
    .toString('latin1')
    .split(',')
    .map((word) => word.trim());
  return words.filter((word) => /^\d{1,16}$/.test(word)).map(Number);
}
