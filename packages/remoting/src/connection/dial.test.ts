// Tests dialling addresses from which nothing comes back: no dial leaves a socket or a timer behind.
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Connections } from './connections.js';
import { ConnectError } from '../errors.js';
import { handlerTable } from './handler-table.js';
import { duplexPair } from './in-process.js';
import { silentLogger } from '../logger.js';
import { ManualClock } from '../time/manual-clock.js';

/** Listens, and never accepts. */
const DEAF = `
  const { parentPort } = require('node:worker_threads');
  const server = require('node:net').createServer();
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
  });
`;
/** As many as fill the queue of those that are not accepted. */
const FILLERS = 8;

const sockets = (): number =>
  process.getActiveResourcesInfo().filter((name) => /^(TCPSocketWrap|TCPWrap)/i.test(name)).length;

const dialling = (clock: ManualClock): Connections =>
  new Connections({ clock, logger: silentLogger, handlers: handlerTable(), connectTimeout: 3_000 });

describe('a dial to a server that takes no connection', () => {
  let worker: Worker;
  let address: string;
  const fillers: Socket[] = [];
  beforeAll(async () => {
    worker = new Worker(DEAF, { eval: true });
    const [port] = (await once(worker, 'message')) as [number];
    address = `127.0.0.1:${port}`;
    for (let i = 0; i < FILLERS; i++) fillers.push(connect({ host: '127.0.0.1', port }).on('error', () => undefined));
    await once(fillers[0]!, 'connect');
  });
  afterAll(async () => {
    for (const filler of fillers) filler.destroy();
    await worker.terminate();
  });

  it('ends with its socket when its time is over', async () => {
    const clock = new ManualClock();
    const before = sockets();
    const failed = expect(dialling(clock).get(address)).rejects.toThrow(/no connection within 3000 ms/);
    expect(sockets()).toBe(before + 1);
    await clock.advance(3_000);
    await failed;
    await new Promise(setImmediate);
    expect([sockets(), clock.pending]).toEqual([before, 0]);
  });

  it('ends with its socket and its timer when the client is shut down', async () => {
    const clock = new ManualClock();
    const before = sockets();
    const connections = dialling(clock);
    const failed = expect(connections.get(address)).rejects.toThrow(/this client has been shut down/);
    connections.closeAll();
    await failed;
    await new Promise(setImmediate);
    expect([sockets(), clock.pending]).toEqual([before, 0]);
  });
});

describe('a stream that is lost between dialling and its first use', () => {
  it('is an error of the dial, and the next call dials again', async () => {
    const clock = new ManualClock();
    let lost = true;
    const dial = async () => {
      const [near] = duplexPair();
      if (lost) near.destroy();
      return near;
    };
    const connections = new Connections({ clock, logger: silentLogger, handlers: handlerTable(), dial });
    await expect(connections.get('a:1')).rejects.toThrow(ConnectError);
    lost = false;
    expect((await connections.get('a:1')).closed).toBe(false);
    connections.closeAll();
  });
});
