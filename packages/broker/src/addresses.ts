// Owns how a broker is reached: which ports it takes, and the way to it inside of its own process.
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { ConnectError, ListenError, dialTcp, duplexPair } from '@nest-rocketmq/remoting';
import type { HostAndPort, Logger, RemotingServer } from '@nest-rocketmq/remoting';

/** How far below a broker's port clients with a VIP channel send to. */
const VIP_CHANNEL_OFFSET = 2;

/** Connects to a server of this process where the address is one of theirs, by TCP to any other. @throws ConnectError */
export function dialInProcess(servers: ReadonlyMap<string, RemotingServer>, address: string): Promise<Duplex> {
  const server = servers.get(address);
  if (!server) return dialTcp(address);
  const [near, far] = duplexPair();
  const connection = server.accept(far, address);
  if (connection.closed) return Promise.reject(new ConnectError(address, 'this broker has been stopped'));
  return Promise.resolve(near);
}

/** The records carry the port, so a free one must be known before the store is opened. */
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
