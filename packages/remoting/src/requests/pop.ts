// Declares the requests of consumers in POP mode, whose broker keeps track of each message instead of an offset.
import { flag, int, long, maybe, text } from './field.js';
import { request } from './request.js';
import { viaTopic } from './common.js';

const popReply = {
  popTime: long(),
  invisibleTime: long(),
  reviveQid: int(),
  restNum: long(),
  startOffsetInfo: maybe(text()),
  msgOffsetInfo: maybe(text()),
  orderCountInfo: maybe(text()),
};

const ofQueue = { consumerGroup: text(), topic: text(), queueId: int() };

/** A message that was popped, by the handle that came with it. */
const popped = { ...ofQueue, extraInfo: text(), offset: long(), liteTopic: maybe(text()), ...viaTopic };

export const popRequests = {
  POP_MESSAGE: request(
    200050,
    'POP_MESSAGE',
    ['broker'],
    {
      ...ofQueue,
      maxMsgNums: int(),
      invisibleTime: long(),
      pollTime: long(),
      bornTime: long(),
      initMode: int(),
      expType: maybe(text()),
      exp: maybe(text()),
      order: maybe(flag()),
      attemptId: maybe(text()),
      ...viaTopic,
    },
    popReply,
  ),
  ACK_MESSAGE: request(200051, 'ACK_MESSAGE', ['broker'], popped),
  BATCH_ACK_MESSAGE: request(200151, 'BATCH_ACK_MESSAGE', ['broker']),
  PEEK_MESSAGE: request(
    200052,
    'PEEK_MESSAGE',
    ['broker'],
    { ...ofQueue, maxMsgNums: int(), ...viaTopic },
    { ...popReply, popTime: maybe(long()), invisibleTime: maybe(long()), reviveQid: maybe(int()) },
  ),
  CHANGE_MESSAGE_INVISIBLETIME: request(
    200053,
    'CHANGE_MESSAGE_INVISIBLETIME',
    ['broker'],
    { ...popped, invisibleTime: long(), suspend: maybe(flag()) },
    { popTime: maybe(long()), invisibleTime: maybe(long()), reviveQid: maybe(int()) },
  ),
  NOTIFICATION: request(
    200054,
    'NOTIFICATION',
    ['broker'],
    {
      ...ofQueue,
      pollTime: long(),
      bornTime: long(),
      order: maybe(flag()),
      attemptId: maybe(text()),
      expType: maybe(text()),
      exp: maybe(text()),
      ...viaTopic,
    },
    { hasMsg: flag(), pollingFull: maybe(flag()) },
  ),
  POLLING_INFO: request(200055, 'POLLING_INFO', ['broker'], { ...ofQueue, ...viaTopic }, { pollingNum: int() }),
  QUERY_ASSIGNMENT: request(400, 'QUERY_ASSIGNMENT', ['broker']),
  SET_MESSAGE_REQUEST_MODE: request(401, 'SET_MESSAGE_REQUEST_MODE', ['broker']),
};
