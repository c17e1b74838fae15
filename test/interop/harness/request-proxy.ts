// Stands between a client and a cluster, and notes the client's requests: routes name its own ports in place of the brokers'.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { FrameDecoder, addressIn } from '@nest-rocketmq/remoting/internal';
import type { RequestLog } from './request-log.js';

const BROKER_ADDRESS = /127\.0\.0\.1:\d+/g;
/** Bytes of a frame's length field, and of all before its header. */
const [LENGTH, HEAD] = [4, 8];

export class RequestProxy {
  /** Server to our own address for it. */
  readonly #fronts = new Map<string, Promise<string>>();
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  #nameServer = '';

  private constructor(readonly log: RequestLog) {}

  static async before(nameServer: string, log: RequestLog): Promise<RequestProxy> {
    const proxy = new RequestProxy(log);
    proxy.#nameServer = await proxy.#listen(nameServer, (client, server) => proxy.#rewrite(client, server));
    return proxy;
  }

  /** For the client's option of this name. */
  get nameServer(): string {
    return this.#nameServer;
  }

  close(): void {
    for (const server of this.#servers) server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  async #listen(address: string, answer: (client: Socket, server: Socket) => void): Promise<string> {
    const listener = createServer({ noDelay: true }, (client) => {
      const server = connect({ ...addressIn(address)!, noDelay: true });
      const read = this.log.reader(address);
      client.on('data', (chunk: Buffer) => {
        read(chunk);
        server.write(chunk);
      });
      answer(client, server);
      for (const [one, other] of [
        [client, server],
        [server, client],
      ] as const) {
        this.#sockets.add(one);
        one.on('error', () => one.destroy());
        one.on('close', () => {
          this.#sockets.delete(one);
          other.destroy();
        });
      }
    });
    this.#servers.push(listener);
    listener.listen({ host: '127.0.0.1', port: 0 });
    await once(listener, 'listening');
    return `127.0.0.1:${(listener.address() as AddressInfo).port}`;
  }

  #front(broker: string): Promise<string> {
    let front = this.#fronts.get(broker);
    if (!front) {
      front = this.#listen(broker, (client, server) => void server.on('data', (chunk) => client.write(chunk)));
      this.#fronts.set(broker, front);
    }
    return front;
  }

  /** Answers of a name server, in their order, with our addresses in their bodies. */
  #rewrite(client: Socket, server: Socket): void {
    const decoder = new FrameDecoder();
    let before = Promise.resolve();
    server.on('data', (chunk: Buffer) =>
      decoder.push(chunk, (frame) => {
        before = before.then(async () => void client.write(await this.#withFronts(frame)));
        return true;
      }),
    );
  }

  async #withFronts(frame: Buffer): Promise<Buffer> {
    const bodyAt = HEAD + (frame.readUInt32BE(LENGTH) & 0xffffff);
    let body = frame.toString('utf8', bodyAt);
    for (const broker of new Set(body.match(BROKER_ADDRESS))) {
      body = body.replaceAll(broker, await this.#front(broker));
    }
    const rewritten = Buffer.concat([frame.subarray(0, bodyAt), Buffer.from(body)]);
    rewritten.writeUInt32BE(rewritten.length - LENGTH, 0);
    return rewritten;
  }
}
