// Builds a batch: checks its messages, and puts them into one.
import { MessageProperty, encodeBatch, encodeProperties, isRetryTopic } from '@nest-rocketmq/remoting/internal';
import { InvalidMessageError, MessageTooLargeError } from '../errors.js';
import { prepare } from './outgoing.js';
import type { PrepareOptions, PreparedMessage } from './outgoing.js';
import type { OutgoingMessage } from './producer-options.js';

/**
 * @throws InvalidMessageError when the members differ in topic or waitStoreMsgOk, or one is delayed;
 * MessageTooLargeError when all together are larger than maxMessageSize
 */
export function prepareBatch(messages: readonly OutgoingMessage[], options: PrepareOptions): PreparedMessage {
  const first = messages[0];
  if (!first) throw new InvalidMessageError('the batch is empty; give at least one message');
  const members = messages.map((message) => prepare(message, options));
  for (const [index, member] of members.entries()) checkMember(index, member, members[0]!);
  const body = encodeBatch(
    members.map(({ flag, body, properties }) => ({
      flag,
      body,
      properties: Buffer.from(encodeProperties(properties), 'utf8'),
    })),
  );
  const { now, maxMessageSize } = options;
  if (body.length > maxMessageSize) throw new MessageTooLargeError(first.topic, body.length, maxMessageSize);
  // No UNIQ_KEY on the envelope: a 4.9 broker puts the envelope's properties on each member, over the member's own.
  const properties = new Map([[MessageProperty.WAIT, members[0]!.properties.get(MessageProperty.WAIT) ?? 'true']]);
  const msgId = members.map((member) => member.msgId).join(',');
  return { topic: first.topic, body, properties, flag: 0, sysFlag: 0, bornTimestamp: now, msgId, batch: true };
}

function checkMember(index: number, member: PreparedMessage, first: PreparedMessage): void {
  if (member.topic !== first.topic) {
    throw new InvalidMessageError(
      `message ${index} of the batch is for topic ${member.topic} and the first one for ${first.topic}; send them apart`,
    );
  }
  if (isRetryTopic(member.topic)) {
    throw new InvalidMessageError('a batch cannot go to a retry topic; send the messages one by one');
  }
  // Apache's producers refuse it too: a broker would delay the batch, or nothing of it.
  if (member.delay || member.properties.has(MessageProperty.DELAY)) {
    throw new InvalidMessageError(`message ${index} of the batch is delayed; send delayed messages one by one`);
  }
  if (member.properties.get(MessageProperty.WAIT) !== first.properties.get(MessageProperty.WAIT)) {
    throw new InvalidMessageError(
      `message ${index} of the batch differs from the first one in waitStoreMsgOk; send them apart`,
    );
  }
}
