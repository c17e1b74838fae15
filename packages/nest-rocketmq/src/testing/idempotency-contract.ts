// Provides the contract suite of idempotency stores, for any test runner.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { ManualClock } from '@nest-rocketmq/remoting/internal';
import type { Clock } from '@nest-rocketmq/remoting/internal';
import type { Claim, IdempotencyStore } from '../idempotency/stores/idempotency-store.js';
import type { ContractScene } from './idempotency-scene.js';
import { interleavedSteps, simultaneousSteps } from './idempotency-interleavings.js';

/** What the contract suite needs to know about a store. */
export interface IdempotencyContractOptions {
  /** Makes the store. Its leases and records must end by this clock, which the suite turns. Called for each test. */
  create(clock: Clock): IdempotencyStore | Promise<IdempotencyStore>;
  /** How many random interleavings are tried. Default 20. */
  rounds?: number;
  /** Of the random interleavings. Default: by chance; a failure names it. */
  seed?: number;
}

/** One test of a contract suite, of stores or of backends: what they have to do, for any test framework. */
export interface ContractTest {
  readonly name: string;
  /** Rejects where the contract is not kept: with an AssertionError, or with what went wrong. */
  run(): Promise<void>;
}

type Statement = readonly [name: string, run: (scene: ContractScene) => Promise<void>];

const LEASE = 60_000;
const TTL = 3_600_000;
const MOST_SEEDS = 2 ** 31;
const DEFAULT_ROUNDS = 20;

const CLAIMED: Claim = { state: 'claimed' };
const DONE: Claim = { state: 'done', result: undefined };
const processing = (remaining = LEASE): Claim => ({ state: 'processing', remaining });

