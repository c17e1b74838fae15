// Checks whether a send is allowed, with the same answers for one message and for a batch.
import { Permission, ResponseCode, printable } from '@nest-rocketmq/remoting/internal';
import type { Connection, TopicConfig } from '@nest-rocketmq/remoting/internal';
import { isNotAllowedToSend, topicNameFault } from '../metadata/names.js';
import type { PutStatus } from '../store/store.js';

export interface Refusal {
  code: number;
  remark: string;
}

/**
 * Why a send cannot be, as far as it can be said before the topic is made.
 * @param topic undefined when it does not exist yet
 * @param brokerPermission bits of Permission
 */
export function refusalOf(
  send: { topic: string; queueId: number },
  topic: TopicConfig | undefined,
  brokerPermission: number,
  connection: Connection,
): Refusal | undefined {
  if (!(brokerPermission & Permission.WRITE)) return forbidden('the broker');
  if (isNotAllowedToSend(send.topic)) return forbidden(`topic[${printable(send.topic)}]`);
  if (!topic) {
    const fault = topicNameFault(send.topic);
    return fault === undefined ? undefined : { code: ResponseCode.INVALID_PARAMETER, remark: fault };
  }
  if (!(topic.perm & Permission.WRITE)) return forbidden(`topic[${topic.topicName}]`);
  return queueFault(send.queueId, topic, connection);
}

/** The queue that a message goes to, by chance for a number below 0; or why it cannot go there. */
export function queueOf(queueId: number, topic: TopicConfig, connection: Connection): number | Refusal {
  if (queueId < 0) return Math.floor(Math.random() * topic.writeQueueNums);
  return queueFault(queueId, topic, connection) ?? queueId;
}

export function forbidden(what: string): Refusal {
  return { code: ResponseCode.NO_PERMISSION, remark: `Sending message to ${what} is forbidden.` };
}

export function noSuchTopic(topic: string): Refusal {
  return { code: ResponseCode.TOPIC_NOT_EXIST, remark: `topic[${printable(topic)}] not exist, apply first please!` };
}

function queueFault(queueId: number, topic: TopicConfig, connection: Connection): Refusal | undefined {
  const { topicName, readQueueNums, writeQueueNums } = topic;
  if (queueId < Math.max(readQueueNums, writeQueueNums)) return undefined;
  const queues = `topic ${topicName} has readQueueNums=${readQueueNums}, writeQueueNums=${writeQueueNums}`;
  const remark = `request queueId[${queueId}] is illegal, ${queues}. Producer: ${connection.remoteAddress}`;
  return { code: ResponseCode.INVALID_PARAMETER, remark };
}

/** The options that a refused timer message is told of. */
export interface TimerLimits {
  timerMaxDelaySec: number;
  maxPendingTimers: number;
  maxPendingRecalls: number;
}

/** What the producer is told when the store did not take its message. */
export function notStored(status: PutStatus, limits: TimerLimits): Refusal {
  switch (status) {
    case 'WHEEL_TIMER_MSG_ILLEGAL':
      return {
        code: ResponseCode.MESSAGE_ILLEGAL,
        remark:
          `timer message illegal, the delay time should not be bigger than the max delay ${limits.timerMaxDelaySec}000ms ` +
          `(timerMaxDelaySec=${limits.timerMaxDelaySec}) and be a whole number; or if set del msg, the delay time should be bigger than the current time`,
      };
    case 'WHEEL_TIMER_FLOW_CONTROL':
      return {
        code: ResponseCode.SYSTEM_ERROR,
        remark: `timer message is under flow control, as many wait as the broker allows: maxPendingTimers=${limits.maxPendingTimers}`,
      };
    case 'RECALL_FLOW_CONTROL':
      return {
        code: ResponseCode.SYSTEM_BUSY,
        remark: `too many recalls are looking for their messages, try again: maxPendingRecalls=${limits.maxPendingRecalls}`,
      };
    case 'WHEEL_TIMER_NOT_ENABLE':
      return {
        code: ResponseCode.SYSTEM_ERROR,
        remark: 'accurate timer message is not enabled, timerWheelEnable is false',
      };
    case 'MESSAGE_ILLEGAL':
    case 'PROPERTIES_SIZE_EXCEEDED':
      return {
        code: ResponseCode.MESSAGE_ILLEGAL,
        remark:
          'the message is illegal, maybe msg body or properties length not matched. msg body length limit maxMessageSize, msg properties length limit 32k.',
      };
    case 'SERVICE_NOT_AVAILABLE':
      return {
        code: ResponseCode.SERVICE_NOT_AVAILABLE,
        remark: 'service not available now: the store takes no messages',
      };
    case 'OS_PAGE_CACHE_BUSY':
      return { code: ResponseCode.SYSTEM_BUSY, remark: '[PC_SYNCHRONIZED]broker busy, start flow control for a while' };
    default:
      return { code: ResponseCode.SYSTEM_ERROR, remark: `the message was not stored: ${status}` };
  }
}
