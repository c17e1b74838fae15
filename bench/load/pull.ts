// Pulls a topic on one connection, with one request in flight for each queue.
import { type Connection, RecordAt, readLong, Requests, ResponseCode, SysFlag } from '@nest-rocketmq/remoting/internal';

const GROUP = 'BenchReader';
const SUSPEND = 2;
const SUBSCRIPTION = 4;
/** What Apache's consumers ask for at most. */
const BATCH = 32;
/** Of a record with IPv4 hosts. */
const BODY_LENGTH_AT = 84;
const STORE_TIMESTAMP_AT = 56;
const IPV6_EXTRA = 12;
/** Added to the time of a long poll, ms. */
const ANSWER_PATIENCE_MS = 60_000;

export interface Place {
  topic: string;
  queueId: number;
  offset: number;
}

/** Called with each record of an answer: where in `bytes` it begins. */
export type Visit = (bytes: Buffer, at: number) => void;

/**
 * Pulls once, and moves the place on. Resolves with how many records it gave.
 * @param suspendMs how long the broker may hold the pull where there is nothing yet; 0: not at all
 */
export async function pullOnce(connection: Connection, place: Place, suspendMs: number, visit: Visit): Promise<number> {
  const header = {
    consumerGroup: GROUP,
    topic: place.topic,
    queueId: place.queueId,
    queueOffset: place.offset,
    maxMsgNums: BATCH,
    sysFlag: SUBSCRIPTION | (suspendMs > 0 ? SUSPEND : 0),
    commitOffset: 0,
    suspendTimeoutMillis: suspendMs,
    subscription: '*',
    subVersion: 0,
    expressionType: 'TAG',
    maxMsgBytes: 0x7fffffff,
  };
  const reply = await connection.request(Requests.PULL_MESSAGE, header, { timeout: suspendMs + ANSWER_PATIENCE_MS });
  if (reply.code === ResponseCode.PULL_NOT_FOUND) return 0;
  if (
    reply.code !== ResponseCode.SUCCESS &&
    reply.code !== ResponseCode.PULL_OFFSET_MOVED &&
    reply.code !== ResponseCode.PULL_RETRY_IMMEDIATELY
  )
    throw new Error(
      `a pull at ${place.offset} of queue ${place.queueId} was answered by ${reply.code}: ${reply.remark}`,
    );
  let count = 0;
  for (let at = 0; at < reply.body.length; at += reply.body.readInt32BE(at + RecordAt.totalSize), count++)
    visit(reply.body, at);
  // No more than told to go elsewhere: a reader to the end must not take it for the end.
  if (count === 0 && reply.header.nextBeginOffset === place.offset)
    throw new Error(`a pull at ${place.offset} of queue ${place.queueId} gave ${reply.code}, and led nowhere`);
  place.offset = reply.header.nextBeginOffset!;
  return count;
}

/** Pulls from the places to the end of their queues, all at once. Resolves with how many records there were. */
export async function pullToEnd(connection: Connection, places: readonly Place[], visit: Visit): Promise<number> {
  const one = async (place: Place): Promise<number> => {
    let total = 0;
    for (let count = 1, before = -1; count > 0 || place.offset !== before; total += count) {
      before = place.offset;
      count = await pullOnce(connection, place, 0, visit);
    }
    return total;
  };
  const counts = await Promise.all(places.map(one));
  return counts.reduce((sum, count) => sum + count, 0);
}

/** The beginning of each queue. */
export function beginnings(topic: string, queues: number): Place[] {
  return Array.from({ length: queues }, (_, queueId) => ({ topic, queueId, offset: 0 }));
}

const extra = (sysFlag: number, bit: number): number => ((sysFlag & bit) === 0 ? 0 : IPV6_EXTRA);

/** Where the body of the record at `at` begins, and how long it is. */
export function bodyOf(bytes: Buffer, at: number): { start: number; length: number } {
  const sysFlag = bytes.readInt32BE(at + RecordAt.sysFlag);
  const lengthAt = at + BODY_LENGTH_AT + extra(sysFlag, SysFlag.BORNHOST_V6) + extra(sysFlag, SysFlag.STOREHOST_V6);
  return { start: lengthAt + 4, length: bytes.readInt32BE(lengthAt) };
}

/** When the record at `at` was stored, ms since the epoch. */
export function storeTimestampOf(bytes: Buffer, at: number): number {
  const sysFlag = bytes.readInt32BE(at + RecordAt.sysFlag);
  return readLong(bytes, at + STORE_TIMESTAMP_AT + extra(sysFlag, SysFlag.BORNHOST_V6));
}
