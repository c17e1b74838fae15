// Simulates many lives of a store. SIMULATE_SEEDS sets how many, SIMULATE_SEED repeats one.
import { describe, expect, it } from '@jest/globals';
import { isClean } from './oracle.js';
import { simulate } from './simulate.js';

const only = process.env['SIMULATE_SEED'];
const count = Number(process.env['SIMULATE_SEEDS'] ?? 10);
const MINUTES = 60_000;

describe('a store under faults', () => {
  it(
    `loses, duplicates, alters and invents nothing (${only ? `seed ${only}` : `seeds 1 to ${count}`})`,
    async () => {
      const seeds = only ? [Number(only)] : Array.from({ length: count }, (_, i) => i + 1);
      for (const seed of seeds) {
        const story = await simulate(seed).catch((error: unknown) => {
          throw new Error(`seed ${seed}: play it again with SIMULATE_SEED=${seed}`, { cause: error });
        });
        if (!isClean(story.findings)) expect(story).toEqual('nothing lost, duplicated, altered, invented or moved');
      }
    },
    30 * MINUTES,
  );
});
