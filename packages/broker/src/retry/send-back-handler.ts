// Answers consumers that give a message back.
import {
  DecodeError,
  MessageProperty,
  MQVersion,
  ResponseCode,
  decodeRecord,
  isDLQTopic,
  printable,
} from '@nest-rocketmq/remoting/internal';
import type { Answer, Handlers, IncomingRequest, MessageExt, Requests } from '@nest-rocketmq/remoting/internal';
import type { Groups } from '../metadata/groups.js';
import type { MessageWriter } from '../message/message-writer.js';
import type { BrokerStats } from '../metrics/broker-stats.js';
import type { Retry } from './retry.js';
import type { MessageStore } from '../store/store.js';
import type { Topics } from '../metadata/topics.js';

export interface SendBackDeps {
  store: MessageStore;
  groups: Groups;
  messageWriter: MessageWriter;
  retry: Retry;
  topics: Topics;
  stats: BrokerStats;
}

const NO_ROOM = 'a dead letter of this group has no room in its properties for another try';

type Row = typeof Requests.CONSUMER_SEND_MSG_BACK;

export function sendBackHandlers(deps: SendBackDeps): Pick<Handlers<'broker'>, 'CONSUMER_SEND_MSG_BACK'> {
  return { CONSUMER_SEND_MSG_BACK: (request) => sendBack(deps, request) };
}

async function sendBack(deps: SendBackDeps, { header, version }: IncomingRequest<Row>): Promise<Answer<Row>> {
  const group = deps.groups.findOrCreate(header.group);
  if (!group) {
    const remark = `subscription group not exist, ${printable(header.group)}`;
    return { code: ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, remark };
  }
  if (group.retryQueueNums <= 0) return {};
  const failed = await read(deps.store, header.offset);
  if (!failed) return { code: ResponseCode.SYSTEM_ERROR, remark: `look message by offset failed, ${header.offset}` };
  const told = version >= MQVersion.V3_4_9 ? header.maxReconsumeTimes : undefined;
  const maxReconsumeTimes = told === undefined || told < 0 ? group.retryMaxTimes : told;
  const message = deps.retry.toRetry(failed, { group, delayLevel: header.delayLevel, maxReconsumeTimes });
  if (!message) return { code: ResponseCode.SYSTEM_ERROR, remark: NO_ROOM };
  await deps.topics.whenSaved(message.topic);
  const dead = isDLQTopic(message.topic);
  const result = deps.messageWriter.put(message);
  const stored = { topic: message.topic, queueId: message.queueId, size: result.size, dead };
  await deps.messageWriter.whenStored(result);
  deps.stats.sentBack(failed.properties.get(MessageProperty.RETRY_TOPIC) ?? failed.topic, group.groupName, stored);
  return {};
}

async function read(store: MessageStore, physicalOffset: number): Promise<MessageExt | undefined> {
  const record = physicalOffset < 0 ? undefined : await store.readRecord(physicalOffset);
  if (!record) return undefined;
  try {
    return decodeRecord(record, 0, { inflate: false });
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
