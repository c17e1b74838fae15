import { describe, expect, it } from '@jest/globals';
import { encodeJson } from '@nest-rocketmq/remoting/internal';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import { MOST_POPPED, decodeRevive } from './checkpoint.js';

describe('a checkpoint that somebody has sent to the revive topic', () => {
  it('names no more messages than a pop can take', () => {
    const d = Array.from({ length: 100_000 }, (_, distance) => distance);
    const body = encodeJson({ t: 'T', c: 'g', q: 0, so: 0, pt: 1, it: 1, bn: 'broker-a', n: 100_000, d });
    const read = decodeRevive({ body, properties: new Map([['TAGS', 'ck']]) } as unknown as MessageExt);
    expect(read).toMatchObject({ checkpoint: { offsets: d.slice(0, MOST_POPPED) } });
  });
});