const STATEMENTS: readonly Statement[] = [
  [
    'the first owner gets the key, and a second one learns how long its lease runs',
    async ({ store, id, pass }) => {
      assert.deepEqual(await store.find(id()), undefined);
      assert.deepEqual(await store.claim(id(), 'a', LEASE), CLAIMED);
      await pass(10_000);
      assert.deepEqual(await store.claim(id(), 'b', LEASE), processing(50_000));
      assert.deepEqual(await store.find(id()), processing(50_000));
    },
  ],
  [
    'a key that is done is refused, with its result, until its ttl has passed',
    async ({ store, id, pass }) => {
      await store.claim(id(), 'a', LEASE);
      assert.equal(await store.complete(id(), 'a', TTL, '{"é":"🍵"}'), true);
      await pass(TTL - 1);
      assert.deepEqual(await store.claim(id(), 'b', LEASE), { state: 'done', result: '{"é":"🍵"}' });
      await pass(1);
      assert.deepEqual(await store.claim(id(), 'b', LEASE), CLAIMED);
      assert.equal(await store.complete(id(), 'b', TTL), true);
      assert.deepEqual(await store.find(id()), DONE);
    },
  ],
  [
    'a released key is there for the next owner',
    async ({ store, id }) => {
      await store.claim(id(), 'a', LEASE);
      assert.equal(await store.release(id(), 'a'), true);
      assert.deepEqual(await store.claim(id(), 'b', LEASE), CLAIMED);
    },
  ],
  [
    'a lease that has run out goes to the next owner, and the late one can change nothing any more',
    async ({ store, id, pass }) => {
      await store.claim(id(), 'late', LEASE);
      await pass(LEASE);
      assert.deepEqual(await store.find(id()), undefined);
      assert.deepEqual(await store.claim(id(), 'b', LEASE), CLAIMED);
      assert.equal(await store.extend(id(), 'late', LEASE), false);
      assert.equal(await store.release(id(), 'late'), false);
      assert.equal(await store.complete(id(), 'late', TTL, 'late'), false);
      assert.deepEqual(await store.find(id()), processing());
      assert.equal(await store.complete(id(), 'b', TTL, 'b'), true);
      assert.equal(await store.complete(id(), 'late', TTL, 'late'), false);
      assert.deepEqual(await store.find(id()), { state: 'done', result: 'b' });
    },
  ],
  [
    'a lease that has run out is still its owner’s while nobody has taken it',
    async ({ store, id, pass }) => {
      await store.claim(id(), 'a', LEASE);
      await pass(LEASE + 1);
      assert.equal(await store.extend(id(), 'a', LEASE), true);
      assert.deepEqual(await store.claim(id(), 'b', LEASE), processing());
      await pass(LEASE + 1);
      assert.equal(await store.complete(id(), 'a', TTL), true);
      assert.deepEqual(await store.claim(id(), 'b', LEASE), DONE);
    },
  ],
  [
    'a lease that is extended runs on',
    async ({ store, id, pass }) => {
      await store.claim(id(), 'a', LEASE);
      await pass(40_000);
      assert.equal(await store.extend(id(), 'a', LEASE), true);
      await pass(40_000);
      assert.deepEqual(await store.claim(id(), 'b', LEASE), processing(20_000));
    },
  ],
  [
    'what is done cannot be released or extended, and can be completed again by its owner',
    async ({ store, id }) => {
      await store.claim(id(), 'a', LEASE);
      await store.complete(id(), 'a', TTL);
      assert.equal(await store.release(id(), 'a'), false);
      assert.equal(await store.extend(id(), 'a', LEASE), false);
      assert.equal(await store.complete(id(), 'a', TTL), true);
      assert.deepEqual(await store.find(id()), DONE);
    },
  ],
  [
    'what is forgotten is worked on again, and its earlier owner has lost it',
    async ({ store, id }) => {
      assert.equal(await store.forget(id()), false);
      await store.claim(id(), 'a', LEASE);
      assert.equal(await store.forget(id()), true);
      assert.equal(await store.complete(id(), 'a', TTL), false);
      await store.claim(id(), 'b', LEASE);
      await store.complete(id(), 'b', TTL);
      assert.equal(await store.forget(id()), true);
      assert.deepEqual(await store.claim(id(), 'c', LEASE), CLAIMED);
    },
  ],
  [
    'keys are compared exactly, and scopes are apart',
    async ({ store, scope }) => {
      const other = `${scope}:x`;
      const long = 'k'.repeat(5_000);
      const keys = [
        'k',
        'K',
        ' k',
        'k ',
        'é',
        'e\u0301',
        '🍵',
        'a\u0000b',
        'a\u0000c',
        '\ud800',
        '%',
        "'",
        long,
        `${long}!`,
      ];
      const ids = [...keys, 'x:k'].flatMap((key) =>
        [scope, other, other.toUpperCase()].map((of) => ({ scope: of, key })),
      );
      for (const id of ids) assert.deepEqual([id, await store.claim(id, 'a', LEASE)], [id, CLAIMED]);
      for (const id of ids) assert.deepEqual([id, await store.claim(id, 'b', LEASE)], [id, processing()]);
    },
  ],
  [
    'of many claims at once one is granted',
    async ({ store, id }) => {
      const owners = Array.from({ length: 20 }, (_, at) => `owner-${at}`);
      const claims = await Promise.all(owners.map((owner) => store.claim(id(), owner, LEASE)));
      const granted = owners.filter((_, at) => claims[at]?.state === 'claimed');
      assert.equal(granted.length, 1);
      const completed = await Promise.all(owners.map((owner) => store.complete(id(), owner, TTL, owner)));
      assert.deepEqual(
        owners.filter((_, at) => completed[at]),
        granted,
      );
      assert.deepEqual(await store.find(id()), { state: 'done', result: granted[0] });
    },
  ],
  [
    'expired records are deleted in batches, and no others',
    async ({ store, id, pass }) => {
      if (!store.purge) return;
      for (const key of ['1', '2', '3', 'kept']) await store.claim(id(key), 'a', LEASE);
      for (const key of ['1', '2', '3']) await store.complete(id(key), 'a', TTL);
      await store.complete(id('kept'), 'a', 2 * TTL);
      await pass(TTL);
      while ((await store.purge(2)) === 2);
      for (const key of ['1', '2', '3']) assert.equal(await store.forget(id(key)), false);
      assert.deepEqual(await store.find(id('kept')), DONE);
    },
  ],
];

/**
 * The tests that every `IdempotencyStore` has to pass, with random interleavings of owners that work, wait, and crash between
 * any two steps: `for (const { name, run } of idempotencyStoreContract({ create })) test(name, run);`
 */
export function idempotencyStoreContract(options: IdempotencyContractOptions): readonly ContractTest[] {
  const { rounds = DEFAULT_ROUNDS, seed = Math.floor(Math.random() * MOST_SEEDS) } = options;
  const random: Statement[] = [
    ['two owners in any order, with crashes', (scene) => interleavedSteps(scene, rounds, seed)],
    ['two owners at the same moment', (scene) => simultaneousSteps(scene, rounds, seed)],
  ];
  return [...STATEMENTS, ...random].map(([name, run]) => ({ name, run: async () => run(await sceneOf(options)) }));
}

async function sceneOf({ create }: IdempotencyContractOptions): Promise<ContractScene> {
  const clock = new ManualClock(Date.now());
  const scope = `contract-${randomUUID()}`;
  return {
    store: await create(clock),
    clock,
    scope,
    id: (key = 'k') => ({ scope, key }),
    pass: (ms) => clock.advance(ms),
  };
}
