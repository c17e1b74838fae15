import { once } from 'node:events';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Connection } from './connection.js';
import { Connections } from './connections.js';
import { ConnectError, ConnectionClosedError, ListenError, RequestTimeoutError, ResponseError } from '../errors.js';
import { encodeFrame } from '../frame/frame.js';
import { handlerTable } from './handler-table.js';
import type { Handlers } from './handler-table.js';
import { duplexPair } from './in-process.js';
import { silentLogger } from '../logger.js';
import { ManualClock } from '../time/manual-clock.js';
import { expectSuccess } from './pending-requests.js';
import { Requests } from '../requests/requests.js';
import { ResponseCode } from '../requests/response-code.js';
import { RemotingServer } from './server.js';
import type { RemotingServerOptions } from './server.js';

const stops: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

const answering: Partial<Handlers<'broker' | 'namesrv' | 'client'>> = {
  GET_MAX_OFFSET: ({ header }) => ({ header: { offset: header.queueId * 10 } }),
  GET_MIN_OFFSET: async () => ({ code: ResponseCode.TOPIC_NOT_EXIST, remark: 'topic[t] not exist' }),
  HEART_BEAT: ({ body }) => ({ body: Buffer.from(body) }),
  LOCK_BATCH_MQ: () => {
    throw new Error('a bug\r\nin the handler');
  },
  UNLOCK_BATCH_MQ: () => undefined,
};

function serverOn(
  clock = new ManualClock(),
  options: Partial<RemotingServerOptions> = {},
): { server: RemotingServer; clock: ManualClock } {
  const server = new RemotingServer({ handlers: handlerTable(answering), clock, logger: silentLogger, ...options });
  stops.push(() => server.close());
  return { server, clock };
}

function connectedTo(
  server: RemotingServer,
  clock: ManualClock,
  handlers = handlerTable(),
  serializeType: 'json' | 'binary' = 'json',
): Connection {
  const [near, far] = duplexPair();
  server.accept(far);
  const connection = new Connection(near, {
    address: 'embedded:1',
    handlers,
    clock,
    logger: silentLogger,
    serializeType,
  });
  stops.push(() => connection.close());
  return connection;
}

/** A connection whose frames can be looked at. */
function recorded(): { connection: Connection; types: number[] } {
  const [near, far] = duplexPair();
  const types: number[] = [];
  far.on('data', (frame: Buffer) => types.push(frame[4]!));
  const clock = new ManualClock();
  const connection = new Connection(near, { address: 'far:1', handlers: handlerTable(), clock, logger: silentLogger });
  stops.push(() => connection.close());
  return { connection, types };
}

describe('the form of a request', () => {
  const sent = async (connection: Connection, send: () => void): Promise<void> => {
    send();
    await connection.written();
    await new Promise(setImmediate);
  };

  it('is JSON until the peer is known to read the binary one', async () => {
    const { connection, types } = recorded();
    const header = { topic: 't', queueId: 4 };
    await sent(connection, () => connection.oneway(Requests.GET_MAX_OFFSET, header));
    connection.useBinaryHeaders();
    await sent(connection, () => connection.oneway(Requests.GET_MAX_OFFSET, header));
    expect(types).toEqual([0, 1]);
  });

  it('stays JSON where the binary one would cut the code, or lose an empty value', async () => {
    const { connection, types } = recorded();
    connection.useBinaryHeaders();
    const row = { ...Requests.GET_MAX_OFFSET, code: 200_050 };
    await sent(connection, () => connection.oneway(row, { topic: 't', queueId: 4 }));
    await sent(connection, () => connection.oneway(Requests.GET_MAX_OFFSET, { topic: '', queueId: 4 }));
    expect(types).toEqual([0, 0]);
  });
});

