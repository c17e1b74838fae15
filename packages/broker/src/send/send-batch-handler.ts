// Answers sends of a batch of messages of one topic.
import {
  MAX_PROPERTIES_BYTES,
  MessageProperty,
  PROPERTY_SEPARATOR,
  ResponseCode,
  decodeBatch,
  decodeProperties,
  encodeOffsetMsgId,
  isRetryTopic,
  transactionType,
} from '@nest-rocketmq/remoting/internal';
import type {
  Answer,
  BatchItem,
  Handlers,
  HostPort,
  IncomingRequest,
  Requests,
} from '@nest-rocketmq/remoting/internal';
import type { MessageWriter } from '../message/message-writer.js';
import type { BrokerStats } from '../metrics/broker-stats.js';
import { encodedProperties } from '../message/fit-properties.js';
import { PropertyScan } from '../message/property-scan.js';
import { forbidden, noSuchTopic, notStored, queueOf, refusalOf } from './send-checks.js';
import type { TimerLimits } from './send-checks.js';
import type { MessageInner } from '../store/store.js';
import type { Topics } from '../metadata/topics.js';

export interface SendBatchDeps {
  topics: Topics;
  messageWriter: MessageWriter;
  stats: BrokerStats;
  storeHost: HostPort;
  config: TimerLimits & {
    brokerPermission: number;
    regionId: string;
    traceOn: boolean;
    maxMessageSize: number;
    maxBatchMessages: number;
  };
}

const SEPARATOR = Buffer.from(PROPERTY_SEPARATOR, 'latin1');

type Row = typeof Requests.SEND_BATCH_MESSAGE;

export function sendBatchHandlers(deps: SendBatchDeps): Pick<Handlers<'broker'>, 'SEND_BATCH_MESSAGE'> {
  const extFields = { MSG_REGION: deps.config.regionId, TRACE_ON: String(deps.config.traceOn) };
  return { SEND_BATCH_MESSAGE: async (request) => ({ ...(await send(deps, request)), extFields }) };
}

async function send(deps: SendBatchDeps, request: IncomingRequest<Row>): Promise<Answer<Row>> {
  const { topics, messageWriter, storeHost, stats, config } = deps;
  const { b: topic, c: defaultTopic, d: queues, e: queueId, i: properties } = request.header;
  if (isRetryTopic(topic)) return forbidden(`topic[${topic}]`);
  const known = topics.get(topic);
  const refusal = refusalOf({ topic, queueId }, known, config.brokerPermission, request.connection);
  if (refusal) return refusal;
  const items = itemsOf(deps, request);
  if (!Array.isArray(items)) return items;
  const made = known ?? topics.findOrCreate(topic, defaultTopic, queues);
  if (!made) return noSuchTopic(topic);
  // Only awaited where needed: a batch must not be overtaken by later sends.
  const unsaved = topics.whenSaved(topic);
  if (unsaved) await unsaved;
  const queue = queueOf(queueId, made, request.connection);
  if (typeof queue !== 'number') return queue;
  const messages = messagesOf(request, items, queue);
  const results = messageWriter.sendBatch(messages);
  const failed = results.find((result) => result.status !== 'PUT_OK');
  const [first, last] = [results[0], results.at(-1)];
  if (failed || !first || !last) return notStored(failed?.status ?? 'MESSAGE_ILLEGAL', config);
  const ids = results.map((result) => encodeOffsetMsgId(storeHost.address, storeHost.port, result.physicalOffset));
  const { queueOffset, storeTimestamp } = first;
  const size = results.reduce((sum, result) => sum + result.size, 0);
  stats.put(topic, queue, results.length, size, storeTimestamp);
  await messageWriter.whenStored(last);
  const transactionId = decodeProperties(properties ?? '').get(MessageProperty.UNIQ_KEY);
  return { header: { msgId: ids.join(','), queueId: queue, queueOffset, ...(transactionId && { transactionId }) } };
}

/** The messages of the batch, or why it is refused. Checked before its topic is created. */
function itemsOf({ config }: SendBatchDeps, { header, body }: IncomingRequest<Row>): BatchItem[] | Answer<Row> {
  if (body.length > config.maxMessageSize) return notStored('MESSAGE_ILLEGAL', config);
  const items = decodeBatch(body, config.maxBatchMessages);
  if (items.length > config.maxBatchMessages) {
    const remark = `a batch has more messages than the broker allows: maxBatchMessages=${config.maxBatchMessages}`;
    return { code: ResponseCode.MESSAGE_ILLEGAL, remark };
  }
  const scan = new PropertyScan();
  const plain = (properties: Buffer): boolean => {
    scan.scan(properties);
    return scan.delayLevel === 0 && !scan.transaction && !scan.hasTimer;
  };
  const outside = Buffer.from(header.i ?? '', 'utf8');
  if (transactionType(header.f) === 0 && plain(outside) && items.every((item) => plain(item.properties))) return items;
  return { code: ResponseCode.MESSAGE_ILLEGAL, remark: 'a batch has neither delayed nor half messages' };
}

function messagesOf(
  { header, connection }: IncomingRequest<Row>,
  items: readonly BatchItem[],
  queueId: number,
): MessageInner[] {
  const scan = new PropertyScan();
  const messages: MessageInner[] = [];
  for (const { body, flag, properties } of items) {
    scan.scan(properties);
    messages.push({
      topic: header.b,
      queueId,
      flag,
      sysFlag: header.f,
      bornTimestamp: header.g,
      bornHost: connection.remoteHost,
      bornPort: connection.remotePort,
      reconsumeTimes: header.j ?? 0,
      preparedTransactionOffset: 0,
      body,
      properties: asStored(properties, scan),
      tagsCode: scan.tagsCode,
    });
  }
  return messages;
}

/** The properties with a final separator, so that others can follow, and without the checksum of an earlier record. */
function asStored(properties: Buffer, scan: PropertyScan): Buffer {
  if (scan.hasOwn) {
    const pairs = decodeProperties(properties.toString('utf8'));
    if (pairs.delete(MessageProperty.CRC32)) return encodedProperties(pairs);
  }
  if (scan.closed || properties.length === MAX_PROPERTIES_BYTES) return properties;
  return Buffer.concat([properties, SEPARATOR]);
}
