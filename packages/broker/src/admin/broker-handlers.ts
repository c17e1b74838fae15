// Answers requests about the broker itself, and hands requests for a consumer on to it.
import {
  RequestTimeoutError,
  Requests,
  ResponseCode,
  decodeOffsetMsgId,
  decodeQueueTable,
  encodeJson,
  parseJsonObject,
  printable,
  queueTable,
} from '@nest-rocketmq/remoting/internal';
import type { Answer, Handlers, HeaderOf, Reply } from '@nest-rocketmq/remoting/internal';
import type { ClientInfo, Clients } from '../clients/clients.js';
import { runtimeInfo } from '../metrics/runtime-info.js';
import type { RuntimeInfoParts } from '../metrics/runtime-info.js';

/** Longest wait for a consumer's answer, ms. */
const CLIENT_TIMEOUT_MS = 10_000;

/** What a slave would tell of its copying. */
const NO_HA_CLIENT = {
  lastReadTimestamp: 0,
  lastWriteTimestamp: 0,
  masterFlushOffset: 0,
  maxOffset: 0,
  transferredByteInSecond: 0,
};

export interface BrokerAdminDeps extends RuntimeInfoParts {
  clients: Clients;
}

type Names =
  | 'GET_BROKER_RUNTIME_INFO'
  | 'GET_BROKER_HA_STATUS'
  | 'GET_CONSUMER_RUNNING_INFO'
  | 'CONSUME_MESSAGE_DIRECTLY'
  | 'INVOKE_BROKER_TO_GET_CONSUMER_STATUS';

export function brokerAdminHandlers(deps: BrokerAdminDeps): Pick<Handlers<'broker'>, Names> {
  return {
    GET_BROKER_RUNTIME_INFO: async () => ({ body: encodeJson({ table: await runtimeInfo(deps) }) }),
    // A master without slaves.
    GET_BROKER_HA_STATUS: () => ({
      body: encodeJson({
        haClientRuntimeInfo: NO_HA_CLIENT,
        haConnectionInfo: [],
        inSyncSlaveNums: 0,
        master: true,
        masterCommitLogMaxOffset: deps.store.metrics.committedOffset,
      }),
    }),
    INVOKE_BROKER_TO_GET_CONSUMER_STATUS: ({ header }) => consumerStatus(deps.clients, header),
    GET_CONSUMER_RUNNING_INFO: async ({ header }) => {
      const client = clientOf(deps.clients, header.consumerGroup, header.clientId);
      if (!client) return offline(header.consumerGroup, header.clientId);
      const options = { timeout: CLIENT_TIMEOUT_MS };
      return answerOf(header, client.connection.request(Requests.GET_CONSUMER_RUNNING_INFO, header, options));
    },
    CONSUME_MESSAGE_DIRECTLY: async ({ header }) => {
      const client = clientOf(deps.clients, header.consumerGroup, header.clientId);
      if (!client) return offline(header.consumerGroup, header.clientId ?? '');
      const record = await deps.store.readRecord(decodeOffsetMsgId(header.msgId ?? '').physicalOffset);
      if (!record) return { code: ResponseCode.SYSTEM_ERROR, remark: 'the message of this id is not stored here' };
      const options = { body: record, timeout: CLIENT_TIMEOUT_MS };
      return answerOf(header, client.connection.request(Requests.CONSUME_MESSAGE_DIRECTLY, header, options));
    },
  };
}

/** What the consumer answers; with Apache's code where it does not in time. */
async function answerOf(
  { consumerGroup, clientId }: { consumerGroup: string; clientId?: string | undefined },
  asked: Promise<Pick<Reply<unknown>, 'code' | 'remark' | 'body'>>,
): Promise<Answer> {
  try {
    const { code, remark, body } = await asked;
    return { code, remark, body };
  } catch (error) {
    if (!(error instanceof RequestTimeoutError)) throw error;
    const remark = `consumer <${printable(consumerGroup)}> <${printable(clientId ?? '')}> Timeout: ${error.message}`;
    return { code: ResponseCode.CONSUME_MSG_TIMEOUT, remark };
  }
}

/** Asks the members of a group, or the one that is named, how far each has come in its queues. */
async function consumerStatus(
  clients: Clients,
  { topic, group, clientAddr }: HeaderOf<typeof Requests.INVOKE_BROKER_TO_GET_CONSUMER_STATUS>,
): Promise<Answer> {
  const members = [...(clients.consumers(group)?.clients.values() ?? [])];
  if (members.length === 0) {
    const remark = `No Any Consumer online in the consumer group: [${printable(group)}]`;
    return { code: ResponseCode.SYSTEM_ERROR, remark };
  }
  const asked = clientAddr ? members.filter(({ clientId }) => clientId === clientAddr) : members;
  // As in Apache's broker, one that does not answer is left out.
  const answers = await Promise.allSettled(asked.map((member) => statusOf(member, topic, group)));
  const consumerTable = new Map<string, unknown>();
  for (const [at, { clientId }] of asked.entries()) {
    const answer = answers[at]!;
    if (answer.status === 'fulfilled' && answer.value) consumerTable.set(clientId, answer.value);
  }
  return { body: encodeJson({ consumerTable, messageQueueTable: {} }) };
}

/** Undefined where the consumer refuses. */
async function statusOf({ connection }: ClientInfo, topic: string, group: string): Promise<unknown> {
  const options = { timeout: CLIENT_TIMEOUT_MS };
  const reply = await connection.request(Requests.GET_CONSUMER_STATUS_FROM_CLIENT, { topic, group }, options);
  if (reply.code !== ResponseCode.SUCCESS) return undefined;
  return queueTable(decodeQueueTable(parseJsonObject(reply.body, 'the offsets of a consumer')['messageQueueTable']));
}

function clientOf(clients: Clients, group: string, clientId: string | undefined): ClientInfo | undefined {
  const members = [...(clients.consumers(group)?.clients.values() ?? [])];
  return clientId ? members.find((member) => member.clientId === clientId) : members[0];
}

function offline(group: string, clientId: string): Answer {
  const remark = `The Consumer <${printable(group)}> <${printable(clientId)}> not online`;
  return { code: ResponseCode.CONSUMER_NOT_ONLINE, remark };
}
