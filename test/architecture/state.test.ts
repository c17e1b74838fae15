// Tests that no module has state which brokers, clients or apps of one process would share.
import { describe, expect, it } from '@jest/globals';
import { sources } from './sources.js';

/** What may change after its module has been loaded: variables, and collections that begin empty. */
const MUTABLE =
  /^(?:export )?(?:let|var) \w+|^(?:export )?const \w+[^=]*= (?:new (?:Map|Set|WeakMap|WeakSet)(?:<.*>)?\(\)|\[\]|\{\});/gm;

/** Those that are left, each with the reason why. Never add to this list. */
const LEFT = new Set([
  'packages/broker/src/store/files/prefetch.ts: const spare',
  'packages/broker/src/store/commitlog/crc-combine.ts: let lastLength',
  'packages/broker/src/store/commitlog/crc-combine.ts: let lastShift',
  // Which stores this process has open: Node has no lock that tells two apps of one process apart.
  'packages/broker/src/store/lifecycle/lock-file.ts: const heldHere',
  // Keyed by the subscription, from which alone its value follows.
  'packages/broker/src/filter/tag-filter.ts: const compiled',
  // Metadata of classes, which all apps of a process share: ARCHITECTURE.md, decision 8.
  'packages/nest-rocketmq/src/decorators/unserved-listeners.ts: const waiting',
]);

describe('a module', () => {
  it('has no state: two brokers, clients or apps of one process share nothing', () => {
    const found = sources
      .filter(({ path }) => path.startsWith('packages/'))
      .flatMap(({ path, text }) =>
        [...text.matchAll(MUTABLE)].map(([line]) => `${path}: ${/(?:let|var|const) \w+/.exec(line)?.[0]}`),
      );
    expect(found.filter((place) => !LEFT.has(place))).toEqual([]);
  });
});
