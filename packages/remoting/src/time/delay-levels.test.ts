import { describe, expect, it } from '@jest/globals';
import { DEFAULT_MESSAGE_DELAY_LEVEL, delayLevelNames, parseDelayLevels } from './delay-levels.js';

describe('the delay levels', () => {
  it("are Apache's 18 by default", () => {
    const minutes = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 30, 60, 120];
    expect(parseDelayLevels(DEFAULT_MESSAGE_DELAY_LEVEL)).toEqual([
      1000,
      5000,
      10_000,
      30_000,
      ...minutes.map((count) => count * 60_000),
    ]);
  });

  it('are read in four units, whatever stands between them', () => {
    expect(parseDelayLevels(' 7s\t7m  7h\n7d ')).toEqual([7000, 420_000, 25_200_000, 604_800_000]);
    expect(delayLevelNames(' 7s\t7m  7h\n7d ')).toEqual(['7s', '7m', '7h', '7d']);
  });

  it.each(['five', '5', 's', '5x', '-5s', '1.5h', '500ms', '5S', '1234567890s', ''])(
    'have no length where it is written %j',
    (word) => {
      expect(parseDelayLevels(word)).toEqual([NaN]);
    },
  );
});
