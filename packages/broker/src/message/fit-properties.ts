// Shortens the properties of a message where what the broker adds would not fit: a message that was legal when it was
// sent must stay deliverable.
import { MAX_PROPERTIES_BYTES, MessageProperty, encodeProperties } from '@nest-rocketmq/remoting/internal';

/** Properties that brokers add for tracing: no consumer needs them. */
const DISPENSABLE = [
  MessageProperty.CLUSTER,
  MessageProperty.MSG_REGION,
  MessageProperty.TRACE_ON,
  MessageProperty.DLQ_ORIGIN_TOPIC,
];
/** Properties that tell how a message became a dead letter, the least important first. */
const HISTORY = [
  MessageProperty.DELAY,
  MessageProperty.WAIT,
  MessageProperty.REAL_QID,
  MessageProperty.REAL_TOPIC,
  MessageProperty.ORIGIN_MESSAGE_ID,
  MessageProperty.RETRY_TOPIC,
];

export const encodedProperties = (properties: ReadonlyMap<string, string>): Buffer =>
  Buffer.from(encodeProperties(properties), 'utf8');

/**
 * Removes dispensable properties until the others fit.
 * @param more bytes that the broker will add at the next step
 * @returns whether they fit now
 */
export function fitProperties(properties: Map<string, string>, more = 0): boolean {
  return shorten(properties, more, DISPENSABLE);
}

/** The same for a dead letter, which is not sent on: only its own properties count. */
export function fitDeadLetterProperties(properties: Map<string, string>): boolean {
  return shorten(properties, 0, [...DISPENSABLE, ...HISTORY]);
}

/** Bytes that these properties add. */
export const bytesOf = (pairs: readonly (readonly [string, string])[]): number =>
  Buffer.byteLength(encodeProperties(pairs));

function shorten(properties: Map<string, string>, more: number, names: readonly string[]): boolean {
  let length = Buffer.byteLength(encodeProperties(properties)) + more;
  for (const name of names) {
    if (length <= MAX_PROPERTIES_BYTES) return true;
    const value = properties.get(name);
    if (value === undefined) continue;
    length -= bytesOf([[name, value]]);
    properties.delete(name);
  }
  return length <= MAX_PROPERTIES_BYTES;
}
