import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Connection,
  ManualClock,
  UnsentBytes,
  duplexPair,
  handlerTable,
  silentLogger,
} from '@nest-rocketmq/remoting/internal';
import { PullScheduler } from './pull-scheduler.js';
import type { PullProgress } from './pull-scheduler.js';

const connections: Connection[] = [];
afterEach(() => {
  for (const connection of connections.splice(0)) connection.close();
});

function connected(): Connection {
  const options = { address: 'a:1', handlers: handlerTable(), clock: new ManualClock(), logger: silentLogger };
  const connection = new Connection(duplexPair()[0], options);
  connections.push(connection);
  return connection;
}

const unsentBytes = (): UnsentBytes => new UnsentBytes(1_000);
const pull = (serve: (mayRead: boolean) => PullProgress | void, connection = connected()) => ({
  connection,
  serve: (mayRead: boolean): PullProgress => serve(mayRead) ?? undefined,
});
const aWhile = async (): Promise<void> => {
  for (let i = 0; i < 10; i++) await new Promise(setImmediate);
};

function work(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end;);
}

describe('pulls that come together', () => {
  it('are all served, in their order, and let others run between', async () => {
    const scheduler = new PullScheduler(unsentBytes());
    const order: (number | 'other')[] = [];
    const count = 60;
    const one = connected();
    await new Promise<void>((resolve) => {
      for (let i = 0; i < count; i++) {
        scheduler.add(
          pull(() => {
            work(0.2);
            order.push(i);
            if (i === count - 1) resolve();
          }, one),
        );
      }
      setImmediate(() => order.push('other'));
    });
    expect(order.filter((one) => one !== 'other')).toEqual(Array.from({ length: count }, (_, i) => i));
    expect(order.indexOf('other')).toBeLessThan(count / 2);
  });

  it('are served too when they come while others are', async () => {
    const scheduler = new PullScheduler(unsentBytes());
    const served = await new Promise<string>((resolve) => {
      scheduler.add(pull(() => scheduler.add(pull(() => resolve('the second')))));
    });
    expect(served).toBe('the second');
  });

  it('wait while as much is unsent as may be, and go on when it has been read', async () => {
    const unsent = unsentBytes();
    const scheduler = new PullScheduler(unsent);
    let served = 0;
    unsent.add(1_000);
    scheduler.add(pull(() => void served++));
    await aWhile();
    expect([served, unsent.wanted]).toEqual([0, true]);
    unsent.sent(1);
    await aWhile();
    expect(served).toBe(1);
  });

  it('ask the disk four at a time, the others one by one when it has answered, and warm ones go before', async () => {
    const scheduler = new PullScheduler(unsentBytes());
    const reads: (() => void)[] = [];
    let [begun, warm] = [0, 0];
    const cold = (mayRead: boolean): PullProgress => {
      if (!mayRead) return 'later';
      begun++;
      return new Promise<void>((resolve) => reads.push(resolve));
    };
    for (let i = 0; i < 10; i++) scheduler.add(pull(cold));
    scheduler.add(pull(() => void warm++));
    await aWhile();
    expect([begun, warm]).toEqual([4, 1]);
    reads.shift()?.();
    await aWhile();
    expect(begun).toBe(5);
    while (reads.length > 0) {
      reads.shift()?.();
      await aWhile();
    }
    expect(begun).toBe(10);
  });

  it('that waited for the disk and need it no more keep nobody waiting', async () => {
    const scheduler = new PullScheduler(unsentBytes());
    const reads: (() => void)[] = [];
    let served = 0;
    for (let i = 0; i < 4; i++) scheduler.add(pull(() => new Promise<void>((resolve) => reads.push(resolve))));
    for (let i = 0; i < 10; i++) scheduler.add(pull((mayRead) => (mayRead ? void served++ : 'later')));
    await aWhile();
    expect(served).toBe(0);
    reads.shift()?.();
    await aWhile();
    expect(served).toBe(10);
  });

  it('listen once for the end of their connection, however often its peer reads late', async () => {
    const scheduler = new PullScheduler(unsentBytes());
    const drained: (() => void)[] = [];
    const flow = { congested: true, onDrained: (listener: () => void) => drained.push(listener) };
    let listeners = 0;
    const connection = { closed: false, flow, onClose: () => listeners++ } as unknown as Connection;
    let served = 0;
    for (let times = 1; times <= 3; times++) {
      flow.congested = true;
      scheduler.add(pull(() => void served++, connection));
      await aWhile();
      flow.congested = false;
      for (const listener of drained.splice(0)) listener();
      await aWhile();
      expect([served, listeners]).toEqual([times, 1]);
    }
  });
});
