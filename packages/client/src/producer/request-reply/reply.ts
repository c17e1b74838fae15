// Makes and sends replies to requests (Apache: MessageUtil.createReplyMessage). A reply goes to the broker that the request
// came from, which knows the requester; only where that fails, to the other brokers of the cluster.
import {
  ConnectionClosedError,
  MessageProperty,
  ResponseCode,
  ResponseError,
  RocketMQError,
  replyTopic,
} from '@nest-rocketmq/remoting/internal';
import type { Clock, MessageExt, MessageQueue } from '@nest-rocketmq/remoting/internal';
import { MQClientError } from '../../client-error.js';
import { SendFailedError } from '../../errors.js';
import { NotARequestError, RequesterGoneError } from '../../replies/errors.js';
import { Backoff, isUnreached } from '../../time/backoff.js';
import type { PreparedMessage } from '../send/outgoing.js';
import type { OutgoingMessage, ReplyContent, SendResult } from '../options/producer-options.js';
import type { Sender } from '../send/send.js';

/** Apache's MixAll.REPLY_MESSAGE_FLAG. */
const REPLY = 'reply';

/** Whether whoever sent the message waits for a reply to it. */
export function isRequest(message: Pick<MessageExt, 'properties'>): boolean {
  const { properties } = message;
  return properties.has(MessageProperty.CORRELATION_ID) && properties.has(MessageProperty.REPLY_TO_CLIENT);
}

/** The reply as an application's message: its topic belongs to the cluster that the request came from. @throws NotARequestError */
export function replyMessage(request: MessageExt, content: ReplyContent): OutgoingMessage {
  const cluster = request?.properties?.get(MessageProperty.CLUSTER);
  if (cluster === undefined) throw new NotARequestError(request?.msgId ?? '', MessageProperty.CLUSTER);
  for (const name of [MessageProperty.CORRELATION_ID, MessageProperty.REPLY_TO_CLIENT]) {
    if (!request.properties.has(name)) throw new NotARequestError(request.msgId, name);
  }
  return { ...content, topic: replyTopic(cluster) };
}

/** Puts on a prepared reply what leads it to its requester. */
export function addressed(prepared: PreparedMessage, request: MessageExt): PreparedMessage {
  const properties = new Map(prepared.properties);
  properties.set(MessageProperty.MSG_TYPE, REPLY);
  for (const name of [MessageProperty.CORRELATION_ID, MessageProperty.REPLY_TO_CLIENT, MessageProperty.TTL]) {
    const value = request.properties.get(name);
    if (value !== undefined) properties.set(name, value);
  }
  return { ...prepared, properties, reply: true };
}

export interface SendReplyParts {
  sender: Sender;
  clock: Clock;
  /** Aborts when nothing more is to be tried. */
  closing: AbortSignal;
}

/**
 * Sends a reply until its requester has it. Trying again does no harm: a second one is dropped over there.
 * @param timeout ms
 * @throws RequesterGoneError, SendFailedError
 */
export async function sendReply(
  { sender, clock, closing }: SendReplyParts,
  prepared: PreparedMessage,
  request: MessageExt,
  timeout: number,
): Promise<SendResult> {
  const backoff = new Backoff({ clock, timeout, closing });
  const { writable } = await sender.route(prepared.topic, timeout);
  const queues = onePerBroker(writable, request.brokerName);
  const tried: string[] = [];
  let failure: unknown;
  do {
    for (const queue of queues) {
      tried.push(queue.brokerName);
      try {
        return await sender.sendTo(queue, prepared, Math.max(1, backoff.left));
      } catch (error) {
        if (!isOfTheBroker(error)) throw error;
        // That one broker does not know the requester says more than that another one is away.
        if (!(failure instanceof ResponseError)) failure = error;
      }
      if (backoff.over) break;
    }
  } while (mayBeBack(failure) && (await backoff.pause()));
  if (failure instanceof ResponseError && failure.responseCode === ResponseCode.SYSTEM_ERROR) {
    throw requesterGone(prepared, failure);
  }
  throw new SendFailedError(prepared.topic, tried.length, Math.round(backoff.elapsed), tried, { cause: failure });
}

function requesterGone({ properties }: PreparedMessage, cause: ResponseError): RequesterGoneError {
  const requester = properties.get(MessageProperty.REPLY_TO_CLIENT) ?? '';
  const correlationId = properties.get(MessageProperty.CORRELATION_ID) ?? '';
  return new RequesterGoneError(requester, correlationId, { cause });
}

/** Whether the broker may be another one in a moment: it is being restarted. */
function mayBeBack(failure: unknown): boolean {
  return isUnreached(failure) || failure instanceof ConnectionClosedError;
}

/** The request's broker first. */
function onePerBroker(queues: readonly MessageQueue[], first: string | undefined): MessageQueue[] {
  const byBroker = new Map<string, MessageQueue>();
  for (const queue of queues) if (!byBroker.has(queue.brokerName)) byBroker.set(queue.brokerName, queue);
  return [...byBroker.values()].toSorted((a, b) => Number(b.brokerName === first) - Number(a.brokerName === first));
}

/** Whether another broker may do better. */
function isOfTheBroker(error: unknown): boolean {
  return isUnreached(error) || (error instanceof RocketMQError && !(error instanceof MQClientError));
}
