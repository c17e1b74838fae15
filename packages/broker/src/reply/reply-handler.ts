// Answers repliers: each reply is pushed to the client that asked, and stored in the cluster's reply topic. The answer
// tells of the push alone, as Apache's does: a reply that is stored but reached nobody is a failure.
import {
  MessageProperty,
  ResponseCode,
  decodeProperties,
  encodeOffsetMsgId,
  formatAddress,
  sendMessageFields,
  unpackHost,
} from '@nest-rocketmq/remoting/internal';
import type {
  Answer,
  Clock,
  EventLog,
  Handlers,
  HeaderOf,
  HostPort,
  IncomingRequest,
  Requests,
} from '@nest-rocketmq/remoting/internal';
import type { Clients } from '../clients/clients.js';
import { encodedProperties } from '../message/fit-properties.js';
import type { MessageWriter } from '../message/message-writer.js';
import type { Topics } from '../metadata/topics.js';
import type { BrokerStats } from '../metrics/broker-stats.js';
import { noSuchTopic, notStored, queueOf, refusalOf } from '../send/send-checks.js';
import type { AppendResult } from '../store/store.js';
import { ReplyPush } from './push-reply.js';

export interface ReplyDeps {
  clients: Clients;
  topics: Topics;
  messageWriter: MessageWriter;
  stats: BrokerStats;
  storeHost: HostPort;
  clock: Clock;
  log: EventLog;
  config: {
    brokerPermission: number;
    regionId: string;
    traceOn: boolean;
    maxMessageSize: number;
    maxPendingReplies: number;
    storeReplyMessageEnable: boolean;
    timerMaxDelaySec: number;
    maxPendingTimers: number;
    maxPendingRecalls: number;
  };
}

type Row = typeof Requests.SEND_REPLY_MESSAGE;
type Header = HeaderOf<Row>;
type V2Header = HeaderOf<typeof Requests.SEND_REPLY_MESSAGE_V2>;
type ReplyAnswer = Answer<Row>;

/** What Apache answers for a reply that is pushed and not stored. */
const NOT_STORED = { msgId: '0', queueOffset: 0 };

export function replyHandlers(
  deps: ReplyDeps,
): Pick<Handlers<'broker'>, 'SEND_REPLY_MESSAGE' | 'SEND_REPLY_MESSAGE_V2'> {
  const { clients, clock, log, config } = deps;
  const extFields = { MSG_REGION: config.regionId, TRACE_ON: String(config.traceOn) };
  const push = new ReplyPush({ clients, clock, log, maxPendingReplies: config.maxPendingReplies });
  return {
    SEND_REPLY_MESSAGE: async (request) => ({ ...(await reply(deps, push, request)), extFields }),
    SEND_REPLY_MESSAGE_V2: async (request) => {
      const header = longNames(request.header);
      return { ...(await reply(deps, push, { ...request, header })), extFields };
    },
  };
}

async function reply(deps: ReplyDeps, push: ReplyPush, request: IncomingRequest<Row>): Promise<ReplyAnswer> {
  const { topics, config } = deps;
  const { topic, queueId, defaultTopic, defaultTopicQueueNums } = request.header;
  const known = topics.get(topic);
  const refusal = refusalOf({ topic, queueId }, known, config.brokerPermission, request.connection);
  if (refusal) return refusal;
  if (request.body.length > config.maxMessageSize) return notStored('MESSAGE_ILLEGAL', config);
  const made = known ?? topics.findOrCreate(topic, defaultTopic, defaultTopicQueueNums);
  if (!made) return noSuchTopic(topic);
  const queue = queueOf(queueId, made, request.connection);
  if (typeof queue !== 'number') return queue;
  const body = Buffer.from(request.body);
  await topics.whenSaved(topic);
  // In the turn that pushes: replies that come together must not all find the last place free.
  if (push.full) {
    const remark = `as many replies wait for their requesters as may, maxPendingReplies=${config.maxPendingReplies}`;
    return { code: ResponseCode.SYSTEM_BUSY, remark };
  }
  return pushAndStore(deps, push, { ...request, body }, queue);
}

async function pushAndStore(
  deps: ReplyDeps,
  push: ReplyPush,
  request: IncomingRequest<Row>,
  queueId: number,
): Promise<ReplyAnswer> {
  const { storeHost, clock, config } = deps;
  const { header, body, connection } = request;
  const properties = decodeProperties(header.properties ?? '');
  const pushing = push.push(
    {
      ...header,
      bornHost: connection.remoteAddress,
      storeHost: formatAddress(unpackHost(storeHost.address), storeHost.port),
      storeTimestamp: clock.now(),
    },
    properties,
    body,
  );
  const storing = config.storeReplyMessageEnable ? store(deps, request, properties, queueId) : undefined;
  const [remark, stored] = await Promise.all([pushing, storing]);
  const place = stored
    ? {
        msgId: encodeOffsetMsgId(storeHost.address, storeHost.port, stored.physicalOffset),
        queueOffset: stored.queueOffset,
      }
    : NOT_STORED;
  const code = remark === undefined ? ResponseCode.SUCCESS : ResponseCode.SYSTEM_ERROR;
  return { code, remark, header: { ...place, queueId } };
}

/** @returns undefined where the store did not take it: its requester has it all the same */
async function store(
  { messageWriter, stats, log }: ReplyDeps,
  { header, body, connection }: IncomingRequest<Row>,
  sent: ReadonlyMap<string, string>,
  queueId: number,
): Promise<AppendResult | undefined> {
  const properties = new Map(sent);
  properties.delete(MessageProperty.CRC32);
  const result = {
    ...messageWriter.put({
      topic: header.topic,
      queueId,
      flag: header.flag,
      sysFlag: header.sysFlag,
      bornTimestamp: header.bornTimestamp,
      bornHost: connection.remoteHost,
      bornPort: connection.remotePort,
      reconsumeTimes: header.reconsumeTimes ?? 0,
      preparedTransactionOffset: 0,
      body,
      properties: encodedProperties(properties),
      tagsCode: 0,
    }),
  };
  try {
    await messageWriter.whenStored(result);
    stats.put(header.topic, queueId, 1, result.size, result.storeTimestamp);
    return result;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    log.say('warn', 'replies that were not stored', `a reply was pushed but not stored: ${reason}`);
    return undefined;
  }
}

/** The fields of V2 by the names of V1. */
function longNames(short: V2Header): Header {
  const header: Record<string, unknown> = {};
  for (const [letter, name] of Object.entries(sendMessageFields)) {
    const value = short[letter as keyof typeof sendMessageFields];
    if (value !== undefined) header[name] = value;
  }
  return header as unknown as Header;
}
