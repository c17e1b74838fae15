// Sets a group's offsets in a topic to a time, at the brokers and at the consumers that run.
import {
  InvalidOptionError,
  Requests,
  ResponseCode,
  decodeQueueTable,
  expectSuccess,
  numberIn,
  parseJsonObject,
} from '@nest-rocketmq/remoting/internal';
import type { MessageQueue, Reply } from '@nest-rocketmq/remoting/internal';
import type { ClientContext } from '../client-context.js';
import { checkGroup, checkTopic } from '../config/names.js';

/** The offsets to set, for `Admin.resetOffsetByTime`. */
export interface ResetOffsetOptions {
  group: string;
  topic: string;
  /** Where to go on: at the first message stored at this time or later, a Date or ms since the epoch; 'end': behind all. */
  time: Date | number | 'end';
  /** Whether the group may also be set forward, beyond what it has consumed. Default true. */
  force?: boolean;
}

/** A queue, and where the group goes on in it. */
export interface ResetOffset {
  readonly queue: MessageQueue;
  readonly offset: number;
}

export interface ResetParts {
  context: ClientContext;
  timeout: number;
  queues: readonly MessageQueue[];
  addressOf: (queue: MessageQueue) => Promise<string>;
  searchOffset: (queue: MessageQueue, timestamp: number) => Promise<number>;
  maxOffset: (queue: MessageQueue) => Promise<number>;
  consumerOffset: (group: string, queue: MessageQueue) => Promise<number | undefined>;
}

/** Apache's number for the end of a queue. */
const END = -1;
const ALL_QUEUES = -1;
/**
 * A 4.x broker's words where it has no offset of the group: a running consumer stores its first one after some seconds. The
 * group's offset cannot be asked for, since such a broker answers 0.
 */
const NO_OFFSET_YET = /consumer group <.*> not exist/i;
const NO_OFFSET = -1;

interface Reset {
  group: string;
  topic: string;
  timestamp: number;
  isForce: boolean;
}

/** @throws InvalidOptionError, InvalidNameError, ResponseError */
export async function resetOffsetByTime(parts: ResetParts, options: ResetOffsetOptions): Promise<ResetOffset[]> {
  checkGroup(options.group);
  checkTopic(options.topic);
  const { group, topic, force: isForce = true } = options;
  const reset = { group, topic, timestamp: timestampOf(options.time), isForce };
  const done = await Promise.all([...grouped(parts.queues).values()].map((queues) => atBroker(parts, reset, queues)));
  return done.flat();
}

function timestampOf(time: unknown): number {
  if (time === 'end') return END;
  const timestamp = time instanceof Date ? time.getTime() : time;
  if (typeof timestamp === 'number' && Number.isSafeInteger(timestamp) && timestamp >= 0) return timestamp;
  throw new InvalidOptionError('time', time, "a valid Date, ms since the epoch, or 'end'");
}

async function atBroker(parts: ResetParts, reset: Reset, queues: readonly MessageQueue[]): Promise<ResetOffset[]> {
  const address = await parts.addressOf(queues[0]!);
  const header = { ...reset, queueId: ALL_QUEUES, offset: NO_OFFSET };
  const ask = (): Promise<Reply<typeof Requests.INVOKE_BROKER_TO_RESET_OFFSET>> =>
    parts.context.brokers.request(address, Requests.INVOKE_BROKER_TO_RESET_OFFSET, header, { timeout: parts.timeout });
  let reply = await ask();
  if (reply.code === ResponseCode.SYSTEM_ERROR && NO_OFFSET_YET.test(reply.remark ?? '')) {
    await stored(parts, reset, queues);
    reply = await ask();
  }
  // A 4.x broker tells the consumers, and leaves it to the tool when none runs.
  if (reply.code === ResponseCode.CONSUMER_NOT_ONLINE) return stored(parts, reset, queues);
  expectSuccess(reply, address);
  if (reply.body.length === 0) return [];
  const table = parseJsonObject(Buffer.from(reply.body), 'a reset of offsets')['offsetTable'];
  return decodeQueueTable(table).map(([queue, offset]) => ({ queue, offset: numberIn({ offset }, 'offset') }));
}

/** Writes the offsets at the broker, for consumers that start later. */
async function stored(parts: ResetParts, reset: Reset, queues: readonly MessageQueue[]): Promise<ResetOffset[]> {
  const { group, timestamp, isForce } = reset;
  return Promise.all(
    queues.map(async (queue) => {
      const wanted = await (timestamp === END ? parts.maxOffset(queue) : parts.searchOffset(queue, timestamp));
      const consumed = await parts.consumerOffset(group, queue);
      const offset = isForce || consumed === undefined ? wanted : Math.min(wanted, consumed);
      const address = await parts.addressOf(queue);
      const header = { consumerGroup: group, topic: queue.topic, queueId: queue.queueId, commitOffset: offset };
      const reply = await parts.context.brokers.request(address, Requests.UPDATE_CONSUMER_OFFSET, header, {
        timeout: parts.timeout,
      });
      expectSuccess(reply, address);
      return { queue, offset };
    }),
  );
}

function grouped(queues: readonly MessageQueue[]): Map<string, MessageQueue[]> {
  const groups = new Map<string, MessageQueue[]>();
  for (const queue of queues) groups.set(queue.brokerName, [...(groups.get(queue.brokerName) ?? []), queue]);
  return groups;
}
