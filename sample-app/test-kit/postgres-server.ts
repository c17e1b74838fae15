// Runs a PostgreSQL server for tests: PGlite, which is a real PostgreSQL, behind its wire protocol on a port of its own. It
// has one session, which connections take in turn, each until its transaction ends.
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';

const LENGTH_BYTES = 4;
/** Codes of errors of a connection that its peer has broken. */
const RESET = new Set(['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE']);
const TERMINATE = 'X'.charCodeAt(0);

/** ReadyForQuery outside a transaction: type, length, status. It is the last message of a reply. */
const READY_AND_IDLE = Buffer.from('Z\0\0\0\x05I', 'latin1');

export class TestPostgresServer {
  /** The session's queue: resolves when the last connection in it has released the session. */
  private last: Promise<void> = Promise.resolve();
  private readonly served = new Set<Promise<void>>();
  private readonly sockets = new Set<Socket>();
  private readonly listener: Server;

  private constructor(private readonly pglite: PGlite) {
    this.listener = createServer({ noDelay: true }, (socket) => {
      this.sockets.add(socket);
      const served = this.serve(socket);
      this.served.add(served);
      // What it failed with is told by `stop`.
      served.catch(() => undefined);
    });
  }

  /** @param directory as databaseDirectory() makes it */
  static async start(directory: string): Promise<TestPostgresServer> {
    const server = new TestPostgresServer(await PGlite.create({ dataDir: join(directory, 'data') }));
    server.listener.listen(0, '127.0.0.1');
    await once(server.listener, 'listening');
    return server;
  }

  /** For DATABASE_URL. */
  get url(): string {
    return `postgres://postgres@127.0.0.1:${(this.listener.address() as AddressInfo).port}/postgres`;
  }

  /** How many connections there have been. */
  get connections(): number {
    return this.served.size;
  }

  /** @throws what a connection failed with */
  async stop(): Promise<void> {
    this.listener.close();
    for (const socket of this.sockets) socket.end();
    const ends = await Promise.allSettled(this.served);
    await this.pglite.close();
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }

  private async serve(socket: Socket): Promise<void> {
    let release: (() => void) | undefined;
    // An answer may meet a connection that has just been reset.
    socket.on('error', () => undefined);
    try {
      for await (const message of messagesOf(socket)) {
        if (message[0] === TERMINATE) break;
        release ??= await this.takeSession();
        const reply = await this.pglite.execProtocolRaw(message);
        socket.write(reply);
        if (READY_AND_IDLE.equals(reply.subarray(-READY_AND_IDLE.length))) {
          release();
          release = undefined;
        }
      }
    } catch (error) {
      // A client that is killed with an answer unread resets its connection, which ends it like any other.
      if (!RESET.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
    } finally {
      socket.destroy();
      if (release) await this.pglite.exec('ROLLBACK');
      release?.();
    }
  }

  private async takeSession(): Promise<() => void> {
    const before = this.last;
    let release!: () => void;
    this.last = new Promise((resolve) => (release = resolve));
    await before;
    return release;
  }
}

/** Whole messages. The first of a connection is its length and content; all others have a type before that. */
async function* messagesOf(socket: Socket): AsyncGenerator<Buffer> {
  let typeBytes = 0;
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of socket) {
    rest = Buffer.concat([rest, chunk as Buffer]);
    while (rest.length >= typeBytes + LENGTH_BYTES) {
      const end = typeBytes + rest.readUInt32BE(typeBytes);
      if (rest.length < end) break;
      yield rest.subarray(0, end);
      rest = rest.subarray(end);
      typeBytes = 1;
    }
  }
}
