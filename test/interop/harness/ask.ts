// Sends one request to a broker or a name server, over a connection of its own.
import {
  Connections,
  Requests,
  dialTcp,
  expectSuccess,
  handlerTable,
  silentLogger,
  systemClock,
} from '@nest-rocketmq/remoting/internal';
import type { HeaderOf, Reply, RequestRow } from '@nest-rocketmq/remoting/internal';
import { propertiesFile } from './cluster.js';

/** @throws ResponseError for any answer but success */
export async function ask<Row extends RequestRow>(
  address: string,
  row: Row,
  header: HeaderOf<Row>,
  body?: Buffer,
): Promise<Reply<Row>> {
  const connections = new Connections({
    clock: systemClock,
    logger: silentLogger,
    handlers: handlerTable(),
    dial: dialTcp,
  });
  try {
    const reply = await (await connections.get(address)).request(row, header, body ? { body } : {});
    expectSuccess(reply, address);
    return reply;
  } finally {
    connections.closeAll();
  }
}

/** Changes keys of broker.conf while the broker runs. */
export async function configureBroker(address: string, settings: Record<string, string>): Promise<void> {
  await ask(address, Requests.UPDATE_BROKER_CONFIG, {}, Buffer.from(propertiesFile(settings)));
}
