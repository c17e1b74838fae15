// Answers RECALL_MESSAGE: takes a message back that waits for its time. What is recalled is stored as Apache stores it,
// so that it stays recalled whichever broker opens the store next.
import {
  MessageProperty,
  Permission,
  ResponseCode,
  decodeRecallHandle,
  encodeProperties,
  javaHashCode,
  printable,
} from '@nest-rocketmq/remoting/internal';
import type {
  Answer,
  Clock,
  Connection,
  Handlers,
  IncomingRequest,
  Logger,
  RecallHandle,
  Requests,
} from '@nest-rocketmq/remoting/internal';
import { PutError } from '../message/message-writer.js';
import type { MessageWriter } from '../message/message-writer.js';
import type { BrokerStats } from '../metrics/broker-stats.js';
import type { Topics } from '../metadata/topics.js';
import type { MessageInner, MessageStore } from '../store/store.js';
import { findWaiting, slotOf } from './find-waiting.js';
import type { PendingTimers, Timer } from './pending-timers.js';

const SECOND = 1_000;
/** As Apache's broker stores a recall. */
const RECALL_TAG = '_RECALL_TAG_';
const RECALL_BODY = Buffer.from('0');

type Row = typeof Requests.RECALL_MESSAGE;

export interface RecallDeps {
  store: MessageStore;
  messageWriter: MessageWriter;
  topics: Topics;
  pending: PendingTimers;
  stats: BrokerStats;
  /** `DelayOffsets.hold` */
  hold: () => () => void;
  /** Has the timer look again at what is due. */
  wake: () => void;
  clock: Clock;
  logger: Logger;
  config: {
    brokerName: string;
    brokerPermission: number;
    regionId: string;
    recallMessageEnable: boolean;
    timerMaxDelaySec: number;
    maxPendingRecalls: number;
  };
}

export function recallHandlers(deps: RecallDeps): Pick<Handlers<'broker'>, 'RECALL_MESSAGE'> {
  const extFields = { MSG_REGION: deps.config.regionId };
  return { RECALL_MESSAGE: async (request) => ({ ...(await recall(deps, request)), extFields }) };
}

async function recall(deps: RecallDeps, { header, connection }: IncomingRequest<Row>): Promise<Answer<Row>> {
  const refusal = refusalOf(deps, header.topic);
  if (refusal) return refusal;
  const handle = handleOf(deps, header);
  if ('code' in handle) return handle;
  const { topic, uniqKey, timestamp } = handle;
  if (deps.pending.recallsFull) return busy(deps.config.maxPendingRecalls);
  const timer = await findWaiting(deps.store, deps.pending, { topic, uniqKey, slot: slotOf(timestamp) });
  if (!timer) return illegal('recall failed, no such message waits: it was recalled before, or never sent');
  // It may have become due while it was looked for.
  if (!deps.pending.isWaiting(timer)) return illegal('recall failed, timestamp invalid');
  const message = recallMessage(handle, header.producerGroup ?? '', connection, deps.clock.now());
  const failure = await store(deps, { ...message, preparedTransactionOffset: timer.position }, timer);
  return failure ?? { header: { msgId: uniqKey } };
}

/** Stores the recall and takes the message out of those that wait. */
async function store(deps: RecallDeps, message: MessageInner, timer: Timer): Promise<Answer<Row> | undefined> {
  const { messageWriter, pending, hold, stats } = deps;
  const noted = hold();
  let recalled = false;
  pending.beginRecall(timer.position);
  try {
    const result = messageWriter.put(message);
    const { size, storeTimestamp } = result;
    await messageWriter.whenStored(result);
    stats.put(message.topic, message.queueId, 1, size, storeTimestamp);
    recalled = true;
    return undefined;
  } catch (error) {
    if (!(error instanceof PutError)) deps.logger.error(`a recall failed: ${String(error)}`);
    return { code: ResponseCode.SYSTEM_ERROR, remark: 'recall failed, execute error' };
  } finally {
    pending.endRecall(timer.position, recalled);
    deps.wake();
    noted();
  }
}

function refusalOf({ topics, config }: RecallDeps, topic: string): Answer<Row> | undefined {
  if (!config.recallMessageEnable)
    return { code: ResponseCode.NO_PERMISSION, remark: 'recall failed, operation is forbidden' };
  if (!(config.brokerPermission & Permission.WRITE))
    return { code: ResponseCode.SERVICE_NOT_AVAILABLE, remark: 'recall failed, broker service not available' };
  if (topics.get(topic)) return undefined;
  return { code: ResponseCode.TOPIC_NOT_EXIST, remark: `recall failed, the topic[${printable(topic)}] not exist` };
}

function handleOf(
  { clock, config }: RecallDeps,
  header: { topic: string; recallHandle: string },
): RecallHandle | (Answer<Row> & { code: number }) {
  const handle = decodeRecallHandle(header.recallHandle);
  if (!handle) return illegal('recall handle is invalid');
  if (handle.topic !== header.topic) return illegal('recall failed, topic not match');
  if (handle.brokerName !== config.brokerName) return illegal('recall failed, broker service not available');
  const left = handle.timestamp - clock.now();
  if (left <= 0 || left > config.timerMaxDelaySec * SECOND) return illegal('recall failed, timestamp invalid');
  return handle;
}

const busy = (most: number): Answer<Row> => ({
  code: ResponseCode.SYSTEM_BUSY,
  remark: `recall failed, too many recalls are looking for their messages, try again: maxPendingRecalls=${most}`,
});

const illegal = (remark: string): Answer<Row> & { code: number } => ({ code: ResponseCode.ILLEGAL_OPERATION, remark });

function recallMessage(
  { topic, uniqKey, timestamp }: RecallHandle,
  producerGroup: string,
  { remoteHost, remotePort }: Connection,
  now: number,
): MessageInner {
  const properties: [string, string][] = [
    [MessageProperty.TAGS, RECALL_TAG],
    [MessageProperty.TIMER_DEL_UNIQKEY, uniqKey],
    [MessageProperty.UNIQ_KEY, uniqKey],
    [MessageProperty.TIMER_DELIVER_MS, String(timestamp)],
    [MessageProperty.BORN_TIMESTAMP, String(now)],
    [MessageProperty.PGROUP, producerGroup],
  ];
  return {
    topic,
    queueId: 0,
    flag: 0,
    sysFlag: 0,
    bornTimestamp: now,
    bornHost: remoteHost,
    bornPort: remotePort,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    body: RECALL_BODY,
    properties: Buffer.from(encodeProperties(properties.filter(([, value]) => value !== '')), 'utf8'),
    tagsCode: javaHashCode(RECALL_TAG),
  };
}
