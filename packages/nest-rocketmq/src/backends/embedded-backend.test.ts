import { join, resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { silentLogger } from '@nest-rocketmq/remoting/internal';
import { EmbeddedBackend } from './embedded-backend.js';

describe('the offsets of broadcasting listeners', () => {
  it.each([
    ['in memory with a memory store', 'memory', 'memory'],
    ["in the store's folder", 'data/mq', join(resolve('data/mq'), 'broadcasting')],
    ["in the default store's folder", undefined, join(resolve('.rocketmq'), 'broadcasting')],
  ])('are kept %s: they end, or move, with the messages that they count', (_where, store, folder) => {
    const backend = new EmbeddedBackend({ ...(store !== undefined && { store }) }, silentLogger);
    expect(backend.localOffsetStoreDir).toBe(folder);
  });
});
