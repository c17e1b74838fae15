// Reads a queue from one offset to another, page by page, as an administrator: no group's progress changes.
import { DecodeError, Requests, ResponseCode, ResponseError, decodeRecord } from '@nest-rocketmq/remoting/internal';
import type { MessageExt, MessageQueue } from '@nest-rocketmq/remoting/internal';
import { answeredField } from '../routes/answered-field.js';
import type { ClientContext } from '../client-context.js';
import { BrokerNotFoundError } from '../errors.js';

/** The group by which Apache's own tools read. */
const TOOLS_CONSUMER = 'TOOLS_CONSUMER';
/** The filter stands in the request; the broker does not wait for messages. */
const PULL_SYS_FLAG = 0x4;
const PULL_TIMEOUT_MS = 10_000;

export interface QueueRange {
  readonly queue: MessageQueue;
  /** The first offset, and one beyond the last. */
  readonly from: number;
  readonly to: number;
  /** Messages of one request. */
  readonly pageSize: number;
}

export async function* readQueue(context: ClientContext, range: QueueRange): AsyncGenerator<MessageExt> {
  const { queue, to } = range;
  for (let at = range.from; at < to;) {
    const address = context.routes.brokerAddress(queue.brokerName);
    if (!address) throw new BrokerNotFoundError(queue.brokerName, queue.topic);
    const reply = await context.brokers.request(
      address,
      Requests.PULL_MESSAGE,
      {
        consumerGroup: TOOLS_CONSUMER,
        topic: queue.topic,
        queueId: queue.queueId,
        queueOffset: at,
        maxMsgNums: Math.min(range.pageSize, to - at),
        sysFlag: PULL_SYS_FLAG,
        commitOffset: 0,
        suspendTimeoutMillis: 0,
        subscription: '*',
        subVersion: 0,
        expressionType: 'TAG',
        bname: queue.brokerName,
      },
      { timeout: PULL_TIMEOUT_MS },
    );
    if (!ENDS_OR_GOES_ON.has(reply.code)) throw new ResponseError(reply.code, reply.remark, address, reply.row.name);
    const isFound = reply.code === ResponseCode.SUCCESS;
    for (const message of isFound ? recordsIn(Buffer.from(reply.body)) : []) {
      if (message.queueOffset >= at && message.queueOffset < to) yield { ...message, brokerName: queue.brokerName };
    }
    const next = isFound ? answeredField(reply, 'nextBeginOffset', address) : (reply.header.nextBeginOffset ?? to);
    if (next <= at) return;
    at = next;
  }
}

/** One at a time, so that only one decompressed body need be held. */
function* recordsIn(bytes: Buffer): Generator<MessageExt> {
  for (let at = 0; at < bytes.length;) {
    const message = decodeReadable(bytes, at);
    at += message.storeSize;
    yield message;
  }
}

/** A body that cannot be read comes as it is stored: that may be why the message is a dead letter. */
function decodeReadable(bytes: Buffer, at: number): MessageExt {
  try {
    return decodeRecord(bytes, at);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return decodeRecord(bytes, at, { inflate: false, checkCrc: false });
  }
}

const ENDS_OR_GOES_ON = new Set<number>([
  ResponseCode.SUCCESS,
  ResponseCode.PULL_NOT_FOUND,
  ResponseCode.PULL_RETRY_IMMEDIATELY,
  ResponseCode.PULL_OFFSET_MOVED,
]);
