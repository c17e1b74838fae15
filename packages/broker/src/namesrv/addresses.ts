// Finds the ports that a broker listens on, and connects to it within its own process.
import { createServer, isIPv4 } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { ConnectError, ListenError, dialTcp, duplexPair, formatAddress } from '@nest-rocketmq/remoting/internal';
import type { HostAndPort, Logger, RemotingServer } from '@nest-rocketmq/remoting/internal';

/** A client with a VIP channel sends to the broker's port minus this. */
const VIP_CHANNEL_OFFSET = 2;

/** Connects to a server of this process where the address is one of theirs, by TCP to any other. @throws ConnectError */
export function dialInProcess(
  servers: ReadonlyMap<string, RemotingServer>,
  address: string,
  given?: AbortSignal,
): Promise<Duplex> {
  const server = servers.get(address);
  if (!server) return dialTcp(address, given);
  const [near, far] = duplexPair();
  const connection = server.accept(far, address);
  if (connection.closed) return Promise.reject(new ConnectError(address, 'this broker has been stopped'));
  return Promise.resolve(near);
}

/** Whether only this machine can reach the host. */
export function isLoopback(host: string): boolean {
  const plain = host.toLowerCase().replace(/^::ffff:(?=\d+\.)/, '');
  return plain === 'localhost' || plain === '::1' || (isIPv4(plain) && plain.startsWith('127.'));
}

/** Warns of addresses that other machines reach: nothing authenticates, so they may read, write and delete everything. */
export function warnOfOpenAddresses(logger: Logger, listens: readonly (HostAndPort | undefined)[]): void {
  const open = listens.filter((one): one is HostAndPort => one !== undefined && !isLoopback(one.host));
  if (open.length === 0) return;
  const addresses = open.map(({ host, port }) => formatAddress(host, port)).join(' and ');
  logger.warn(
    `listening on ${addresses}, and nothing authenticates: whoever reaches it may read, write and delete everything. ` +
      'Listen on 127.0.0.1, or let only trusted machines through a firewall.',
  );
}

/** Finds a free port where none is given. Records contain the port, so it must be known before the store is opened. */
export function withPort(listen: HostAndPort): Promise<HostAndPort> {
  if (listen.port !== 0) return Promise.resolve(listen);
  const { host } = listen;
  return new Promise((found, reject) => {
    const probe = createServer();
    probe.once('error', (cause) => reject(new ListenError(host, 0, cause)));
    probe.listen({ host, port: 0 }, () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => found({ host, port }));
    });
  });
}

/** Java clients before 4.5, and newer ones with vipChannelEnabled, send to the second port below the broker's. */
export async function listenForVIPChannel(
  server: RemotingServer,
  { host, port }: HostAndPort,
  logger: Logger,
): Promise<void> {
  try {
    await server.listen(host, port - VIP_CHANNEL_OFFSET);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    logger.warn(`clients with vipChannelEnabled=true, as Java ones before 4.5, will not be able to send: ${reason}`);
  }
}
