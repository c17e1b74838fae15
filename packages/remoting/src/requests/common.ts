// Declares the fields that Apache puts on most requests (its TopicRequestHeader and RpcRequestHeader).
import { flag, int, long, maybe, text } from './field.js';

/** On most requests of a 5.x client: broker name, and the namespace of v2. */
export const viaRpc = { bname: maybe(text()), ns: maybe(text()), nsd: maybe(flag()) };

/** The same on requests that concern a topic, with the flag for logical (static) topics. */
export const viaTopic = { ...viaRpc, lo: maybe(flag()) };

/** The fields of a message that a producer sends, which a broker also tells the requester of a reply. */
export const messageFields = {
  producerGroup: text(),
  topic: text(),
  defaultTopic: text(),
  defaultTopicQueueNums: int(),
  queueId: int(),
  sysFlag: int(),
  bornTimestamp: long(),
  flag: int(),
  properties: maybe(text()),
  reconsumeTimes: maybe(int()),
  unitMode: maybe(flag()),
};
