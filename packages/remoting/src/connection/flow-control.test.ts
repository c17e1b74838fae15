import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Connection } from './connection.js';
import { encodeFrame } from '../frame/frame.js';
import { MAX_JSON_BODY_BYTES, handlerTable } from './handler-table.js';
import type { Handlers } from './handler-table.js';
import { duplexPair } from './in-process.js';
import { silentLogger } from '../logger.js';
import { ManualClock } from '../time/manual-clock.js';
import { Requests } from '../requests/requests.js';
import { RemotingServer } from './server.js';
import type { RemotingServerOptions } from './server.js';

const stops: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

const LARGE = 3 * 1024 * 1024;

interface Served {
  clock: ManualClock;
  server: RemotingServer;
  warnings: string[];
  /** Requests that were handled. */
  handled: () => number;
  finish: () => void;
}

/** A server whose heartbeats have large answers, whose locks are answered when told, whose unlocks at once. */
function serve(options: Partial<RemotingServerOptions> = {}): Served {
  const clock = new ManualClock();
  const warnings: string[] = [];
  const waiting: (() => void)[] = [];
  let handled = 0;
  const handlers: Partial<Handlers<'broker'>> = {
    HEART_BEAT: () => {
      handled++;
      return { body: Buffer.alloc(LARGE) };
    },
    LOCK_BATCH_MQ: () => {
      handled++;
      return new Promise((resolve) => waiting.push(() => resolve({})));
    },
    UNLOCK_BATCH_MQ: () => ({}),
  };
  const logger = { ...silentLogger, warn: (message: string) => void warnings.push(message) };
  const server = new RemotingServer({ handlers: handlerTable(handlers), clock, logger, ...options });
  stops.push(() => server.close());
  const finish = (): void => {
    for (const done of waiting.splice(0)) done();
  };
  return { clock, server, warnings, handled: () => handled, finish };
}

async function socketTo(server: RemotingServer): Promise<Socket> {
  const { port } = await server.listen('127.0.0.1', 0);
  const socket = connect({ host: '127.0.0.1', port });
  socket.on('error', () => {});
  stops.push(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

const asked = (code: number, opaque = 1): Buffer =>
  encodeFrame({
    code,
    language: 'JAVA',
    version: 0,
    opaque,
    flag: 0,
    remark: undefined,
    extFields: {},
    body: Buffer.alloc(0),
    serializeType: 'json',
  });

const many = (code: number, count: number): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, opaque) => asked(code, opaque)));

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(setImmediate);
}

async function turns(count = 20): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise(setImmediate);
}

const only = (server: RemotingServer): Connection => [...server.connections][0]!;

describe('a peer that does not read its answers', () => {
  it('is asked for nothing more, costs little memory, and gets all of them when it reads', async () => {
    const { server, handled } = serve();
    const socket = await socketTo(server);
    socket.pause();
    const count = 60;
    socket.write(many(Requests.HEART_BEAT.code, count));
    await until(() => handled() > 0);
    await turns(100);
    expect(handled()).toBeLessThan(20);
    expect(only(server).flow.unsentBytes).toBeLessThan(2 * LARGE);
    let received = 0;
    socket.on('data', (chunk: Buffer) => (received += chunk.length)).resume();
    await until(() => received >= count * LARGE);
    expect(handled()).toBe(count);
  });

  it('is closed when it has read nothing for writeTimeout, and not while it reads a little', async () => {
    const { server, handled, clock, warnings } = serve({ writeTimeout: 20_000 });
    const socket = await socketTo(server);
    socket.pause();
    socket.write(many(Requests.HEART_BEAT.code, 20));
    await until(() => handled() > 0 && only(server).flow.congested);
    await turns(100);
    await clock.advance(15_000);
    expect(server.connections.size).toBe(1);
    const before = only(server).flow.sentBytes;
    while (only(server).flow.sentBytes === before) {
      socket.read();
      await new Promise(setImmediate);
    }
    await clock.advance(15_000);
    expect(server.connections.size).toBe(1);
    await clock.advance(15_000);
    expect(server.connections.size).toBe(0);
    expect(warnings.join()).toMatch(/the peer has read nothing for \d+ s, and \d+ bytes wait for it/);
  });

  it('does not keep the server from closing', async () => {
    const { server, handled } = serve();
    const socket = await socketTo(server);
    socket.pause();
    socket.write(many(Requests.HEART_BEAT.code, 20));
    await until(() => handled() > 0 && only(server).flow.congested);
    await server.close();
    expect(server.connections.size).toBe(0);
  });

  it('in the same process is bounded alike', async () => {
    const { server, handled } = serve();
    const [near, far] = duplexPair();
    server.accept(far);
    near.write(many(Requests.HEART_BEAT.code, 100));
    await turns(100);
    expect(handled()).toBeLessThan(5);
    near.resume();
    await until(() => handled() === 100);
  });
});

describe('a connection with many requests under way', () => {
  it('is not read beyond maxRequestsPerConnection, and goes on when they are answered', async () => {
    const { server, handled, finish } = serve({ maxRequestsPerConnection: 10 });
    const socket = await socketTo(server);
    socket.resume();
    socket.write(many(Requests.LOCK_BATCH_MQ.code, 35));
    await until(() => handled() > 0);
    await turns();
    expect(handled()).toBe(10);
    finish();
    await until(() => handled() >= 20);
    await turns();
    expect(handled()).toBe(20);
    finish();
    await until(() => handled() === 30);
    finish();
    await until(() => handled() === 35);
    finish();
  });
});

