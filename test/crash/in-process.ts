// Connects to a broker of this process.
import { Connection, handlerTable, silentLogger, systemClock } from '@nest-rocketmq/remoting/internal';
import type { Broker } from '@nest-rocketmq/broker/internal';

export async function connectTo(broker: Broker): Promise<Connection> {
  const address = broker.brokerAddress;
  const options = { address, handlers: handlerTable(), clock: systemClock, logger: silentLogger };
  return new Connection(await broker.dial(address), options);
}
