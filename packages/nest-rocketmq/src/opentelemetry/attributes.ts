// Names the attributes and metrics of OpenTelemetry's messaging conventions, and reads their values from messages.
import type { Attributes } from '@opentelemetry/api';
import { MessageProperty } from '@nest-rocketmq/remoting/internal';
import type { MessageExt, MessageQueue } from '@nest-rocketmq/remoting/internal';
import type { SendMessageContext } from '@nest-rocketmq/client';

/** The published names of what stands in spans and metrics. */
export const MESSAGING = {
  system: 'messaging.system',
  operationName: 'messaging.operation.name',
  operationType: 'messaging.operation.type',
  destination: 'messaging.destination.name',
  partition: 'messaging.destination.partition.id',
  consumerGroup: 'messaging.consumer.group.name',
  clientId: 'messaging.client.id',
  batchCount: 'messaging.batch.message_count',
  messageId: 'messaging.message.id',
  conversationId: 'messaging.message.conversation_id',
  bodySize: 'messaging.message.body.size',
  namespace: 'messaging.rocketmq.namespace',
  messageType: 'messaging.rocketmq.message.type',
  messageGroup: 'messaging.rocketmq.message.group',
  keys: 'messaging.rocketmq.message.keys',
  tag: 'messaging.rocketmq.message.tag',
  deliveryTimestamp: 'messaging.rocketmq.message.delivery_timestamp',
  delayTimeLevel: 'messaging.rocketmq.message.delay_time_level',
  consumptionModel: 'messaging.rocketmq.consumption_model',
  serverAddress: 'server.address',
  serverPort: 'server.port',
  errorType: 'error.type',
} as const;

/** What an operation does, by the conventions. */
export type OperationType = 'create' | 'send' | 'receive' | 'process' | 'settle';

/** What each span and metric of an operation has. */
export function operation(name: OperationType, topic: string | undefined): Attributes {
  return {
    [MESSAGING.system]: 'rocketmq',
    [MESSAGING.operationName]: name,
    [MESSAGING.operationType]: name,
    ...(topic !== undefined && { [MESSAGING.destination]: topic }),
  };
}

/** @param address 'host:port' */
export function server(address: string | undefined): Attributes {
  const colon = address?.lastIndexOf(':') ?? -1;
  if (address === undefined || colon < 0) return {};
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  return { [MESSAGING.serverAddress]: host, [MESSAGING.serverPort]: Number(address.slice(colon + 1)) };
}

/** A queue is known by its broker and its number there: 'broker-a:3'. */
export function partition({ brokerName, queueId }: Pick<MessageQueue, 'brokerName' | 'queueId'>): Attributes {
  return { [MESSAGING.partition]: `${brokerName}:${queueId}` };
}

type Outgoing = SendMessageContext['messages'][number];

/** Of a message that is to be sent. @param now ms since the epoch */
export function outgoing(
  { tags, keys = [], delayLevel = 0, delay, deliverAt, body }: Outgoing,
  context: Pick<SendMessageContext, 'messageType' | 'shardingKey'>,
  { now, bodySize }: { now: number; bodySize: boolean },
): Attributes {
  const list = [keys].flat();
  const due = deliverAt === undefined ? delay !== undefined && now + delay : Number(deliverAt);
  return {
    [MESSAGING.messageType]: context.messageType.toLowerCase(),
    ...(context.shardingKey !== undefined && { [MESSAGING.messageGroup]: context.shardingKey }),
    ...(tags !== undefined && tags !== '' && { [MESSAGING.tag]: tags }),
    ...(list.length > 0 && { [MESSAGING.keys]: list }),
    ...(delayLevel > 0 && { [MESSAGING.delayTimeLevel]: delayLevel }),
    ...(due !== false && { [MESSAGING.deliveryTimestamp]: Math.ceil(due) }),
    ...(bodySize && body !== undefined && body !== null && { [MESSAGING.bodySize]: Buffer.byteLength(body) }),
  };
}

/** Of a message that has arrived. */
export function incoming({ properties, body, msgId }: MessageExt, bodySize: boolean): Attributes {
  const tag = properties.get(MessageProperty.TAGS);
  const keys = properties.get(MessageProperty.KEYS)?.split(' ');
  const group = properties.get(MessageProperty.SHARDING_KEY);
  const conversation = properties.get(MessageProperty.CORRELATION_ID);
  return {
    [MESSAGING.messageId]: msgId,
    [MESSAGING.messageType]: typeOf(properties),
    ...(tag !== undefined && { [MESSAGING.tag]: tag }),
    ...(keys && { [MESSAGING.keys]: keys }),
    ...(group !== undefined && { [MESSAGING.messageGroup]: group }),
    ...(conversation !== undefined && { [MESSAGING.conversationId]: conversation }),
    ...(bodySize && { [MESSAGING.bodySize]: body.length }),
  };
}

const DELAYED = ['DELAY', 'TIMER_DELIVER_MS', 'TIMER_DELAY_MS', 'TIMER_DELAY_SEC', 'TIMER_OUT_MS'];

function typeOf(properties: ReadonlyMap<string, string>): string {
  if (properties.get(MessageProperty.TRAN_MSG) === 'true') return 'transaction';
  if (properties.has(MessageProperty.SHARDING_KEY)) return 'fifo';
  return DELAYED.some((name) => properties.has(name)) ? 'delay' : 'normal';
}
