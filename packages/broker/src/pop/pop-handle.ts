// Formats and parses the handle of a popped message (Apache's extraInfo, and its property POP_CK), and the lists of an
// answer to a pop from which clients make such handles.
import {
  RequestRefusedError,
  ResponseCode,
  isPopRetryTopicV2,
  isRetryTopic,
  printable,
} from '@nest-rocketmq/remoting/internal';

/** In place of a revive queue: the message was popped in order. */
export const POP_ORDER_REVIVE_QUEUE = 999;
/** Longest handle, characters: six numbers, a broker's name, and separators. */
const LONGEST_HANDLE = 512;

export interface PopHandle {
  /** Offset of the first message that the same pop took from the queue. */
  readonly startOffset: number;
  /** ms since the epoch */
  readonly popTime: number;
  /** ms */
  readonly invisibleTime: number;
  /** Queue of the revive topic that has its checkpoint, or POP_ORDER_REVIVE_QUEUE. */
  readonly reviveQueueId: number;
  readonly brokerName: string;
}

export const isOrderly = ({ reviveQueueId }: Pick<PopHandle, 'reviveQueueId'>): boolean =>
  reviveQueueId === POP_ORDER_REVIVE_QUEUE;

/** '0' for a topic, '1' for a pop retry topic of the first version, '2' for one of the second. */
export function retryFlag(topic: string): string {
  if (!isRetryTopic(topic)) return '0';
  return isPopRetryTopicV2(topic) ? '2' : '1';
}

/** The handle of the message at `queueOffset` of a queue. */
export function formatHandle(handle: PopHandle, topic: string, queueId: number, queueOffset: number): string {
  const { startOffset, popTime, invisibleTime, reviveQueueId, brokerName } = handle;
  const flag = retryFlag(topic);
  return [startOffset, popTime, invisibleTime, reviveQueueId, flag, brokerName, queueId, queueOffset].join(' ');
}

/**
 * Clients leave out the last fields: what an acknowledgement needs are the first six.
 * @param reviveQueues how many queues the revive topic has
 * @throws RequestRefusedError SYSTEM_ERROR, the code with which Apache answers what it cannot parse
 */
export function parseHandle(text: string, reviveQueues: number): PopHandle {
  const fields = text.length <= LONGEST_HANDLE ? text.split(' ') : [];
  const [startOffset, popTime, invisibleTime, reviveQueueId] = fields.slice(0, 4).map(wholeNumber);
  const brokerName = fields[5];
  if (startOffset === undefined || popTime === undefined || invisibleTime === undefined || reviveQueueId === undefined)
    throw refused(text);
  if (brokerName === undefined || !(reviveQueueId < reviveQueues || reviveQueueId === POP_ORDER_REVIVE_QUEUE))
    throw refused(text);
  return { startOffset, popTime, invisibleTime, reviveQueueId, brokerName };
}

function wholeNumber(text: string): number | undefined {
  return /^\d{1,16}$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : undefined;
}

function refused(text: string): RequestRefusedError {
  const remark = `the extraInfo is no handle of a popped message, send back what came with it: ${printable(text)}`;
  return new RequestRefusedError(ResponseCode.SYSTEM_ERROR, remark);
}

/** The lists of one answer to a pop, each with an entry for each queue that messages came from. */
export class PopLists {
  readonly #starts: string[] = [];
  readonly #offsets: string[] = [];
  readonly #counts: string[] = [];

  add(topic: string, queueId: number, offsets: readonly number[], startOffset: number): void {
    this.#starts.push(`${retryFlag(topic)} ${queueId} ${startOffset}`);
    this.#offsets.push(`${retryFlag(topic)} ${queueId} ${offsets.join(',')}`);
  }

  /** How often messages of an orderly pop were popped before. @param least of all messages of the queue, for old clients */
  addCounts(topic: string, queueId: number, counts: ReadonlyMap<number, number>, least: number): void {
    for (const [offset, count] of counts) this.#counts.push(`${retryFlag(topic)} qo${queueId}%${offset} ${count}`);
    this.#counts.push(`${retryFlag(topic)} ${queueId} ${least}`);
  }

  get fields(): { startOffsetInfo: string; msgOffsetInfo: string } {
    return { startOffsetInfo: this.#starts.join(';'), msgOffsetInfo: this.#offsets.join(';') };
  }

  get orderCountInfo(): string {
    return this.#counts.join(';');
  }
}
