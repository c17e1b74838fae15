// Prepares the messages of a batch, and puts them into requests that brokers take.
import {
  MAX_PROPERTIES_BYTES,
  MessageProperty,
  encodeBatch,
  encodedBatchSize,
  encodeProperties,
  isRetryTopic,
} from '@nest-rocketmq/remoting/internal';
import type { BatchItem } from '@nest-rocketmq/remoting/internal';
import { InvalidMessageError } from '../../errors.js';
import type { PreparedMessage } from '../send/outgoing.js';

/** The broker's answer names each message in one header, whose size is limited: 33 bytes each. */
export const MAX_BATCH_MESSAGES = 16_384;

/** A message that may go into one request with others of its topic. */
export interface BatchMember {
  readonly prepared: PreparedMessage;
  readonly item: BatchItem;
  /** Of the item in the body of a batch, bytes. */
  readonly size: number;
}

/** @param what names the message in errors. @throws InvalidMessageError when it cannot be in a batch */
export function toMember(prepared: PreparedMessage, what: string): BatchMember {
  const { topic, flag, body } = prepared;
  if (isRetryTopic(topic)) {
    throw new InvalidMessageError(`${what} is for the retry topic ${topic}; send it by itself`);
  }
  if (isDelayed(prepared)) throw new InvalidMessageError(`${what} is delayed; send delayed messages one by one`);
  const properties = Buffer.from(encodeProperties(prepared.properties), 'utf8');
  if (properties.length > MAX_PROPERTIES_BYTES) {
    throw new InvalidMessageError(
      `the properties of ${what} have ${properties.length} bytes; allowed: ${MAX_PROPERTIES_BYTES}. Put them into the body`,
    );
  }
  const item = { flag, body, properties };
  return { prepared, item, size: encodedBatchSize(item) };
}

/** Apache's producers refuse delays in batches, too: a broker would delay the batch, or nothing of it. */
export function isDelayed({ delay, properties }: PreparedMessage): boolean {
  return delay !== undefined || properties.has(MessageProperty.DELAY);
}

/**
 * Cuts a list into runs of at most `maxMessageSize` bytes, as Apache counts them: the encoded batch. A new run begins where
 * `waitStoreMsgOk` changes, since a request has only one.
 */
export function splitIntoRuns<T extends { readonly member: BatchMember }>(
  list: readonly T[],
  maxMessageSize: number,
  maxMessages = MAX_BATCH_MESSAGES,
): T[][] {
  const runs: T[][] = [];
  let run: T[] = [];
  let bytes = 0;
  for (const each of list) {
    const { size, prepared } = each.member;
    const fits = bytes + size <= maxMessageSize && run.length < maxMessages;
    if (run.length > 0 && (!fits || waitOf(prepared) !== waitOf(run[0]!.member.prepared))) {
      runs.push(run);
      run = [];
      bytes = 0;
    }
    run.push(each);
    bytes += size;
  }
  if (run.length > 0) runs.push(run);
  return runs;
}

/** @param members of one topic and one waitStoreMsgOk @param now ms since the epoch */
export function toBatch(members: readonly BatchMember[], now: number): PreparedMessage {
  const { topic, properties: own } = members[0]!.prepared;
  // No UNIQ_KEY on the envelope: a 4.9 broker puts the envelope's properties on each member, over the member's own.
  const properties = new Map([[MessageProperty.WAIT, own.get(MessageProperty.WAIT) ?? 'true']]);
  const msgId = members.map(({ prepared }) => prepared.msgId).join(',');
  const body = encodeBatch(members.map(({ item }) => item));
  return { topic, body, properties, flag: 0, sysFlag: 0, bornTimestamp: now, msgId, batch: true };
}

export function waitOf({ properties }: PreparedMessage): string | undefined {
  return properties.get(MessageProperty.WAIT);
}
