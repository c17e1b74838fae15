import { describe, expect, it } from '@jest/globals';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import { OffsetRing } from './offset-ring.js';

const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000);

const message = (queueOffset: number): MessageExt => ({ queueOffset }) as MessageExt;

describe('a ring of messages', () => {
  it(`holds what a sorted map would, whatever comes and goes in which order (SEED=${SEED})`, () => {
    let state = SEED;
    const random = (): number => (state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff) / 0x80000000;
    const ring = new OffsetRing();
    const model = new Map<number, MessageExt>();
    // Offsets of more than 32 bits, as an old queue has them.
    let next = 5_000_000_000;
    for (let step = 0; step < 4_000; step++) {
      const kind = random();
      // In turns it fills up beyond its size, and is emptied.
      const adds = step % 800 < 400 ? 0.8 : 0.2;
      const offset = kind < adds * 0.9 ? (next += 1 + Math.floor(random() * 3)) : next - Math.floor(random() * 300);
      if (kind < adds) {
        const added = message(offset);
        expect(ring.add(added)).toBe(!model.has(offset));
        if (!model.has(offset)) model.set(offset, added);
      } else expect(ring.delete(offset)).toBe(model.delete(offset));
      const held = [...model.keys()].toSorted((a, b) => a - b);
      expect([ring.count, ring.first, ring.last]).toEqual([held.length, held[0], held.at(-1)]);
      const asked = held[Math.floor(random() * held.length)] ?? offset;
      if (ring.get(asked) !== model.get(asked)) throw new Error(`the message of offset ${asked} is another one`);
    }
  });

  it('takes no room for what was removed behind a message that stays', () => {
    const ring = new OffsetRing();
    ring.add(message(0));
    for (let offset = 1; offset < 100_000; offset++) {
      ring.add(message(offset));
      ring.delete(offset - 1 || offset);
    }
    expect([ring.count, ring.first, ring.places]).toEqual([2, 0, 64]);
    ring.clear();
    expect([ring.count, ring.first]).toEqual([0, undefined]);
  });
});
