import { describe, expect, it } from '@jest/globals';
import { StatsTable } from './stats-table.js';

const HOUR = 3_600_000;
const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
};

describe('a table of the statistics', () => {
  it('keeps so many items and no more, and says so once', () => {
    let warnings = 0;
    const table = new StatsTable(2, () => warnings++, 0);
    for (const key of ['a', 'b', 'c', 'a']) table.add(key, 1, 0, 1, 0);
    expect([table.size, table.get('c'), warnings]).toEqual([2, undefined, 1]);
  });

  it('forgets items of which nothing is left to show, and keeps the others', async () => {
    const table = new StatsTable(10, () => undefined, 0);
    table.add('idle', 1, 0, 1, 0);
    table.add('busy', 1, 0, 1, 0);
    table.add('busy', 1, 0, 1, 25 * HOUR);
    await turns(2);
    expect(table.get('idle')).toBeDefined();
    table.add('busy', 1, 0, 1, 27 * HOUR);
    await turns(2);
    expect([table.get('idle'), table.get('busy') !== undefined]).toEqual([undefined, true]);
  });

  it('looks for them in steps, so that many hold nobody up', async () => {
    const table = new StatsTable(10_000, () => undefined, 0);
    for (let item = 0; item < 5_000; item++) table.add(`topic-${item}`, 1, 0, 1, 0);
    table.add('new', 1, 0, 1, 27 * HOUR);
    expect(table.size).toBeGreaterThan(4_000);
    await turns(10);
    expect(table.size).toBe(1);
  });
});
