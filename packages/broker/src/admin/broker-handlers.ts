// Answers requests about the broker itself, and hands requests for a consumer on to it.
import { Requests, ResponseCode, decodeOffsetMsgId, encodeJson, printable } from '@nest-rocketmq/remoting/internal';
import type { Answer, Handlers } from '@nest-rocketmq/remoting/internal';
import type { ClientInfo, Clients } from '../clients/clients.js';
import { runtimeInfo } from '../metrics/runtime-info.js';
import type { RuntimeInfoParts } from '../metrics/runtime-info.js';

/** Longest wait for a consumer's answer, ms. */
const CLIENT_TIMEOUT_MS = 10_000;

export interface BrokerAdminDeps extends RuntimeInfoParts {
  clients: Clients;
  /** The broker's options, as text. */
  properties: ReadonlyMap<string, string>;
}

type Names = 'GET_BROKER_CONFIG' | 'GET_BROKER_RUNTIME_INFO' | 'GET_CONSUMER_RUNNING_INFO' | 'CONSUME_MESSAGE_DIRECTLY';

export function brokerAdminHandlers(deps: BrokerAdminDeps): Pick<Handlers<'broker'>, Names> {
  return {
    GET_BROKER_CONFIG: () => {
      const lines = [...deps.properties].map(([name, value]) => `${name}=${value.replaceAll('\\', '\\\\')}\n`);
      const version = JSON.stringify({ counter: 0, stateVersion: 0, timestamp: deps.bootTimestamp });
      return { header: { version }, body: Buffer.from(lines.join(''), 'utf8') };
    },
    GET_BROKER_RUNTIME_INFO: async () => ({ body: encodeJson({ table: await runtimeInfo(deps) }) }),
    GET_CONSUMER_RUNNING_INFO: async ({ header }) => {
      const client = clientOf(deps.clients, header.consumerGroup, header.clientId);
      if (!client) return offline(header.consumerGroup, header.clientId);
      const timeout = CLIENT_TIMEOUT_MS;
      const { code, remark, body } = await client.connection.request(Requests.GET_CONSUMER_RUNNING_INFO, header, {
        timeout,
      });
      return { code, remark, body };
    },
    CONSUME_MESSAGE_DIRECTLY: async ({ header }) => {
      const client = clientOf(deps.clients, header.consumerGroup, header.clientId);
      if (!client) return offline(header.consumerGroup, header.clientId ?? '');
      const record = await deps.store.readRecord(decodeOffsetMsgId(header.msgId ?? '').physicalOffset);
      if (!record) return { code: ResponseCode.SYSTEM_ERROR, remark: 'the message of this id is not stored here' };
      const options = { body: record, timeout: CLIENT_TIMEOUT_MS };
      const { code, remark, body } = await client.connection.request(
        Requests.CONSUME_MESSAGE_DIRECTLY,
        header,
        options,
      );
      return { code, remark, body };
    },
  };
}

function clientOf(clients: Clients, group: string, clientId: string | undefined): ClientInfo | undefined {
  const members = [...(clients.consumers(group)?.clients.values() ?? [])];
  return clientId ? members.find((member) => member.clientId === clientId) : members[0];
}

function offline(group: string, clientId: string): Answer {
  const remark = `The Consumer <${printable(group)}> <${printable(clientId)}> not online`;
  return { code: ResponseCode.CONSUMER_NOT_ONLINE, remark };
}
