import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '../time/clock.js';
import type { Clock, TimerHandle } from '../time/clock.js';
import { Connection } from './connection.js';
import { Connections } from './connections.js';
import { Deadline } from '../time/deadline.js';
import { RequestTimeoutError } from '../errors.js';
import { decodeFrame, encodeFrame } from '../frame/frame.js';
import { handlerTable } from './handler-table.js';
import { duplexPair } from './in-process.js';
import { silentLogger } from '../logger.js';
import { ManualClock } from '../time/manual-clock.js';
import { Requests } from '../requests/requests.js';

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

/** Holds this process up, as a long computation would. */
function block(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

/** The clock of a process that is held up: time passes at once, and what has become due is called before anything is read. */
class HeldUpClock implements Clock {
  #time = 0;
  readonly #timers = new Map<TimerHandle, () => void>();

  now(): number {
    return this.#time;
  }

  monotonic(): number {
    return this.#time;
  }

  setTimeout(callback: () => void, ms: number): TimerHandle {
    const handle = { due: this.#time + ms };
    this.#timers.set(handle, callback);
    return handle;
  }

  clearTimeout(handle: TimerHandle | undefined): void {
    if (handle !== undefined) this.#timers.delete(handle);
  }

  /** Resolves when the timers have been called that are due. */
  holdUp(ms: number): Promise<void> {
    this.#time += ms;
    const fired = new Promise<void>((resolve) => setTimeout(() => resolve(this.#fire()), 0));
    // Node's timer is due when the event loop goes on, and goes before what has arrived.
    block(3);
    return fired;
  }

  #fire(): void {
    for (const [handle, callback] of this.#timers) {
      if (handle.due > this.#time) continue;
      this.#timers.delete(handle);
      callback();
    }
  }
}

async function aSocket(): Promise<{ near: Socket; far: Socket; address: string }> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const near = connect(port, '127.0.0.1');
  const [[far]] = (await Promise.all([once(server, 'connection'), once(near, 'connect')])) as [[Socket], unknown];
  stops.push(() => {
    near.destroy();
    far.destroy();
    server.close();
  });
  return { near, far, address: `127.0.0.1:${port}` };
}

/** A peer that answers each request with a body, once it is let go. */
function answeringLater(far: Socket, bodyBytes: number): { arrived: Promise<void>; answer: () => void } {
  const opaques: number[] = [];
  const arrived = new Promise<void>((resolve) =>
    far.on('data', (chunk: Buffer) => {
      for (let at = 0; at < chunk.length;) {
        const length = chunk.readInt32BE(at) + 4;
        opaques.push(decodeFrame(chunk.subarray(at, at + length)).opaque);
        at += length;
      }
      resolve();
    }),
  );
  const answer = (): void => {
    for (const opaque of opaques.splice(0)) {
      const body = Buffer.alloc(bodyBytes);
      const frame = encodeFrame({
        code: 0,
        language: 'JAVA',
        version: 401,
        opaque,
        flag: 1,
        remark: undefined,
        extFields: {},
        body,
        serializeType: 'json',
      });
      far.write(frame);
    }
  };
  return { arrived, answer };
}

describe('an answer that is here when its time is over', () => {
  it.each([
    ['when its timer is late', 120],
    ['when its timer is due just then', 52],
  ])('is read and given to its request, %s', async (_when, heldUpFor) => {
    const { near, far, address } = await aSocket();
    const clock = new HeldUpClock();
    const connection = new Connection(near, { address, handlers: handlerTable(), clock, logger: silentLogger });
    const { arrived, answer } = answeringLater(far, 10);
    const replies = Array.from({ length: 100 }, () => connection.request(Requests.HEART_BEAT, {}, { timeout: 50 }));
    const settled = Promise.allSettled(replies);
    await arrived;
    answer();
    await clock.holdUp(heldUpFor);
    expect((await settled).filter(({ status }) => status === 'rejected')).toEqual([]);
  });

  it('is read though more of them wait than one poll of the event loop reads', async () => {
    const { near, far, address } = await aSocket();
    const connection = new Connection(near, {
      address,
      handlers: handlerTable(),
      clock: systemClock,
      logger: silentLogger,
    });
    const { arrived, answer } = answeringLater(far, 200_000);
    const replies = Array.from({ length: 30 }, () => connection.request(Requests.HEART_BEAT, {}, { timeout: 300 }));
    const settled = Promise.allSettled(replies);
    await arrived;
    answer();
    block(600);
    expect((await settled).filter(({ status }) => status === 'rejected')).toEqual([]);
  });

  it('counts for a dial too', async () => {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const connections = new Connections({
      clock: systemClock,
      logger: silentLogger,
      handlers: handlerTable(),
      connectTimeout: 30,
    });
    stops.push(() => {
      connections.closeAll();
      server.close();
    });
    const dialling = connections.get(`127.0.0.1:${(server.address() as AddressInfo).port}`);
    block(100);
    expect((await dialling).closed).toBe(false);
  });
});

describe('a wait', () => {
  it('ends at its time when nothing comes', async () => {
    const clock = new ManualClock();
    let expired = 0;
    stops.push(() => expect(expired).toBe(1));
    new Deadline({ clock, timeout: 500, expired: () => expired++ });
    await clock.advance(499);
    expect(expired).toBe(0);
    await clock.advance(1);
    expect(expired).toBe(1);
    expect(clock.pending).toBe(0);
  });

  it('gets the time back in which the process was held up, and no more than its own length', async () => {
    const clock = new HeldUpClock();
    let took: number | undefined;
    new Deadline({ clock, timeout: 150, expired: () => (took = clock.monotonic()) });
    await clock.holdUp(900);
    await clock.holdUp(149);
    await new Promise(setImmediate);
    expect(took).toBeUndefined();
    await clock.holdUp(1);
    await new Promise(setImmediate);
    expect(took).toBe(900 + 150);
  });

  it('ends although its source never ceases to bring something', async () => {
    const clock = new ManualClock();
    let expired = false;
    let reads = 0;
    new Deadline({ clock, timeout: 10, activity: () => ++reads, expired: () => (expired = true) });
    await clock.advance(10);
    while (!expired) await clock.advance(0);
    expect(reads).toBeLessThan(100);
  });

  it('that is cancelled while what has arrived is being read is not over', async () => {
    const clock = new ManualClock();
    let expired = false;
    const deadline = new Deadline({ clock, timeout: 10, expired: () => (expired = true) });
    clock.setTimeout(() => deadline.cancel(), 10);
    await clock.advance(10);
    expect(expired).toBe(false);
  });

  it('for a peer that says nothing is still over', async () => {
    const [near] = duplexPair();
    const connection = new Connection(near, {
      address: 'silent:1',
      handlers: handlerTable(),
      clock: systemClock,
      logger: silentLogger,
    });
    stops.push(() => connection.close());
    const waiting = connection.request(Requests.HEART_BEAT, {}, { timeout: 20 });
    block(40);
    await expect(waiting).rejects.toBeInstanceOf(RequestTimeoutError);
  });
});
