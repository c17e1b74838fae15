import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@nest-rocketmq/remoting/internal';
import { LongPolling } from './long-polling.js';
import type { HeldPull } from './long-polling.js';

interface Held {
  polling: LongPolling;
  clock: ManualClock;
  woken: string[];
  hold(name: string, pull?: Partial<HeldPull>, ms?: number): void;
}

function polling(): Held {
  const clock = new ManualClock(0);
  const polling = new LongPolling(clock, 10);
  const woken: string[] = [];
  const hold = (name: string, pull: Partial<HeldPull> = {}, ms = 1_000): void => {
    const usual = { topic: 't', queueId: 0, offset: 0, connection: {}, matches: () => true };
    polling.hold({ ...usual, wake: () => void woken.push(name), ...pull }, ms);
  };
  return { polling, clock, woken, hold };
}

describe('a pull that waits', () => {
  it('T140: is woken by a message of its queue that it wants, and by no other', async () => {
    const { polling: held, clock, woken, hold } = polling();
    hold('mine');
    hold('another topic', { topic: 'u' });
    hold('another queue', { queueId: 1 });
    hold('behind the message', { offset: 5 });
    hold('other tags', { matches: (tagsCode) => tagsCode !== 7 });
    held.arrived('t', 0, 5, 7);
    await clock.advance(0);
    expect(woken).toEqual(['mine']);
    expect(held.size).toBe(4);
  });

  it('is woken without being asked where asking others took too long, and asked again the next time', async () => {
    const { polling: held, clock, woken, hold } = polling();
    let [time, asked] = [0, 0];
    clock.monotonic = () => time;
    const matches = (): boolean => {
      asked++;
      time += 6;
      return false;
    };
    for (const name of ['a', 'b', 'c', 'd']) hold(name, { matches });
    held.arrived('t', 0, 1, 0);
    await clock.advance(0);
    expect([asked, woken]).toEqual([2, ['c', 'd']]);
    held.arrived('t', 0, 2, 0);
    await clock.advance(0);
    expect([asked, woken]).toEqual([4, ['c', 'd']]);
  });

  it('is woken once by all that comes together, after the last of it', async () => {
    const { polling: held, clock, woken, hold } = polling();
    hold('one');
    for (let end = 1; end <= 3; end++) held.arrived('t', 0, end, 0);
    expect(woken).toEqual([]);
    await clock.advance(5_000);
    expect(woken).toEqual(['one']);
  });

  it('T140: is woken when its time is over, not before', async () => {
    const { polling: held, clock, woken, hold } = polling();
    hold('one', {}, 1_000);
    await clock.advance(999);
    expect(woken).toEqual([]);
    await clock.advance(1);
    expect(woken).toEqual(['one']);
    expect(held.size).toBe(0);
    held.arrived('t', 0, 9, 0);
    await clock.advance(0);
    expect(woken).toEqual(['one']);
  });

  it('T140: is woken with all of its queue where that is asked for, whatever it waits for', async () => {
    const { polling: held, clock, woken, hold } = polling();
    hold('one', { offset: 100, matches: () => false });
    hold('another queue', { queueId: 1 });
    held.wake('t', 0);
    await clock.advance(0);
    expect(woken).toEqual(['one']);
  });

  it('is forgotten with its connection, those of others are not', async () => {
    const { polling: held, clock, woken, hold } = polling();
    const connection = {};
    hold('gone', { connection });
    hold('gone too', { connection, queueId: 1 });
    hold('stays');
    held.connectionClosed(connection);
    expect(held.size).toBe(1);
    held.arrived('t', 0, 1, 0);
    await clock.advance(5_000);
    expect(woken).toEqual(['stays']);
    expect(clock.pending).toBe(0);
  });

  it('may wait again while it is woken', async () => {
    const { polling: held, clock, woken, hold } = polling();
    hold('one', { wake: () => hold('again', { offset: 1 }) });
    held.arrived('t', 0, 1, 0);
    await clock.advance(0);
    expect([held.size, woken]).toEqual([1, []]);
    held.arrived('t', 0, 2, 0);
    await clock.advance(0);
    expect([held.size, woken]).toEqual([0, ['again']]);
  });

  it('leaves no timer behind, woken, out of time or stopped', async () => {
    const { polling: held, clock, woken, hold } = polling();
    hold('woken');
    held.arrived('t', 0, 1, 0);
    hold('late', {}, 10);
    await clock.advance(10);
    hold('stopped');
    held.stop();
    expect(held.size).toBe(0);
    expect(clock.pending).toBe(0);
    await clock.advance(5_000);
    expect(woken).toEqual(['woken', 'late']);
  });
});
