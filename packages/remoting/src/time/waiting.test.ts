import { describe, expect, it } from '@jest/globals';
import { sharedAbortController } from './waiting.js';

describe('a signal that all calls of a client wait for', () => {
  it('takes any number of them: Node warns of more than ten otherwise', () => {
    // By its symbol: events.getMaxListeners takes no signal of another realm, as Jest's is.
    const { signal } = sharedAbortController();
    const symbols = Object.getOwnPropertySymbols(signal);
    const most = symbols.find(({ description }) => description?.includes('maxEventTarget'))!;
    expect(Reflect.get(signal, most)).toBe(0);
  });
});
