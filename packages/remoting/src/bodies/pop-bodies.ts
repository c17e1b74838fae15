// Encodes and decodes the bodies of the requests that POP brings: batches of acknowledgements, assignments, request modes.
import { encodeJson, parseJsonObject } from '../json/json.js';
import type { JsonObject } from '../json/json.js';
import { DecodeError } from '../errors.js';
import type { MessageQueue } from '../message/message.js';
import { queueJson } from './queue-bodies.js';
import { numberIn, objectsIn, stringIn } from './read.js';

/** Acknowledges messages that one pop took from one queue. */
export interface BatchAck {
  readonly consumerGroup: string;
  /** The topic that was asked for, also of messages that come from its pop retry topic. */
  readonly topic: string;
  /** '0', or which version of the pop retry topic they come from: '1' or '2' */
  readonly retry: string;
  readonly startOffset: number;
  readonly queueId: number;
  readonly reviveQueueId: number;
  /** ms since the epoch */
  readonly popTime: number;
  /** ms */
  readonly invisibleTime: number;
  /** Java's `BitSet.toByteArray`: bit i is the message at startOffset + i. */
  readonly bits: Buffer;
}

export interface BatchAckBody {
  readonly brokerName: string;
  readonly acks: readonly BatchAck[];
}

/** @throws DecodeError */
export function decodeBatchAck(body: Buffer): BatchAckBody {
  const json = parseJsonObject(body, 'a batch of acknowledgements');
  return { brokerName: stringIn(json, 'brokerName'), acks: objectsIn(json, 'acks').map(batchAck) };
}

export function encodeBatchAck({ brokerName, acks }: BatchAckBody): Buffer {
  const json = acks.map((ack) => ({
    b: ack.bits.toString('base64'),
    c: ack.consumerGroup,
    it: ack.invisibleTime,
    pt: ack.popTime,
    q: ack.queueId,
    r: ack.retry,
    rq: ack.reviveQueueId,
    so: ack.startOffset,
    t: ack.topic,
  }));
  return encodeJson({ acks: json, brokerName });
}

/** Each member has a short name, and a long one that Apache reads too. */
function batchAck(json: JsonObject): BatchAck {
  const textOf = (short: string, long: string): string => stringIn(json, short, stringIn(json, long));
  const numberOf = (short: string, long: string): number => numberIn(json, short, numberIn(json, long));
  return {
    consumerGroup: textOf('c', 'consumerGroup'),
    topic: textOf('t', 'topic'),
    retry: textOf('r', 'retry'),
    startOffset: numberOf('so', 'startOffset'),
    queueId: numberOf('q', 'queueId'),
    reviveQueueId: numberOf('rq', 'reviveQueueId'),
    popTime: numberOf('pt', 'popTime'),
    invisibleTime: numberOf('it', 'invisibleTime'),
    bits: bytesOf(json['b'] ?? json['bitSet']),
  };
}

/** Java writes bytes in base64, and reads a list of numbers too. */
function bytesOf(value: unknown): Buffer {
  if (typeof value === 'string') return Buffer.from(value, 'base64');
  if (Array.isArray(value)) return Buffer.from(value.map(Number));
  throw new DecodeError('a batch of acknowledgements has an entry without its bits');
}

/** Body of QUERY_ASSIGNMENT. */
export interface AssignmentQuery {
  readonly topic: string;
  readonly consumerGroup: string;
  readonly clientId: string;
  readonly strategyName: string;
  readonly messageModel: string;
}

/** @throws DecodeError */
export function decodeAssignmentQuery(body: Buffer): AssignmentQuery {
  const json = parseJsonObject(body, 'a query for an assignment');
  return {
    topic: stringIn(json, 'topic'),
    consumerGroup: stringIn(json, 'consumerGroup'),
    clientId: stringIn(json, 'clientId'),
    strategyName: stringIn(json, 'strategyName'),
    messageModel: stringIn(json, 'messageModel'),
  };
}

/** How a group gets the messages of a topic: it pulls them, or it pops them. */
export type MessageRequestMode = 'PULL' | 'POP';

/** @param queues undefined where there is no assignment: the client keeps the one it has */
export function encodeAssignment(queues: readonly MessageQueue[] | undefined, mode: MessageRequestMode): Buffer {
  const messageQueueAssignments = queues?.map((queue) => ({ messageQueue: queueJson(queue), mode }));
  return encodeJson({ messageQueueAssignments });
}

/** Body of SET_MESSAGE_REQUEST_MODE, and an entry of messageRequestMode.json. */
export interface RequestModeBody {
  readonly topic: string;
  readonly consumerGroup: string;
  readonly mode: MessageRequestMode;
  /** How many further consumers share the queues of each; 0, -1 or more than there are: all share all. */
  readonly popShareQueueNum: number;
}

/** @throws DecodeError where the mode is neither of the two */
export function decodeRequestMode(json: JsonObject): RequestModeBody {
  const mode = stringIn(json, 'mode', 'PULL');
  if (mode !== 'PULL' && mode !== 'POP') throw new DecodeError('the mode of a message request is PULL or POP');
  return {
    topic: stringIn(json, 'topic'),
    consumerGroup: stringIn(json, 'consumerGroup'),
    mode,
    popShareQueueNum: Math.trunc(numberIn(json, 'popShareQueueNum')),
  };
}
