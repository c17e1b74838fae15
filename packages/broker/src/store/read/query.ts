// Answers queries by key: reads what the index leads to, and checks that it is what was asked for.
import type { MessageIndex } from '../index/message-index.js';
import { RecordProperties } from '../commitlog/record-properties.js';
import { RecordView } from '../commitlog/record.js';
import type { QueryResult } from '../message.js';

/** Bytes of the records of one answer. */
const MOST_BYTES = 15_728_640;
/** Records of other keys with the same hash that one query reads: Java's hash is easily met, and each costs a read. */
export const MOST_OTHER_KEYS = 4_096;

export interface KeyQuery {
  topic: string;
  /** One of the message's keys, its unique key, or `T#` and its tags. */
  key: string;
  maxNum: number;
  /** ms since the epoch. */
  beginMs: number;
  endMs: number;
}

/** @param recordAt reads a record of the log */
export async function queryByKey(
  index: MessageIndex | undefined,
  recordAt: (physicalOffset: number) => Buffer | undefined | Promise<Buffer | undefined>,
  query: KeyQuery,
): Promise<QueryResult> {
  const records: Buffer[] = [];
  const { topic, key, maxNum, beginMs, endMs } = query;
  const matches = matcher(topic, key);
  let last = -1;
  let bytes = 0;
  let others = 0;
  await index?.find(topic, key, beginMs, endMs, async ({ physicalOffset }) => {
    // A message may be there under several keys of one hash.
    if (physicalOffset === last) return true;
    last = physicalOffset;
    const record = await recordAt(physicalOffset);
    if (!record || !matches(record, physicalOffset)) return ++others < MOST_OTHER_KEYS;
    bytes += record.length;
    // The first is given whatever its size, and the answer must fit in a frame.
    if (records.length > 0 && bytes > MOST_BYTES) return false;
    records.push(record);
    return records.length < maxNum;
  });
  return {
    records,
    lastUpdateTimestamp: index?.lastUpdateTimestamp ?? 0,
    lastUpdatePhyoffset: index?.lastUpdatePhyoffset ?? 0,
  };
}

/** Other keys have the same hash: the index alone does not tell them apart. */
function matcher(topic: string, key: string): (record: Buffer, position: number) => boolean {
  const view = new RecordView();
  const properties = new RecordProperties();
  return (record, position) => {
    if (!view.parse(record, 0, record.length, position, false)) return false;
    if (record.toString('utf8', view.topicAt, view.topicAt + view.topicLength) !== topic) return false;
    properties.find(record, view.propertiesAt, view.propertiesLength);
    const { uniqueKey, keys, tags } = properties;
    const text = ({ from, to }: { from: number; to: number }): string =>
      to > from ? record.toString('utf8', from, to) : '';
    return text(uniqueKey) === key || text(keys).split(' ').includes(key) || `T#${text(tags)}` === key;
  };
}
