// Serves a PGlite to drivers of PostgreSQL on a port of 127.0.0.1. It has one session: one connection at a time.
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import type { PGlite } from '@electric-sql/pglite';

export interface PGliteServer {
  readonly url: string;
  close(): Promise<void>;
}

export async function servePGlite(database: PGlite): Promise<PGliteServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    // A client that was killed may reset its connection after it was served.
    socket.on('error', () => undefined);
    serve(database, socket).catch(() => socket.destroy());
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const TERMINATE = 'X'.charCodeAt(0);

/** Passes whole messages on. The first one of a connection has no type before its length. */
async function serve(database: PGlite, socket: Socket): Promise<void> {
  let rest = Buffer.alloc(0);
  let typeBytes = 0;
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    rest = Buffer.concat([rest, chunk]);
    let end = 0;
    while (rest.length - end >= typeBytes + 4) {
      const length = typeBytes + rest.readInt32BE(end + typeBytes);
      if (rest.length - end < length) break;
      if (typeBytes === 1 && rest[end] === TERMINATE) return void socket.end();
      end += length;
      typeBytes = 1;
    }
    if (end === 0) continue;
    const messages = rest.subarray(0, end);
    rest = rest.subarray(end);
    socket.write(await database.execProtocolRaw(messages));
  }
}
