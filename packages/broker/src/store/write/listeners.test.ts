import { expect, it } from '@jest/globals';
import { message, openStore } from '../../../test-kit/store.js';

it('a listener of the store that fails keeps no message from the others', async () => {
  const store = await openStore();
  const [committed, arrived]: [number[], number[]] = [[], []];
  const fail = (): void => {
    throw new Error('a fault of the listener');
  };
  store.onCommitted(fail);
  store.onArrived(fail);
  store.onCommitted((upTo) => committed.push(upTo));
  store.onArrived((_topic, _queueId, maxOffset) => arrived.push(maxOffset));
  store.append(message());
  store.append(message());
  await store.drain();
  expect([committed.length, arrived]).toEqual([1, [1, 2]]);
  await store.close();
});
