// Connects a benchmark to a broker, for what it asks besides its load, and creates topics.
import { once } from 'node:events';
import { connect } from 'node:net';
import { RocketMQClient } from '@nest-rocketmq/client';
import {
  Connection,
  expectSuccess,
  handlerTable,
  Requests,
  silentLogger,
  systemClock,
  type SerializeType,
} from '@nest-rocketmq/remoting/internal';

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

export async function createTopics(nameServer: string, topics: readonly string[], queues: number): Promise<void> {
  const client = new RocketMQClient({ nameServer });
  await client.start();
  for (const topic of topics) await client.admin.createTopic({ topic, queues });
  await client.shutdown();
}

/** The offset behind the last message of each queue. */
export function maxOffsets(connection: Connection, topic: string, queues: number): Promise<number[]> {
  return Promise.all(
    Array.from({ length: queues }, async (_, queueId) => {
      const reply = await connection.request(Requests.GET_MAX_OFFSET, { topic, queueId });
      expectSuccess(reply, connection.address);
      return reply.header.offset!;
    }),
  );
}
