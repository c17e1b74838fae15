// Encodes and decodes bodies about message queues: locks, and tables whose keys are whole queues.
import { encodeJson, entriesOf, parseJson, parseJsonObject } from '../json/json.js';
import type { JsonObject } from '../json/json.js';
import type { MessageQueue } from '../message/message.js';
import { isObject, numberIn, objectsIn, stringIn, stringsIn } from './read.js';

/** Members in alphabetical order: Java peers expect that where a queue is the key of a table. */
export function queueJson(queue: MessageQueue): MessageQueue {
  const { brokerName, queueId, topic } = queue;
  return { brokerName, queueId, topic };
}

export function decodeQueue(json: JsonObject): MessageQueue {
  return {
    brokerName: stringIn(json, 'brokerName'),
    queueId: numberIn(json, 'queueId'),
    topic: stringIn(json, 'topic'),
  };
}

/** Body of LOCK_BATCH_MQ and UNLOCK_BATCH_MQ. */
export interface LockBatchBody {
  readonly consumerGroup: string;
  readonly clientId: string;
  readonly mqSet: readonly MessageQueue[];
}

export function encodeLockBatch(body: LockBatchBody): Buffer {
  const { clientId, consumerGroup, mqSet } = body;
  return encodeJson({ clientId, consumerGroup, mqSet: mqSet.map(queueJson), onlyThisBroker: false });
}

/** @throws DecodeError */
export function decodeLockBatch(body: Buffer): LockBatchBody {
  const json = parseJsonObject(body, 'a lock request');
  return {
    clientId: stringIn(json, 'clientId'),
    consumerGroup: stringIn(json, 'consumerGroup'),
    mqSet: objectsIn(json, 'mqSet').map(decodeQueue),
  };
}

export function encodeLockOk(queues: readonly MessageQueue[]): Buffer {
  return encodeJson({ lockOKMQSet: queues.map(queueJson) });
}

/** @throws DecodeError */
export function decodeLockOk(body: Buffer): MessageQueue[] {
  return objectsIn(parseJsonObject(body, 'a lock answer'), 'lockOKMQSet').map(decodeQueue);
}

export function encodeConsumerList(clientIds: readonly string[]): Buffer {
  return encodeJson({ consumerIdList: clientIds });
}

/** @throws DecodeError */
export function decodeConsumerList(body: Buffer): string[] {
  return stringsIn(parseJsonObject(body, 'a consumer list'), 'consumerIdList');
}

/** A table from queues to values, in the form that Java peers read: {{queue}:value}. */
export function queueTable<T>(entries: Iterable<readonly [MessageQueue, T]>): Map<MessageQueue, T> {
  return new Map([...entries].map(([queue, value]) => [queueJson(queue), value]));
}

/** Reads both {{queue}:value} and the pairs [[queue, value]] that other peers write. */
export function decodeQueueTable(value: unknown): [MessageQueue, unknown][] {
  const pairs = Array.isArray(value)
    ? value.filter((pair): pair is [unknown, unknown] => Array.isArray(pair))
    : entriesOf(value);
  return pairs.flatMap(([key, member]) => {
    const queue = typeof key === 'string' ? parseJson(key) : key;
    return isObject(queue) ? [[decodeQueue(queue), member] as [MessageQueue, unknown]] : [];
  });
}
