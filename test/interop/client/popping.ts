// Pops, acknowledges and puts off messages in every way, so that the statistics of two brokers can be compared.
import {
  Connections,
  MessageProperty,
  Requests,
  ResponseCode,
  decodeRecords,
  encodeBatchAck,
  handlerTable,
  objectOf,
  parseJson,
  popRetryTopic,
  silentLogger,
  systemClock,
} from '@nest-rocketmq/remoting/internal';
import type { Connection, HeaderOf, MessageExt } from '@nest-rocketmq/remoting/internal';
import type { Cluster } from '../harness/cluster.js';
import { SEND_TIMEOUT_MS, newClient } from './peer.js';
import { untilCounted } from './traffic.js';

export const POPS = { topic: 'pops', group: 'poppers' };
export const ORDERLY = { topic: 'orderly_pops', group: 'orderly_poppers' };
/** Popped of each topic, all of them; one more that comes later is not. */
const SENT = 8;
/** Until a message comes again that nobody acknowledges. ms */
const SOON = 2_000;
const LONG = 300_000;
const PATIENCE_MS = 60_000;

type Place = typeof POPS;

interface Popped {
  handles: string[];
  header: { popTime: number; invisibleTime: number; reviveQid: number };
}

/** Resolves when the broker says that all of it was counted. */
export async function runPops(cluster: Cluster): Promise<void> {
  const client = newClient(cluster);
  const connections = new Connections({ clock: systemClock, logger: silentLogger, handlers: handlerTable() });
  try {
    const producer = client.createProducer({ group: 'pop_producers', sendMsgTimeout: SEND_TIMEOUT_MS });
    await producer.start();
    for (const { topic } of [POPS, ORDERLY]) {
      await client.admin.createTopic({ topic, queues: 1 });
      for (let sent = 0; sent < SENT; sent++) await producer.send({ topic, body: `${sent}` });
    }
    const connection = await connections.get(cluster.brokerAddress);
    await popAndAcknowledge(connection);
    await popInOrder(connection);
    for (const { topic } of [POPS, ORDERLY]) await producer.send({ topic, body: 'left' });
    // Apache looks every 10 s at what has been counted: what was counted before this has been seen with it.
    await producer.send({ topic: 'pops_end', body: 'x' });
    await untilCounted(cluster, 'TOPIC_PUT_NUMS', 'pops_end');
  } finally {
    connections.closeAll();
    await client.shutdown();
  }
}

async function popAndAcknowledge(connection: Connection): Promise<void> {
  const short = await pop(connection, POPS, { maxMsgNums: 3, invisibleTime: SOON });
  await ack(connection, POPS, short.handles[0]!);
  // Twice, and by the handle of another broker.
  await ack(connection, POPS, short.handles[0]!);
  await ack(connection, POPS, short.handles[0]!.replace('broker-a', 'broker-x'));
  const long = await pop(connection, POPS, { maxMsgNums: 5, invisibleTime: LONG });
  await ackFirst(connection, POPS, long);
  await putOff(connection, POPS, long.handles[3]!);
  // Two of the short pop come again, from the pop retry topic. One of them is acknowledged.
  const again: string[] = [];
  const until = Date.now() + PATIENCE_MS;
  while (again.length < 2 && Date.now() < until)
    again.push(...(await pop(connection, POPS, { maxMsgNums: 1, invisibleTime: LONG, pollTime: 10_000 })).handles);
  await ack(connection, POPS, again[0]!);
  // Too late.
  await ack(connection, POPS, short.handles[1]!);
}

async function popInOrder(connection: Connection): Promise<void> {
  const first = await pop(connection, ORDERLY, { maxMsgNums: 3, invisibleTime: LONG, order: true });
  await ack(connection, ORDERLY, first.handles[0]!);
  await ackFirst(connection, ORDERLY, first);
  await ack(connection, ORDERLY, first.handles[2]!);
  const second = await pop(connection, ORDERLY, { maxMsgNums: 2, invisibleTime: LONG, order: true });
  await putOff(connection, ORDERLY, second.handles[0]!);
}

