// Owns reading a whole backlog: one pull under way for each queue, on one connection, bodies only counted.
import { connect } from 'node:net';
import {
  Connection,
  handlerTable,
  Requests,
  ResponseCode,
  silentLogger,
  systemClock,
  type SerializeType,
} from '@nest-rocketmq/remoting';
import { once } from 'node:events';

const GROUP = 'BenchBacklog';
const PULL_SYS_FLAG_SUBSCRIPTION = 4;
const BATCH = 32;
/** Position of a record's size, of which a pull's body is a row. */
const SIZE_AT = 0;

export async function openConnection(address: string, serializeType: SerializeType = 'binary'): Promise<Connection> {
  const [host, port] = address.split(':');
  const socket = connect({ host, port: Number(port), noDelay: true });
  await once(socket, 'connect');
  return new Connection(socket, {
    address,
    handlers: handlerTable(),
    clock: systemClock,
    logger: silentLogger,
    serializeType,
  });
}

function countRecords(body: Buffer): number {
  let count = 0;
  for (let at = 0; at < body.length; at += body.readInt32BE(at + SIZE_AT)) count++;
  return count;
}

/** Pulls one queue from the beginning until there is nothing more. Returns how many messages it gave. */
async function pullQueue(connection: Connection, topic: string, queueId: number): Promise<number> {
  let count = 0;
  for (let queueOffset = 0; ;) {
    const reply = await connection.request(
      Requests.PULL_MESSAGE,
      {
        consumerGroup: GROUP,
        topic,
        queueId,
        queueOffset,
        maxMsgNums: BATCH,
        sysFlag: PULL_SYS_FLAG_SUBSCRIPTION,
        commitOffset: 0,
        suspendTimeoutMillis: 0,
        subscription: '*',
        subVersion: 0,
        expressionType: 'TAG',
        maxMsgBytes: 0x7fffffff,
      },
      { timeout: 60_000 },
    );
    if (reply.code === ResponseCode.PULL_NOT_FOUND) return count;
    if (
      reply.code !== ResponseCode.SUCCESS &&
      reply.code !== ResponseCode.PULL_OFFSET_MOVED &&
      reply.code !== ResponseCode.PULL_RETRY_IMMEDIATELY
    )
      throw new Error(`a pull at ${queueOffset} of queue ${queueId} was answered by ${reply.code}: ${reply.remark}`);
    count += countRecords(reply.body);
    queueOffset = reply.header.nextBeginOffset!;
  }
}

/** Reads all queues of the topic at once. */
export async function pullAll(address: string, topic: string, queues: number): Promise<number> {
  const connection = await openConnection(address);
  try {
    const counts = await Promise.all(
      Array.from({ length: queues }, (_, queueId) => pullQueue(connection, topic, queueId)),
    );
    return counts.reduce((sum, count) => sum + count, 0);
  } finally {
    connection.close();
  }
}
