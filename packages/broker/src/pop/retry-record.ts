// Gives the messages of a pop retry topic to clients as messages of the topic that they asked for, as Apache's broker does.
import { MessageProperty, RecordAt, decodeRecord, encodeRecord } from '@nest-rocketmq/remoting/internal';
import { encodedProperties, fitProperties } from '../message/fit-properties.js';

/** Visits the records of a read: each whole, with its place in the queue. */
export function* recordsOf(body: readonly Buffer[]): Iterable<{ record: Buffer; queueOffset: number }> {
  for (const buffer of body) {
    for (let at = 0; at < buffer.length;) {
      const size = buffer.readInt32BE(at + RecordAt.totalSize);
      const record = buffer.subarray(at, at + size);
      yield { record, queueOffset: Number(record.readBigInt64BE(RecordAt.queueOffset)) };
      at += size;
    }
  }
}

/**
 * The same record under another topic. As that does not tell where the message lies, the handle goes along in POP_CK.
 * Without room for it the record stays as it is, and the client makes the handle from the lists of the answer.
 */
export function underTopic(record: Buffer, topic: string, handle: string): Buffer {
  const message = decodeRecord(record, 0, { inflate: false, checkCrc: false });
  const properties = new Map(message.properties);
  if (!properties.has(MessageProperty.POP_CK)) properties.set(MessageProperty.POP_CK, handle);
  if (!fitProperties(properties)) return record;
  return encodeRecord({ ...message, topic: Buffer.from(topic), properties: encodedProperties(properties) });
}
