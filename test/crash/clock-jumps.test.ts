// Tests a broker whose wall clock is set back and forth while it runs and before it starts.
import { afterEach, describe, expect, it } from '@jest/globals';
import { ManualClock, Requests, decodeRecords, encodeProperties } from '@nest-rocketmq/remoting/internal';
import { memoryFileSystem, startBroker } from '@nest-rocketmq/broker/internal';
import type { Broker } from '@nest-rocketmq/broker/internal';
import { connectTo } from './in-process.js';
import { pull, sendOne } from './load.js';
import { NOW, messageOf, openStore } from './store-on.js';

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const DAY = 24 * HOUR;
const JUMPS = [HOUR, -2 * HOUR, 10 * DAY, -20 * DAY, 1, -1];
/** Level 3 of the delays. */
const DELAY = 10 * SECOND;

/** Its time of day can be set; what it measures goes on. */
class SetClock extends ManualClock {
  ahead = 0;

  override now(): number {
    return super.now() + this.ahead;
  }
}

let broker: Broker | undefined;
afterEach(async () => {
  await broker?.stop();
  broker = undefined;
});

describe('a store whose clock is set', () => {
  it('has times that never go back, and finds messages by them', async () => {
    const clock = new SetClock(NOW);
    const store = await openStore(
      memoryFileSystem(() => NOW),
      { clock },
    );
    const times: number[] = [];
    for (const [i, jump] of [0, ...JUMPS, ...JUMPS].entries()) {
      clock.ahead += jump;
      times.push(store.append({ ...messageOf(i), queueId: 0 }).storeTimestamp);
      await store.drain();
      await clock.advance(1);
    }
    expect(times).toEqual([...times].sort((a, b) => a - b));
    for (const time of times) {
      expect(await store.offsetByTimestamp('T', 0, time, 'LOWER')).toBe(times.indexOf(time));
      expect(await store.offsetByTimestamp('T', 0, time, 'UPPER')).toBe(times.lastIndexOf(time));
    }
    await store.close();
  });

  it('to before its last message when it is opened goes on from that one’s time', async () => {
    const files = memoryFileSystem(() => NOW);
    const first = await openStore(files, { clock: new ManualClock(NOW) });
    const { storeTimestamp } = first.append(messageOf(0));
    await first.close();
    const again = await openStore(files, { clock: new ManualClock(NOW - 10 * DAY) });
    expect(again.append(messageOf(2)).storeTimestamp).toBe(storeTimestamp);
    await again.close();
  });
});

describe('a broker whose clock is set', () => {
  it.each(JUMPS)('by %i ms delivers a delayed message when its time has passed, no earlier', async (jump) => {
    const clock = new SetClock(NOW);
    broker = await startBroker({ clock, store: 'memory' });
    const connection = await connectTo(broker);
    await sendOne(connection, 'due', { topic: 'delayed', properties: encodeProperties([['DELAY', '3']]) });
    const arrived = async (): Promise<number> =>
      decodeRecords((await pull(connection, { topic: 'delayed', offset: 0 })).body).length;
    await clock.advance(DELAY / 2);
    clock.ahead += jump;
    await clock.advance(DELAY / 2 - 10);
    expect(await arrived()).toBe(0);
    await clock.advance(SECOND);
    expect(await arrived()).toBe(1);
  });

  it.each(JUMPS)('by %i ms keeps its connections, its routes and the pulls that wait', async (jump) => {
    const clock = new SetClock(NOW);
    broker = await startBroker({ clock, store: 'memory' });
    const connection = await connectTo(broker);
    await sendOne(connection, 'first');
    let answered = false;
    const waiting = pull(connection, { offset: 1, suspend: 15 * SECOND }).finally(() => (answered = true));
    clock.ahead += jump;
    await clock.advance(14 * SECOND);
    expect([answered, connection.closed]).toEqual([false, false]);
    await clock.advance(2 * SECOND);
    await waiting;
    const names = await connectTo({ ...broker, brokerAddress: broker.nameServerAddress });
    expect((await names.request(Requests.GET_ROUTEINFO_BY_TOPIC, { topic: 'crash' })).code).toBe(0);
    expect(await sendOne(connection, 'second')).toBe(0);
  });

  it.each([-10 * DAY, 10 * DAY])('by %i ms before it starts delivers what was waiting', async (jump) => {
    const fileSystem = memoryFileSystem(() => NOW);
    const first = await startBroker({ clock: new ManualClock(NOW), fileSystem, store: '/store' });
    await sendOne(await connectTo(first), 'due', { topic: 'delayed', properties: encodeProperties([['DELAY', '3']]) });
    await first.stop();
    const clock = new ManualClock(NOW + jump);
    broker = await startBroker({ clock, fileSystem, store: '/store' });
    await clock.advance(DELAY + SECOND);
    const { body } = await pull(await connectTo(broker), { topic: 'delayed', offset: 0 });
    expect(decodeRecords(body)).toHaveLength(1);
  });
});
