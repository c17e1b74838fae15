// Takes back a delayed message before it is due.
import {
  MessageProperty,
  Requests,
  ResponseCode,
  ResponseError,
  decodeRecallHandle,
  isDLQTopic,
  isRetryTopic,
} from '@nest-rocketmq/remoting/internal';
import type { Clock, RecallHandle, Reply } from '@nest-rocketmq/remoting/internal';
import { BrokerNotFoundError, RecallFailedError } from '../errors.js';
import type { RecallFailure } from '../errors.js';
import type { Brokers } from '../routes/brokers.js';
import type { ProducerTrace } from './send/producer-trace.js';
import type { Routes } from '../routes/routes.js';

export interface RecallParts {
  group: string;
  clock: Clock;
  brokers: Brokers;
  routes: Routes;
  trace?: ProducerTrace | undefined;
}

/**
 * @returns the recalled message's id
 * @throws RecallFailedError; BrokerNotFoundError while the master is away; ResponseError when the broker cannot do it now
 */
export async function recall(
  parts: RecallParts,
  topic: string,
  recallHandle: string,
  timeout: number,
): Promise<string> {
  const { group, brokers, routes } = parts;
  const failed = (reason: RecallFailure, detail: string, cause?: unknown): RecallFailedError =>
    new RecallFailedError(topic, recallHandle, reason, detail, cause === undefined ? {} : { cause });
  if (isRetryTopic(topic) || isDLQTopic(topic)) throw failed('foreign', 'retries and dead letters have no handles');
  const handle = typeof recallHandle === 'string' ? decodeRecallHandle(recallHandle) : undefined;
  if (!handle) throw failed('foreign', 'this is no recall handle; use the recallHandle of a SendResult');
  if (handle.topic !== topic) throw failed('foreign', `the handle is of topic ${handle.topic}`);
  if (!routes.brokerAddress(handle.brokerName)) await routes.resolve(topic);
  const address = routes.brokerAddress(handle.brokerName);
  // A replica of it is there, or queues of it: only its master is away.
  const isKnown =
    routes.anyBrokerAddress(handle.brokerName) !== undefined ||
    routes.get(topic)?.readable.some(({ brokerName }) => brokerName === handle.brokerName);
  if (!address && isKnown) throw new BrokerNotFoundError(handle.brokerName, topic);
  if (!address) throw failed('foreign', `the handle is of broker ${handle.brokerName}, which has no address here`);
  const header = { producerGroup: group, topic, recallHandle, bname: handle.brokerName };
  const reply = await brokers.request(address, Requests.RECALL_MESSAGE, header, { timeout });
  const isRecalled = reply.code === ResponseCode.SUCCESS;
  parts.trace?.recalled(topic, handle.uniqKey, isRecalled, reply.extFields[MessageProperty.MSG_REGION]);
  if (isRecalled) return reply.header.msgId ?? '';
  const cause = new ResponseError(reply.code, reply.remark, address, reply.row.name);
  const reason = reasonOf(reply, handle, parts.clock.now());
  if (!reason) throw cause;
  throw failed(reason, `${handle.brokerName} answered ${cause.message}`, cause);
}

/** Brokers tell most of it in words only: Apache's, and ours where Apache's does not look whether the message is there. */
function reasonOf(
  { code, remark = '' }: Reply<unknown>,
  { timestamp }: RecallHandle,
  now: number,
): RecallFailure | undefined {
  switch (code) {
    case ResponseCode.NO_PERMISSION:
    case ResponseCode.REQUEST_CODE_NOT_SUPPORTED:
      return 'not enabled';
    case ResponseCode.QUERY_NOT_FOUND:
    case ResponseCode.NO_MESSAGE:
      return 'unknown';
    case ResponseCode.TOPIC_NOT_EXIST:
      return 'foreign';
    case ResponseCode.ILLEGAL_OPERATION:
      if (remark.includes('no such message')) return 'unknown';
      return remark.includes('timestamp') || timestamp <= now ? 'too late' : 'foreign';
    default:
      return undefined;
  }
}