async function pop(
  connection: Connection,
  { topic, group }: Place,
  more: { maxMsgNums: number; invisibleTime: number; pollTime?: number; order?: boolean },
): Promise<Popped> {
  const header: HeaderOf<typeof Requests.POP_MESSAGE> = {
    consumerGroup: group,
    topic,
    queueId: -1,
    pollTime: 0,
    bornTime: Date.now(),
    initMode: 0,
    ...more,
  };
  const reply = await connection.request(Requests.POP_MESSAGE, header, { timeout: PATIENCE_MS });
  const messages = reply.code === ResponseCode.SUCCESS ? decodeRecords(reply.body) : [];
  const { popTime = 0, invisibleTime = 0, reviveQid = 0, startOffsetInfo = '' } = reply.header;
  const start =
    startOffsetInfo
      .split(';')
      .find((one) => one.startsWith('0 '))
      ?.split(' ')[2] ?? '0';
  const handleOf = ({ properties, queueId, queueOffset }: MessageExt): string =>
    properties.get(MessageProperty.POP_CK) ??
    [start, popTime, invisibleTime, reviveQid, 0, 'broker-a', queueId, queueOffset].join(' ');
  return { handles: messages.map(handleOf), header: { popTime, invisibleTime, reviveQid } };
}

/** The place that a handle names: in the topic itself, or in its pop retry topic. */
function placeOf({ topic, group }: Place, handle: string): { topic: string; queueId: number; offset: number } {
  const [, , , , flag, , queueId, offset] = handle.split(' ');
  const retries = popRetryTopic(topic, group, flag === '2');
  return { topic: flag === '0' ? topic : retries, queueId: Number(queueId), offset: Number(offset) };
}

async function ack(connection: Connection, place: Place, extraInfo: string): Promise<void> {
  const header = { consumerGroup: place.group, extraInfo, ...placeOf(place, extraInfo) };
  await connection.request(Requests.ACK_MESSAGE, header);
}

async function putOff(connection: Connection, place: Place, extraInfo: string): Promise<void> {
  const header = { consumerGroup: place.group, extraInfo, invisibleTime: LONG, ...placeOf(place, extraInfo) };
  await connection.request(Requests.CHANGE_MESSAGE_INVISIBLETIME, header);
}

/** Acknowledges the first two of a pop in a batch. */
async function ackFirst(connection: Connection, { topic, group }: Place, { handles, header }: Popped): Promise<void> {
  const { popTime, invisibleTime, reviveQid: reviveQueueId } = header;
  const startOffset = Number(handles[0]!.split(' ')[0]);
  const of = {
    consumerGroup: group,
    topic,
    retry: '0',
    startOffset,
    queueId: 0,
    popTime,
    invisibleTime,
    reviveQueueId,
  };
  const body = encodeBatchAck({ brokerName: 'broker-a', acks: [{ ...of, bits: Buffer.from([0b11]) }] });
  await connection.request(Requests.BATCH_ACK_MESSAGE, {}, { body });
}

/** What was counted under each name and key in the last minute, as `name key` to the sum; undefined: nothing. */
export async function countedOf(
  cluster: Cluster,
  counts: readonly string[],
): Promise<Record<string, number | undefined>> {
  const connections = new Connections({ clock: systemClock, logger: silentLogger, handlers: handlerTable() });
  try {
    const connection = await connections.get(cluster.brokerAddress);
    const sums: Record<string, number | undefined> = {};
    for (const count of counts) {
      const [statsName = '', statsKey = ''] = count.split(' ');
      const { code, body } = await connection.request(Requests.VIEW_BROKER_STATS_DATA, { statsName, statsKey });
      const minute = code === ResponseCode.SUCCESS ? objectOf(objectOf(parseJson(body))['statsMinute']) : {};
      sums[count] = minute['sum'] === undefined ? undefined : Number(minute['sum']);
    }
    return sums;
  } finally {
    connections.closeAll();
  }
}
