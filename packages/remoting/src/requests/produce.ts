// Declares the requests of producers: sends in their three forms with the short field names of V2, and recalls.
import { flag, int, long, maybe, text } from './field.js';
import { request } from './request.js';
import { messageFields, viaTopic } from './common.js';

const sendReply = {
  msgId: text(),
  queueId: int(),
  queueOffset: long(),
  transactionId: maybe(text()),
  batchUniqId: maybe(text()),
  recallHandle: maybe(text()),
};

/** The fields of SEND_MESSAGE, by their short names in SEND_MESSAGE_V2. */
export const sendMessageFields = {
  a: 'producerGroup',
  b: 'topic',
  c: 'defaultTopic',
  d: 'defaultTopicQueueNums',
  e: 'queueId',
  f: 'sysFlag',
  g: 'bornTimestamp',
  h: 'flag',
  i: 'properties',
  j: 'reconsumeTimes',
  k: 'unitMode',
  l: 'maxReconsumeTimes',
  m: 'batch',
  n: 'brokerName',
} as const;

const sendV2 = {
  a: text(),
  b: text(),
  c: text(),
  d: int(),
  e: int(),
  f: int(),
  g: long(),
  h: int(),
  i: maybe(text()),
  j: maybe(int()),
  k: maybe(flag()),
  l: maybe(int()),
  m: maybe(flag()),
  n: maybe(text()),
  ...viaTopic,
};

const sendV1 = {
  ...messageFields,
  batch: maybe(flag()),
  maxReconsumeTimes: maybe(int()),
  ...viaTopic,
};

export const produceRequests = {
  SEND_MESSAGE: request(10, 'SEND_MESSAGE', ['broker'], sendV1, sendReply),
  SEND_MESSAGE_V2: request(310, 'SEND_MESSAGE_V2', ['broker'], sendV2, sendReply),
  SEND_BATCH_MESSAGE: request(320, 'SEND_BATCH_MESSAGE', ['broker'], sendV2, sendReply),
  SEND_REPLY_MESSAGE: request(324, 'SEND_REPLY_MESSAGE', ['broker'], sendV1, sendReply),
  SEND_REPLY_MESSAGE_V2: request(325, 'SEND_REPLY_MESSAGE_V2', ['broker'], sendV2, sendReply),
  /** Takes back a timer message that is not due yet. msgId of the answer: its UNIQ_KEY. */
  RECALL_MESSAGE: request(
    370,
    'RECALL_MESSAGE',
    ['broker'],
    { producerGroup: maybe(text()), topic: text(), recallHandle: text(), ...viaTopic },
    { msgId: text() },
  ),
};
