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
import type { Turn } from './pull-scheduler.js';

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

const room = (): UnsentBytes => new UnsentBytes(1_000);
const turn = (serve: (mayRead: boolean) => Turn | void, connection = connected()) => ({
  connection,
  serve: (mayRead: boolean): Turn => serve(mayRead) ?? undefined,
});
const aWhile = async (): Promise<void> => {
  for (let i = 0; i < 10; i++) await new Promise(setImmediate);
};

function work(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end;);
}

describe('pulls that come together', () => {
  it('are all served, in their order, and let others run between', async () => {
    const turns = new PullScheduler(room());
    const order: (number | 'other')[] = [];
    const count = 60;
    const one = connected();
    await new Promise<void>((resolve) => {
      for (let i = 0; i < count; i++) {
        turns.take(
          turn(() => {
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
    const turns = new PullScheduler(room());
    const served = await new Promise<string>((resolve) => {
      turns.take(turn(() => turns.take(turn(() => resolve('the second')))));
    });
    expect(served).toBe('the second');
  });

  it('wait while as much is unsent as may be, and go on when it has been read', async () => {
    const unsent = room();
    const turns = new PullScheduler(unsent);
    let served = 0;
    unsent.add(1_000);
    turns.take(turn(() => void served++));
    await aWhile();
    expect([served, unsent.wanted]).toEqual([0, true]);
    unsent.sent(1);
    await aWhile();
    expect(served).toBe(1);
  });

  it('ask the disk four at a time, the others one by one when it has answered, and warm ones go before', async () => {
    const turns = new PullScheduler(room());
    const reads: (() => void)[] = [];
    let [begun, warm] = [0, 0];
    const cold = (mayRead: boolean): Turn => {
      if (!mayRead) return 'later';
      begun++;
      return new Promise<void>((resolve) => reads.push(resolve));
    };
    for (let i = 0; i < 10; i++) turns.take(turn(cold));
    turns.take(turn(() => void warm++));
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
    const turns = new PullScheduler(room());
    const reads: (() => void)[] = [];
    let served = 0;
    for (let i = 0; i < 4; i++) turns.take(turn(() => new Promise<void>((resolve) => reads.push(resolve))));
    for (let i = 0; i < 10; i++) turns.take(turn((mayRead) => (mayRead ? void served++ : 'later')));
    await aWhile();
    expect(served).toBe(0);
    reads.shift()?.();
    await aWhile();
    expect(served).toBe(10);
  });
});
