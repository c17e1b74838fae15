// Encodes and decodes what the revive topic records: which messages a pop has taken, and which were acknowledged.
import {
  booleanIn,
  encodeJson,
  encodeProperties,
  isObject,
  numberIn,
  parseJson,
  stringIn,
} from '@nest-rocketmq/remoting/internal';
import type { HostPort, JsonObject, MessageExt } from '@nest-rocketmq/remoting/internal';
import type { MessageInner } from '../store/store.js';

/** The group under whose name the progress in the revive topic is saved. */
export const REVIVE_GROUP = 'CID_RMQ_SYS_REVIVE_GROUP';
/** A checkpoint is in the revive topic so long before its messages become visible again, ms. */
const ACK_TIME_INTERVAL = 1_000;
/** Most messages of one pop. */
export const MOST_POPPED = 32;

const Tag = { checkpoint: 'ck', ack: 'ack', batchAck: 'bAck' } as const;

/** Where a pop took messages from, and when: this identifies its checkpoint. */
export interface PopOrigin {
  readonly topic: string;
  readonly group: string;
  readonly queueId: number;
  /** Offset that the pop began at. */
  readonly startOffset: number;
  /** ms since the epoch */
  readonly popTime: number;
  readonly brokerName: string;
}

export interface Checkpoint extends PopOrigin {
  /** ms */
  readonly invisibleTime: number;
  /** Of the messages that were taken. */
  readonly offsets: readonly number[];
  /** Its client has only put the messages off: that does not count as a try. Default: false. */
  readonly suspend?: boolean;
}

export interface Acknowledgement extends PopOrigin {
  readonly offsets: readonly number[];
}

/** When the messages become visible again, ms since the epoch. */
export const reviveTimeOf = ({ popTime, invisibleTime }: Pick<Checkpoint, 'popTime' | 'invisibleTime'>): number =>
  popTime + invisibleTime;

export const originKey = ({ topic, group, queueId, startOffset, popTime, brokerName }: PopOrigin): string =>
  [topic, group, queueId, startOffset, popTime, brokerName].join('@');

/** Where messages of the revive topic come from. */
export interface RevivePlace {
  readonly topic: string;
  readonly queueId: number;
  readonly host: HostPort;
  /** ms since the epoch */
  readonly now: number;
}

export function checkpointMessage(checkpoint: Checkpoint, place: RevivePlace): MessageInner {
  const { topic, group, queueId, startOffset, popTime, invisibleTime, brokerName, offsets } = checkpoint;
  const { suspend = false } = checkpoint;
  const body = {
    bm: 0,
    bn: brokerName,
    c: group,
    d: offsets.map((offset) => offset - startOffset),
    it: invisibleTime,
    n: offsets.length,
    pt: popTime,
    q: queueId,
    ro: 0,
    so: startOffset,
    sp: suspend,
    t: topic,
  };
  const key = [topic, queueId, startOffset, group, popTime, brokerName, Tag.checkpoint].join('@');
  return reviveMessage(place, Tag.checkpoint, key, reviveTimeOf(checkpoint) - ACK_TIME_INTERVAL, body);
}

/** @param reviveTime when the messages would have become visible again, ms since the epoch */
export function ackMessage(ack: Acknowledgement, reviveTime: number, place: RevivePlace): MessageInner {
  const { topic, group, queueId, startOffset, popTime, brokerName, offsets } = ack;
  const [only] = offsets;
  const one = offsets.length === 1;
  const places = { bn: brokerName, c: group, pt: popTime, q: queueId, so: startOffset, t: topic };
  const body = one ? { ao: only, ...places } : { ao: -1, aol: offsets, ...places };
  const tag = one ? Tag.ack : Tag.batchAck;
  const key = [topic, queueId, one ? only : `[${offsets.join(', ')}]`, group, popTime, brokerName, tag].join('@');
  return reviveMessage(place, tag, key, reviveTime, body);
}

function reviveMessage(
  { topic, queueId, host, now }: RevivePlace,
  tag: string,
  key: string,
  deliverTime: number,
  body: object,
): MessageInner {
  const properties = encodeProperties([
    ['TIMER_DELIVER_MS', String(deliverTime)],
    ['TAGS', tag],
    ['WAIT', 'true'],
    ['UNIQ_KEY', key],
  ]);
  return {
    topic,
    queueId,
    flag: 0,
    sysFlag: 0,
    bornTimestamp: now,
    bornHost: host.address,
    bornPort: host.port,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    body: encodeJson(body),
    properties: Buffer.from(properties),
    tagsCode: 0,
  };
}

/** What a message of the revive topic says; undefined where it is neither of the two. */
export function decodeRevive({
  body,
  properties,
}: MessageExt): { checkpoint: Checkpoint } | { ack: Acknowledgement } | undefined {
  const json = jsonOf(body);
  if (!json) return undefined;
  const tag = properties.get('TAGS');
  if (tag === Tag.checkpoint) return checkpointOf(json);
  if (tag !== Tag.ack && tag !== Tag.batchAck) return undefined;
  const offsets =
    tag === Tag.batchAck
      ? numbers(json['aol'] ?? json['ackOffsetList'])
      : [numberIn(json, 'ao', numberIn(json, 'ackOffset'))];
  return { ack: { ...originOf(json), offsets } };
}

function checkpointOf(json: JsonObject): { checkpoint: Checkpoint } | undefined {
  const origin = originOf(json);
  if (origin.topic === '' || origin.group === '') return undefined;
  const diffs = numbers(json['d']).slice(0, MOST_POPPED);
  const count = Math.min(Math.max(0, numberIn(json, 'n')), MOST_POPPED);
  // Old brokers wrote no distances: the messages follow each other.
  const distances = diffs.length > 0 ? diffs : Array.from({ length: count }, (_, i) => i);
  const offsets = distances.map((distance) => origin.startOffset + distance);
  return { checkpoint: { ...origin, invisibleTime: numberIn(json, 'it'), offsets, suspend: booleanIn(json, 'sp') } };
}

const originOf = (json: JsonObject): PopOrigin => ({
  topic: stringIn(json, 't', stringIn(json, 'topic')),
  group: stringIn(json, 'c', stringIn(json, 'consumerGroup')),
  queueId: numberIn(json, 'q', numberIn(json, 'queueId')),
  startOffset: numberIn(json, 'so', numberIn(json, 'startOffset')),
  popTime: numberIn(json, 'pt', numberIn(json, 'popTime')),
  brokerName: stringIn(json, 'bn', stringIn(json, 'brokerName')),
});

function numbers(value: unknown): number[] {
  return Array.isArray(value) ? value.filter((item): item is number => Number.isSafeInteger(item)) : [];
}

function jsonOf(body: Buffer): JsonObject | undefined {
  try {
    const json = parseJson(body);
    return isObject(json) ? json : undefined;
  } catch {
    return undefined;
  }
}