describe('a request', () => {
  it.each(['json', 'binary'] as const)(
    'with a %s header is answered by its handler, in its own form',
    async (serializeType) => {
      const { server, clock } = serverOn();
      const connection = connectedTo(server, clock, handlerTable(), serializeType);
      const reply = await connection.request(Requests.GET_MAX_OFFSET, { topic: 't', queueId: 4 });
      expect(reply).toMatchObject({ code: 0, header: { offset: 40 } });
    },
  );

  it('carries a body both ways', async () => {
    const { server, clock } = serverOn();
    const reply = await connectedTo(server, clock).request(
      Requests.HEART_BEAT,
      {},
      { body: Buffer.alloc(100_000, 'x') },
    );
    expect(reply.body.equals(Buffer.alloc(100_000, 'x'))).toBe(true);
  });

  it('finds its own answer among many', async () => {
    const { server, clock } = serverOn();
    const connection = connectedTo(server, clock);
    const replies = await Promise.all(
      Array.from({ length: 50 }, (_, queueId) => connection.request(Requests.GET_MAX_OFFSET, { topic: 't', queueId })),
    );
    expect(replies.map(({ header }) => header.offset)).toEqual(
      Array.from({ length: 50 }, (_, queueId) => queueId * 10),
    );
  });

  it('resolves with an error code, which expectSuccess turns into an error', async () => {
    const { server, clock } = serverOn();
    const reply = await connectedTo(server, clock).request(Requests.GET_MIN_OFFSET, { topic: 't', queueId: 0 });
    expect(reply.code).toBe(ResponseCode.TOPIC_NOT_EXIST);
    expect(() => expectSuccess(reply, 'b:1')).toThrow(ResponseError);
    expect(() => expectSuccess(reply, 'b:1')).toThrow(/b:1 answered GET_MIN_OFFSET with code 17: topic\[t\]/);
  });

  it('of a code that nobody handles is answered so', async () => {
    const { server, clock } = serverOn();
    const reply = await connectedTo(server, clock).request(Requests.GET_BROKER_CLUSTER_INFO, {});
    expect(reply).toMatchObject({
      code: ResponseCode.REQUEST_CODE_NOT_SUPPORTED,
      remark: ' request type 106 not supported',
    });
  });

  it('whose handler throws is answered by SYSTEM_ERROR, without control characters', async () => {
    const { server, clock } = serverOn();
    const reply = await connectedTo(server, clock).request(Requests.LOCK_BATCH_MQ, {});
    expect(reply).toMatchObject({ code: ResponseCode.SYSTEM_ERROR, remark: 'a bug??in the handler' });
  });

  it('without a required field is answered by an error that names the field', async () => {
    const { server, clock } = serverOn();
    const reply = await connectedTo(server, clock).request(Requests.GET_MAX_OFFSET, { topic: 't' } as never);
    expect(reply).toMatchObject({ code: ResponseCode.SYSTEM_ERROR, remark: 'the custom field <queueId> is null' });
  });

  it('that is not answered in time fails by name of peer and request, and a late answer disturbs nobody', async () => {
    const { server, clock } = serverOn();
    const connection = connectedTo(server, clock);
    const waiting = expect(connection.request(Requests.UNLOCK_BATCH_MQ, {}, { timeout: 500 })).rejects.toThrow(
      new RequestTimeoutError('embedded:1', 'UNLOCK_BATCH_MQ', 500),
    );
    await clock.advance(500);
    await waiting;
    expect(connection.closed).toBe(false);
  });

  it('fails at once when the connection ends', async () => {
    const { server, clock } = serverOn();
    const waiting = connectedTo(server, clock).request(Requests.UNLOCK_BATCH_MQ, {});
    for (const connection of server.connections) connection.close();
    await expect(waiting).rejects.toBeInstanceOf(ConnectionClosedError);
  });

  it('can be made by either end', async () => {
    const { server, clock } = serverOn();
    connectedTo(server, clock, handlerTable({ GET_CONSUMER_RUNNING_INFO: () => ({ body: Buffer.from('{}') }) }));
    const [fromServer] = server.connections;
    const reply = await fromServer!.request(Requests.GET_CONSUMER_RUNNING_INFO, { consumerGroup: 'g', clientId: 'c' });
    expect(reply.body.toString()).toBe('{}');
  });

  it('of one way is never answered, not even by an error', async () => {
    const { server, clock } = serverOn();
    const connection = connectedTo(server, clock);
    connection.oneway(Requests.LOCK_BATCH_MQ, {});
    connection.oneway(Requests.GET_BROKER_CLUSTER_INFO, {});
    const { opaque } = { opaque: 3 };
    const reply = await connection.request(Requests.GET_MAX_OFFSET, { topic: 't', queueId: opaque });
    expect(reply.header.offset).toBe(30);
  });
});

