import { describe, expect, it } from '@jest/globals';
import { ManualClock } from './manual-clock.js';
import { endsWithin, sharedAbortController } from './waiting.js';

describe('a signal that all calls of a client wait for', () => {
  it('takes any number of them: Node warns of more than ten otherwise', () => {
    // By its symbol: events.getMaxListeners takes no signal of another realm, as Jest's is.
    const { signal } = sharedAbortController();
    const symbols = Object.getOwnPropertySymbols(signal);
    const most = symbols.find(({ description }) => description?.includes('maxEventTarget'))!;
    expect(Reflect.get(signal, most)).toBe(0);
  });
});

describe('a wait for something to end', () => {
  const never = new Promise<void>(() => undefined);

  it('says whether it did, and leaves no timer behind', async () => {
    const clock = new ManualClock();
    expect(await endsWithin(clock, Promise.resolve(), 1_000)).toBe(true);
    const late = endsWithin(clock, never, 1_000);
    await clock.advance(1_000);
    expect(await late).toBe(false);
    await expect(endsWithin(clock, Promise.reject(new Error('failed')), 1_000)).rejects.toThrow('failed');
    expect(clock.pending).toBe(0);
  });

  it('is over when the signal aborts', async () => {
    const clock = new ManualClock();
    const controller = new AbortController();
    const waiting = endsWithin(clock, never, 1_000, controller.signal);
    controller.abort();
    expect(await waiting).toBe(false);
    expect(clock.pending).toBe(0);
  });
});
