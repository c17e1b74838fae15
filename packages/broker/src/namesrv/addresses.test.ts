import { Server, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Connection,
  Requests,
  ResponseCode,
  dialTcp,
  handlerTable,
  silentLogger,
  systemClock,
} from '@nest-rocketmq/remoting/internal';
import type { Logger } from '@nest-rocketmq/remoting/internal';
import { isLoopback } from './addresses.js';
import { startBroker } from '../broker.js';
import type { Broker } from '../broker.js';

let broker: Broker | undefined;
let other: Server | undefined;
afterEach(async () => {
  await broker?.stop();
  other?.close();
});

async function start(port: number, logger: Logger = silentLogger): Promise<void> {
  const listen = `127.0.0.1:${port}`;
  broker = await startBroker({ store: 'memory', listen, nameServerListen: '127.0.0.1:0', logger });
}

describe('a broker that listens', () => {
  it('answers at the second port below its own too: the VIP channel of Java clients before 4.5', async () => {
    const { below, port } = await neighbours();
    await stopListening(below);
    await start(port);
    const address = `127.0.0.1:${port - 2}`;
    const connection = new Connection(await dialTcp(address), {
      address,
      handlers: handlerTable(),
      clock: systemClock,
      logger: silentLogger,
    });
    const { code } = await connection.request(Requests.GET_TOPIC_CONFIG, { topic: 'TBW102' });
    expect(code).toBe(ResponseCode.SUCCESS);
    connection.close();
  });

  it('goes without that one, and says so, when another process has it', async () => {
    const { below, port } = await neighbours();
    other = below;
    const warnings: string[] = [];
    await start(port, { ...silentLogger, warn: (message) => warnings.push(message) });
    expect(warnings).toEqual([expect.stringContaining('vipChannelEnabled=true')]);
    expect(warnings[0]).toContain(`127.0.0.1:${port - 2}`);
  });
});

/** A port that is free, and one that is listened on two below it. */
async function neighbours(): Promise<{ below: Server; port: number }> {
  for (;;) {
    const below = await listening(0);
    const port = (below.address() as AddressInfo).port + 2;
    const free = await listening(port).then(stopListening, () => false);
    if (free) return { below, port };
    await stopListening(below);
  }
}

function listening(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port }, () => resolve(server));
  });
}

function stopListening(server: Server): Promise<true> {
  return new Promise((resolve) => server.close(() => resolve(true)));
}

describe('a broker that listens where others reach it', () => {
  it.each([
    ['0.0.0.0:0', false, ['0.0.0.0']],
    ['127.0.0.1:0', '0.0.0.0:0', ['0.0.0.0']],
    ['0.0.0.0:0', '0.0.0.0:0', ['0.0.0.0', '0.0.0.0']],
  ] as const)('(%s, name server %s) says once that nothing authenticates', async (listen, nameServerListen, hosts) => {
    const warnings: string[] = [];
    const logger = { ...silentLogger, warn: (line: string) => void warnings.push(line) };
    broker = await startBroker({ store: 'memory', listen, nameServerListen, brokerIP1: '127.0.0.1', logger });
    const told = warnings.filter((line) => line.includes('nothing authenticates'));
    expect(told).toHaveLength(1);
    expect(told[0]!.match(/0\.0\.0\.0:\d+/g)).toHaveLength(hosts.length);
  });

  it.each([{ listen: '127.0.0.1:0' }, { listen: '127.1.2.3:0' }, { listen: 'localhost:0' }, {}])(
    'or where nobody else does (%j) says nothing',
    async (options) => {
      const warnings: string[] = [];
      const logger = { ...silentLogger, warn: (line: string) => void warnings.push(line) };
      broker = await startBroker({ store: 'memory', nameServerListen: false, ...options, logger });
      expect(warnings).toEqual([]);
    },
  );

  it.each([
    ['::1', true],
    ['::ffff:127.0.0.1', true],
    ['LOCALHOST', true],
    ['127.example.com', false],
    ['::', false],
    ['192.0.2.1', false],
  ])('knows of %s whether it is this machine alone: %s', (host, alone) => {
    expect(isLoopback(host)).toBe(alone);
  });
});
