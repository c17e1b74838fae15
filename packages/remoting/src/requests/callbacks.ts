// Declares the requests that a broker sends to its clients.
import { flag, int, long, maybe, text } from './field.js';
import { request } from './request.js';
import { messageFields, viaRpc, viaTopic } from './common.js';

export const callbackRequests = {
  CHECK_TRANSACTION_STATE: request(39, 'CHECK_TRANSACTION_STATE', ['client'], {
    topic: maybe(text()),
    tranStateTableOffset: long(),
    commitLogOffset: long(),
    msgId: maybe(text()),
    transactionId: maybe(text()),
    offsetMsgId: maybe(text()),
    ...viaRpc,
  }),
  NOTIFY_CONSUMER_IDS_CHANGED: request(40, 'NOTIFY_CONSUMER_IDS_CHANGED', ['client'], {
    consumerGroup: text(),
    ...viaRpc,
  }),
  RESET_CONSUMER_CLIENT_OFFSET: request(220, 'RESET_CONSUMER_CLIENT_OFFSET', ['client'], {
    topic: text(),
    group: text(),
    timestamp: long(),
    isForce: flag(),
    ...viaTopic,
  }),
  GET_CONSUMER_STATUS_FROM_CLIENT: request(221, 'GET_CONSUMER_STATUS_FROM_CLIENT', ['client'], {
    topic: text(),
    group: text(),
    clientAddr: maybe(text()),
    ...viaTopic,
  }),
  GET_CONSUMER_RUNNING_INFO: request(307, 'GET_CONSUMER_RUNNING_INFO', ['broker', 'client'], {
    consumerGroup: text(),
    clientId: text(),
    jstackEnable: maybe(flag()),
    ...viaRpc,
  }),
  PUSH_REPLY_MESSAGE_TO_CLIENT: request(326, 'PUSH_REPLY_MESSAGE_TO_CLIENT', ['client'], {
    ...messageFields,
    /** 'ip:port' of the replier, and of the broker; a 4.x broker writes '/ip:port' */
    bornHost: text(),
    storeHost: text(),
    storeTimestamp: long(),
    ...viaTopic,
  }),
  CONSUME_MESSAGE_DIRECTLY: request(309, 'CONSUME_MESSAGE_DIRECTLY', ['broker', 'client'], {
    consumerGroup: text(),
    clientId: maybe(text()),
    msgId: maybe(text()),
    brokerName: maybe(text()),
    topic: maybe(text()),
    topicSysFlag: maybe(int()),
    groupSysFlag: maybe(int()),
    ...viaTopic,
  }),
};
