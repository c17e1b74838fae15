// Answers what brokers ask of a client, through the producer or consumer of the group in question.
import {
  MessageProperty,
  RequestRefusedError,
  ResponseCode,
  decodeQueueTable,
  decodeRecord,
  encodeJson,
  handlerTable,
  isObject,
  numberIn,
  objectOf,
  parseJsonObject,
  queueTable,
} from '@nest-rocketmq/remoting/internal';
import type { Clock, HandlerTable, Handlers, Logger } from '@nest-rocketmq/remoting/internal';
import { describe } from '../errors.js';
import type { PendingReplies } from '../replies/pending-replies.js';
import { correlationIdOf, decodePushedReply } from '../replies/pushed-reply.js';
import type { ConsumerMember, GroupRegistry, QueueOffset } from './group-registry.js';

export interface CallbackParts {
  members: GroupRegistry;
  replies: PendingReplies;
  clock: Clock;
  logger: Logger;
  /** Whether the client is being shut down: brokers may not know yet that a group has left. */
  isStopping: () => boolean;
}

export function callbackHandlers({ members, replies, clock, logger, isStopping }: CallbackParts): HandlerTable {
  const handlers: Handlers<'client'> = {
    CHECK_TRANSACTION_STATE(check) {
      const message = decodeRecord(Buffer.from(check.body));
      const group = message.properties.get(MessageProperty.PGROUP) ?? '';
      const producer = members.producers.get(group);
      if (producer) producer.checkTransaction(check, message);
      // One that has just left: the broker asks another one of its group the next time.
      else if (!isStopping())
        logger.warn(`a broker asks about transaction ${message.msgId} of group ${group}, which has no producer here`);
      return undefined;
    },
    NOTIFY_CONSUMER_IDS_CHANGED(notice) {
      members.consumers.get(notice.header.consumerGroup)?.idsChanged();
      return undefined;
    },
    RESET_CONSUMER_CLIENT_OFFSET(reset) {
      const consumer = members.consumers.get(reset.header.group);
      consumer
        ?.resetOffsets(decodeOffsets(reset.body))
        .catch((error: unknown) => logger.warn(`resetting offsets of ${consumer.group}: ${describe(error)}`));
      return undefined;
    },
    GET_CONSUMER_STATUS_FROM_CLIENT(question) {
      const offsets = consumerOf(members, question.header.group).offsetsOf(question.header.topic);
      const table = queueTable(offsets.map(({ queue, offset }) => [queue, offset] as const));
      return { body: encodeJson({ messageQueueTable: table }) };
    },
    GET_CONSUMER_RUNNING_INFO: (question) => ({
      body: consumerOf(members, question.header.consumerGroup).runningInfo(),
    }),
    PUSH_REPLY_MESSAGE_TO_CLIENT(push) {
      replies.received(correlationIdOf(push), () => decodePushedReply(push, clock.now()));
      return {};
    },
    async CONSUME_MESSAGE_DIRECTLY(order) {
      const consumer = consumerOf(members, order.header.consumerGroup);
      const message = decodeRecord(Buffer.from(order.body));
      const result = await consumer.consumeDirectly(message, order.header.brokerName ?? '');
      return { code: ResponseCode.SUCCESS, body: encodeJson({ autoCommit: true, order: false, ...result }) };
    },
  };
  return handlerTable(handlers);
}

function consumerOf(members: GroupRegistry, group: string): ConsumerMember {
  const consumer = members.consumers.get(group);
  if (!consumer)
    throw new RequestRefusedError(
      ResponseCode.SYSTEM_ERROR,
      `The Consumer Group <${group}> not exist in this consumer`,
    );
  return consumer;
}

/** Java's {{queue}:offset}, the pairs of others, and the list of plain objects that C clients are sent. */
function decodeOffsets(body: Buffer): QueueOffset[] {
  const table = parseJsonObject(body, 'a reset of offsets')['offsetTable'];
  if (Array.isArray(table) && table.every((row) => isObject(row))) {
    return table.map((row) => {
      const { topic, brokerName, queueId, offset } = objectOf(row);
      const queue = { topic: String(topic), brokerName: String(brokerName), queueId: Number(queueId) };
      return { queue, offset: Number(offset) };
    });
  }
  return decodeQueueTable(table).map(([queue, offset]) => ({ queue, offset: numberIn({ offset }, 'offset') }));
}