describe('a server on a port', () => {
  it('closes a connection that sends garbage, and serves the others', async () => {
    const { server, clock } = serverOn();
    const { port } = await server.listen('127.0.0.1', 0);
    const good = new Connections({ clock, logger: silentLogger, handlers: handlerTable() });
    stops.push(() => good.closeAll());
    const connection = await good.get(`127.0.0.1:${port}`);
    const bad = connect(port, '127.0.0.1');
    bad.on('error', () => undefined);
    bad.write('GET / HTTP/1.1\r\n\r\n');
    await once(bad, 'close');
    const reply = await connection.request(Requests.GET_MAX_OFFSET, { topic: 't', queueId: 1 });
    expect(reply.header.offset).toBe(10);
  });

  it('reads frames that come byte by byte', async () => {
    const { server } = serverOn();
    const { port } = await server.listen('127.0.0.1', 0);
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const frame = encodeFrame({
      code: 30,
      language: 'JAVA',
      version: 401,
      opaque: 5,
      flag: 0,
      remark: undefined,
      extFields: { topic: 't', queueId: '2' },
      body: Buffer.alloc(0),
      serializeType: 'json',
    });
    for (const byte of frame) socket.write(Buffer.from([byte]));
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toContain('"offset":"20"');
    socket.destroy();
    await once(socket, 'close');
  });

  it('says which port is taken', async () => {
    const { server } = serverOn();
    const { port } = await server.listen('127.0.0.1', 0);
    await expect(serverOn().server.listen('127.0.0.1', port)).rejects.toThrow(ListenError);
    await expect(serverOn().server.listen('127.0.0.1', port)).rejects.toThrow(
      new RegExp(`127.0.0.1:${port}.*another process`),
    );
  });

  it('closes connections that have been silent for too long', async () => {
    const { server, clock } = serverOn(new ManualClock(), { idleTimeout: 60_000 });
    const connection = connectedTo(server, clock);
    await clock.advance(50_000);
    await connection.request(Requests.GET_MAX_OFFSET, { topic: 't', queueId: 1 });
    await clock.advance(50_000);
    expect(connection.closed).toBe(false);
    await clock.advance(30_000);
    expect(connection.closed).toBe(true);
    expect(server.connections.size).toBe(0);
  });

  it('closes a connection whose frame never ends', async () => {
    const { server, clock } = serverOn(new ManualClock(), { frameTimeout: 20_000 });
    const [near, far] = duplexPair();
    const accepted = server.accept(far);
    near.write(Buffer.from([0x00, 0xff, 0xff, 0x00, 0, 0, 0, 0x10]));
    await clock.advance(30_000);
    expect(accepted.closed).toBe(true);
  });

  it('leaves no timer behind', async () => {
    const { server, clock } = serverOn();
    connectedTo(server, clock);
    await server.close();
    expect(clock.pending).toBe(0);
  });
});

