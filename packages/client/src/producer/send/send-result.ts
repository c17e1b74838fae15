// Makes the result of a send of the broker's answer, and says which failures are worth another attempt.
import { ResponseCode, ResponseError, RocketMQError } from '@nest-rocketmq/remoting/internal';
import type { MessageQueue, Reply, Requests } from '@nest-rocketmq/remoting/internal';
import { MQClientError } from '../../client-error.js';
import { BrokerNotFoundError } from '../../errors.js';
import type { PreparedMessage } from './outgoing.js';
import type { SendResult, SendStatus } from '../options/producer-options.js';

/** SEND_BATCH_MESSAGE and SEND_REPLY_MESSAGE_V2 have the same fields. */
export type SendRow = typeof Requests.SEND_MESSAGE_V2;

const STATUS_OF = new Map<number, SendStatus>([
  [ResponseCode.SUCCESS, 'SEND_OK'],
  [ResponseCode.FLUSH_DISK_TIMEOUT, 'FLUSH_DISK_TIMEOUT'],
  [ResponseCode.FLUSH_SLAVE_TIMEOUT, 'FLUSH_SLAVE_TIMEOUT'],
  [ResponseCode.SLAVE_NOT_AVAILABLE, 'SLAVE_NOT_AVAILABLE'],
]);

/** Answers after which another broker is tried: Apache's retryResponseCodes. */
const RETRY_RESPONSE_CODES = new Set<number>([
  ResponseCode.SYSTEM_ERROR,
  ResponseCode.SYSTEM_BUSY,
  ResponseCode.SERVICE_NOT_AVAILABLE,
  ResponseCode.NO_PERMISSION,
  ResponseCode.TOPIC_NOT_EXIST,
  ResponseCode.NO_BUYER_ID,
  ResponseCode.NOT_IN_CURRENT_UNIT,
  ResponseCode.GO_AWAY,
]);

export const DEFAULT_REGION = 'DefaultRegion';

/** @throws ResponseError when the broker has not stored the message */
export function toResult(
  reply: Reply<SendRow>,
  queue: MessageQueue,
  message: PreparedMessage,
  address: string,
): SendResult {
  const sendStatus = STATUS_OF.get(reply.code);
  if (!sendStatus) throw new ResponseError(reply.code, reply.remark, address, reply.row.name);
  const { msgId = '', queueId = queue.queueId, queueOffset = -1, transactionId, recallHandle } = reply.header;
  return {
    sendStatus,
    msgId: message.msgId,
    offsetMsgId: msgId,
    messageQueue: { topic: queue.topic, brokerName: queue.brokerName, queueId },
    queueOffset,
    ...(transactionId !== undefined && { transactionId }),
    ...(recallHandle !== undefined && { recallHandle }),
    regionId: reply.extFields['MSG_REGION'] ?? DEFAULT_REGION,
    traceOn: reply.extFields['TRACE_ON'] !== 'false',
  };
}

/** Whether another broker, or the same one a little later, may take the message. */
export function isWorthRetrying(error: unknown): boolean {
  if (error instanceof ResponseError) return RETRY_RESPONSE_CODES.has(error.responseCode);
  return error instanceof BrokerNotFoundError || (error instanceof RocketMQError && !(error instanceof MQClientError));
}
