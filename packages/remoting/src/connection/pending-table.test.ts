import { describe, expect, it } from '@jest/globals';
import { PendingTable } from './pending-table.js';

const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000);

class Entry {
  next: Entry | undefined;
  constructor(readonly opaque: number) {}
}

describe('a table of requests under way', () => {
  it(`finds what a Map would, also when opaques begin anew (SEED=${SEED})`, () => {
    let state = SEED;
    const random = (): number => (state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff) / 0x80000000;
    const table = new PendingTable<Entry>();
    const model = new Map<number, Entry>();
    let opaque = 0x7fffffff - 1_000;
    for (let step = 0; step < 5_000; step++) {
      // In turns it grows, up to hundreds, and shrinks.
      if (random() < (step % 1_000 < 500 ? 0.8 : 0.2)) {
        opaque = (opaque + 1) & 0x7fffffff;
        const entry = new Entry(opaque);
        table.add(entry);
        model.set(opaque, entry);
      } else {
        const known = [...model.values()][Math.floor(random() * model.size)];
        if (known) table.delete(known);
        if (known) model.delete(known.opaque);
        table.delete(new Entry(opaque + 1));
      }
      const asked = Math.max(0, opaque - Math.floor(random() * 500));
      if (table.get(asked) !== model.get(asked)) throw new Error(`opaque ${asked} is found wrongly`);
      expect(table.count).toBe(model.size);
    }
    expect(table.takeAll()).toEqual([...model.values()].toSorted((a, b) => a.opaque - b.opaque));
    expect([table.count, table.get(opaque)]).toEqual([0, undefined]);
  });
});