/** The head of a frame of so many bytes, and so many of them. */
function partOf(size: number, sent: number): Buffer {
  const part = Buffer.alloc(sent);
  part.writeUInt32BE(size - 4, 0);
  part.writeUInt32BE(2, 4);
  return part;
}

const MB = 1024 * 1024;

describe('half-received frames', () => {
  it('beyond their limit are closed where they stand still, and the others wait and arrive', async () => {
    const { server, clock, warnings } = serve({ maxUnfinishedFrameBytes: 2 * MB });
    const standing = Array.from({ length: 3 }, () => duplexPair());
    for (const [near, far] of standing) {
      server.accept(far);
      near.on('error', () => {}).resume();
      near.write(partOf(4 * MB, MB));
    }
    await turns();
    const [near, far] = duplexPair();
    server.accept(far);
    const answers: Buffer[] = [];
    near.on('data', (chunk: Buffer) => answers.push(chunk));
    const whole = Buffer.concat([partOf(4 * MB, 4 * MB)]);
    whole.write('{"code":42}', 8);
    whole.writeUInt32BE(11, 4);
    for (let at = 0; at < whole.length; at += 65_536) near.write(whole.subarray(at, at + 65_536));
    await turns(100);
    expect(answers).toEqual([]);
    for (let i = 0; i < 10; i++) {
      await clock.advance(250);
      await turns();
    }
    await until(() => answers.length > 0);
    expect(server.connections.size).toBe(1);
    expect(warnings.filter((line) => /has not gone on for \d+ ms while others wait/.test(line))).toHaveLength(3);
  });

  it('of honest senders all arrive, however many there are at once', async () => {
    const { server } = serve({ maxUnfinishedFrameBytes: MB });
    let answered = 0;
    const count = 12;
    for (let i = 0; i < count; i++) {
      const [near, far] = duplexPair();
      server.accept(far);
      near.on('data', () => answered++);
      const whole = partOf(MB, MB);
      whole.write('{"code":42}', 8);
      whole.writeUInt32BE(11, 4);
      for (let at = 0; at < whole.length; at += 65_536) near.write(whole.subarray(at, at + 65_536));
    }
    await until(() => answered === count);
  });

  it('may take their time while they go on, and are closed when they take longer than the slowest rate', async () => {
    const { server, clock } = serve({ frameTimeout: 10_000, idleTimeout: 1_000_000 });
    const connected = (): ReturnType<typeof duplexPair>[0] => {
      const [near, far] = duplexPair();
      server.accept(far);
      near.on('error', () => {}).resume();
      return near;
    };
    const [slow, dripping] = [connected(), connected()];
    slow.write(partOf(4 * MB, 8));
    dripping.write(partOf(4 * MB, 8));
    for (let second = 0; second < 40; second++) {
      slow.write(Buffer.alloc(64 * 1024));
      dripping.write(Buffer.alloc(1));
      await turns(4);
      await clock.advance(1_000);
    }
    expect([slow.destroyed, dripping.destroyed]).toEqual([false, true]);
  });

  it('cost no more memory than what has come of them, in however small pieces', async () => {
    const { server } = serve();
    const [near, far] = duplexPair();
    server.accept(far);
    near.write(partOf(16 * MB, 8));
    for (let i = 0; i < 20_000; i++) near.write(Buffer.alloc(1));
    await turns(200);
    expect(only(server).flow.heldBytes).toBeLessThanOrEqual(20_008);
  });
});

describe('a new connection', () => {
  it('that sends nothing is closed after firstFrameTimeout, one that has asked once is kept', async () => {
    const { server, clock } = serve({ firstFrameTimeout: 10_000 });
    const silent = await socketTo(server);
    const asking = await socketTo(server);
    asking.resume();
    asking.write(asked(Requests.UNLOCK_BATCH_MQ.code));
    await once(asking, 'data');
    const closed = once(silent.resume(), 'close');
    await clock.advance(15_000);
    await closed;
    expect(server.connections.size).toBe(1);
  });
});

describe('a flood of bad frames', () => {
  it('gets ten lines in the log, and then their number', async () => {
    const { server, clock, warnings } = serve();
    for (let i = 0; i < 500; i++) {
      const [near, far] = duplexPair();
      server.accept(far);
      near.on('error', () => {});
      near.write(Buffer.from([0xff, 0xff, 0xff, 0xff]));
    }
    await turns();
    expect(server.connections.size).toBe(0);
    expect(warnings).toHaveLength(10);
    await clock.advance(10_000);
    expect(warnings).toHaveLength(11);
    expect(warnings[10]).toBe('closing connections that send no frames of this protocol: 490 more in the last 10 s');
  });

  it.each([0, 1, 3])('of length %i is closed on its first four bytes', async (length) => {
    const { server } = serve();
    const socket = await socketTo(server);
    const closed = once(socket.resume(), 'close');
    socket.write(Buffer.from([0, 0, 0, length]));
    await closed;
  });
});

describe('a body that is read as JSON', () => {
  it('has at most MAX_JSON_BODY_BYTES', async () => {
    const { server, clock, handled } = serve();
    const [near, far] = duplexPair();
    server.accept(far);
    const options = { address: 'a:1', handlers: handlerTable(), clock, logger: silentLogger };
    const connection = new Connection(near, options);
    const body = Buffer.alloc(MAX_JSON_BODY_BYTES + 1, ' ');
    const { code, remark } = await connection.request(Requests.HEART_BEAT, {}, { body });
    expect([code, handled()]).toEqual([29, 0]);
    expect(remark).toContain('MAX_JSON_BODY_BYTES=2097152');
    connection.close();
  });
});
