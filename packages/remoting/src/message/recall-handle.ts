// Encodes and decodes the handle by which a producer recalls a timer message.

const VERSION = 'v1';
const SEPARATOR = ' ';
const BASE64_URL = /^[A-Za-z0-9_-]+={0,2}$/;

/** What Apache 5.5 puts into a handle. None of it is secret: whoever may send to the topic may recall. */
export interface RecallHandle {
  topic: string;
  brokerName: string;
  /** When the message is due, ms since the epoch. Apache's broker gives the second, rounded down, and 1 ms. */
  timestamp: number;
  /** UNIQ_KEY of the message. */
  uniqKey: string;
}

/** base64url of `v1 topic brokerName timestamp uniqKey`, padded as Java does. */
export function encodeRecallHandle({ topic, brokerName, timestamp, uniqKey }: RecallHandle): string {
  const text = [VERSION, topic, brokerName, String(timestamp), uniqKey].join(SEPARATOR);
  return Buffer.from(text, 'utf8').toString('base64').replaceAll('+', '-').replaceAll('/', '_');
}

/** Undefined if it is not a handle. A timestamp that is not a number is -1, as in Apache's broker. */
export function decodeRecallHandle(handle: string): RecallHandle | undefined {
  const items = BASE64_URL.test(handle) ? Buffer.from(handle, 'base64url').toString('utf8').split(SEPARATOR) : [];
  const [version, topic, brokerName, timestamp, uniqKey] = items;
  if (version !== VERSION || !topic || !brokerName || timestamp === undefined || !uniqKey) return undefined;
  return { topic, brokerName, timestamp: /^\d{1,15}$/.test(timestamp) ? Number(timestamp) : -1, uniqKey };
}