describe('the connections of a client', () => {
  it('are made once for each address, and again when one was lost', async () => {
    const { server, clock } = serverOn();
    let dialled = 0;
    const connections = new Connections({
      clock,
      logger: silentLogger,
      handlers: handlerTable(),
      dial: async () => {
        dialled++;
        const [near, far] = duplexPair();
        server.accept(far);
        return near;
      },
    });
    stops.push(() => connections.closeAll());
    const [first, same] = await Promise.all([connections.get('a:1'), connections.get('a:1')]);
    expect(first).toBe(same);
    first!.close();
    expect(connections.existing('a:1')).toBeUndefined();
    expect(await connections.get('a:1')).not.toBe(first);
    expect(dialled).toBe(2);
  });

  it('fail within the time allowed, by an error that names the address', async () => {
    const clock = new ManualClock();
    const connections = new Connections({
      clock,
      logger: silentLogger,
      handlers: handlerTable(),
      dial: () => new Promise(() => undefined),
      connectTimeout: 700,
    });
    const failing = expect(connections.get('far:9876')).rejects.toThrow(
      'cannot connect to far:9876: no connection within 700 ms',
    );
    await clock.advance(700);
    await failing;
  });

  it('fail at once where nobody listens', async () => {
    const { server, clock } = serverOn();
    const { port } = await server.listen('127.0.0.1', 0);
    await server.close();
    const connections = new Connections({ clock, logger: silentLogger, handlers: handlerTable() });
    await expect(connections.get(`127.0.0.1:${port}`)).rejects.toBeInstanceOf(ConnectError);
  });

  it('end one that has been silent for a whole time-out: its peer is gone', async () => {
    const clock = new ManualClock();
    const connections = new Connections({
      clock,
      logger: silentLogger,
      handlers: handlerTable(),
      dial: async () => duplexPair()[0],
    });
    const connection = await connections.get('gone:1');
    const failing = expect(connection.request(Requests.HEART_BEAT, {}, { timeout: 3000 })).rejects.toBeInstanceOf(
      RequestTimeoutError,
    );
    await clock.advance(3000);
    await failing;
    expect(connection.closed).toBe(true);
  });

  interface Connected {
    clock: ManualClock;
    connections: Connections;
    connection: Connection;
    far: Duplex;
  }

  /** A connection whose other end the test plays. */
  async function connectedTo(address: string): Promise<Connected> {
    const clock = new ManualClock();
    const [near, far] = duplexPair();
    const dial = async (): Promise<Duplex> => near;
    const connections = new Connections({ clock, logger: silentLogger, handlers: handlerTable(), dial });
    return { clock, connections, connection: await connections.get(address), far };
  }

  it('end one whose peer has begun a frame that does not end, though bytes of it come all the time', async () => {
    const { clock, connection, far } = await connectedTo('odd:1');
    // 10 MB are announced. Its answers are taken for parts of that.
    far.write(Buffer.from([0, 0x98, 0x96, 0x80, 0, 0, 0, 100]));
    const asking: Promise<unknown>[] = [];
    let passed = 0;
    for (; !connection.closed && passed < 120_000; passed += 5_000) {
      asking.push(connection.request(Requests.HEART_BEAT, {}, { timeout: 3_000 }).catch((error: unknown) => error));
      await clock.advance(1_000);
      far.write(Buffer.alloc(200));
      await clock.advance(4_000);
    }
    expect(passed).toBeLessThanOrEqual(40_000);
    expect(await Promise.all(asking)).toContainEqual(expect.any(RequestTimeoutError));
  });

  it('keep one on which a large answer comes slowly', async () => {
    const { clock, connections, connection, far } = await connectedTo('slow:1');
    const pulling = connection.request(Requests.HEART_BEAT, {}, { timeout: 120_000 });
    const body = Buffer.alloc(1_000_000);
    const command = {
      code: 0,
      language: 'JAVA',
      version: 400,
      opaque: 1,
      flag: 1,
      remark: undefined,
      extFields: {},
      body,
    };
    const answer = encodeFrame({ ...command, serializeType: 'json' });
    // 20 kB a second.
    for (let at = 0; at < answer.length; at += 100_000) {
      void connection.request(Requests.HEART_BEAT, {}, { timeout: 3_000 }).catch(() => undefined);
      await clock.advance(1_000);
      far.write(answer.subarray(at, at + 100_000));
      await clock.advance(4_000);
    }
    expect((await pulling).body).toHaveLength(body.length);
    expect(connection.closed).toBe(false);
    connections.closeAll();
  });
});
