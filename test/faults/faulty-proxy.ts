// Listens on a port before a server, and joins each connection to it through faulty links.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { addressIn } from '@nest-rocketmq/remoting/internal';
import type { FaultyLinks } from './faulty-links.js';

export class FaultyProxy {
  private constructor(
    private readonly server: Server,
    /** 'host:port' */
    readonly address: string,
  ) {}

  /** @param target 'host:port' of the server */
  static async before(target: string, links: FaultyLinks): Promise<FaultyProxy> {
    const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
      const upstream = connect({ ...addressIn(target)!, noDelay: true, allowHalfOpen: true });
      links.join(client, upstream);
    });
    server.listen({ host: '127.0.0.1', port: 0 });
    await once(server, 'listening');
    return new FaultyProxy(server, `127.0.0.1:${(server.address() as AddressInfo).port}`);
  }

  /** Resolves when all its connections have ended. */
  async close(): Promise<void> {
    this.server.close();
    await once(this.server, 'close');
  }
}
