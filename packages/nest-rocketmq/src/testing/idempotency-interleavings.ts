// Takes random steps of two owners on a store, and compares each answer with that of the model.
import assert from 'node:assert/strict';
import { IdempotencyModel } from './idempotency-model.js';
import type { Step } from './idempotency-model.js';
import type { ContractScene } from './idempotency-scene.js';

const STEPS_IN_A_ROUND = 30;
const LEASES = [10_000, 60_000];
const TTLS = [30_000, 3_600_000];
/** A step that fails the test says how to see it again. */
const again = (seed: number, steps: readonly unknown[]): string => `seed ${seed}: ${JSON.stringify(steps.slice(-12))}`;

type Answer = ReturnType<IdempotencyModel['apply']>;

/** One step after the other, while time passes. */
export async function interleavedSteps(scene: ContractScene, rounds: number, seed: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const random = randomOf(seed + round);
    const model = new IdempotencyModel();
    const owners = new Owners(random);
    const taken: unknown[] = [];
    for (let count = 0; count < STEPS_IN_A_ROUND; count++) {
      const ms = pick(random, [0, 0, 1, 5_000, 10_000, 59_999]);
      await scene.pass(ms);
      const step = stepOf(random, owners, `r${round}`);
      taken.push({ ms, ...step });
      const expected = model.apply(step, scene.clock.now());
      const answer = await ask(scene, step);
      assert.deepEqual(said(step, answer), said(step, expected), again(seed + round, taken));
    }
  }
}

/** Two steps at once: their answers, and what is there afterwards, must be those of one order or of the other. */
export async function simultaneousSteps(scene: ContractScene, rounds: number, seed: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const random = randomOf(seed + round);
    let model = new IdempotencyModel();
    const owners = new Owners(random);
    const taken: unknown[] = [];
    for (let count = 0; count < STEPS_IN_A_ROUND / 2; count++) {
      await scene.pass(pick(random, [0, 5_000, 10_000]));
      const key = `s${round}`;
      const steps: [Step, Step] = [stepOf(random, owners, key, 0), stepOf(random, owners, key, 1)];
      taken.push(...steps);
      const answers = await Promise.all(steps.map((step) => ask(scene, step)));
      const after = await ask(scene, { kind: 'find', key });
      const orders = [
        inOrder(model, steps, scene.clock.now()),
        inOrder(model, [steps[1], steps[0]], scene.clock.now()),
      ];
      orders[1]!.answers.reverse();
      const outcome = (all: readonly Answer[], end: Answer): string =>
        JSON.stringify([steps.map((step, at) => said(step, all[at])), end ?? 'nothing']);
      const seen = outcome(answers, after);
      const order = orders.find((each) => outcome(each.answers, each.after) === seen);
      assert.ok(order, `${seen} is the outcome of neither order. ${again(seed + round, taken)}`);
      ({ model } = order);
    }
  }
}

function inOrder(before: IdempotencyModel, steps: readonly Step[], now: number) {
  const model = before.copy();
  const answers = steps.map((step) => model.apply(step, now));
  return { model, answers, after: model.apply({ kind: 'find', key: steps[0]!.key }, now) };
}

/** Whether an expired record was still there to be forgotten is the store's own business. JSON leaves out what is undefined. */
const said = (step: Step, answer: Answer): unknown => (step.kind === 'forget' ? 'forgotten' : (answer ?? 'nothing'));

/** The names under which two processes work. Each claim has a new one, so a claim that is not ended is a crash. */
class Owners {
  readonly #current = ['none', 'none'];
  readonly #earlier = ['none', 'none'];
  #claims = 0;

  constructor(private readonly random: () => number) {}

  claiming(which: number): string {
    this.#earlier[which] = this.#current[which]!;
    this.#current[which] = `${which === 0 ? 'a' : 'b'}${++this.#claims}`;
    return this.#current[which];
  }

  /** Now and then an earlier one: a process that has been standing still since. */
  working(which: number): string {
    return (this.random() < 0.2 ? this.#earlier : this.#current)[which]!;
  }
}

function stepOf(random: () => number, owners: Owners, key: string, which = Math.floor(random() * 2)): Step {
  const kind = pick(random, ['claim', 'claim', 'extend', 'complete', 'complete', 'release', 'find', 'forget'] as const);
  if (kind === 'find' || kind === 'forget') return { kind, key };
  if (kind === 'claim') return { kind, owner: owners.claiming(which), key, lease: pick(random, LEASES) };
  const owner = owners.working(which);
  if (kind === 'release') return { kind, owner, key };
  if (kind === 'extend') return { kind, owner, key, lease: pick(random, LEASES) };
  return { kind, owner, key, ttl: pick(random, TTLS), result: pick(random, [undefined, `by ${owner}`]) };
}

function ask({ store, id }: ContractScene, step: Step): Promise<Answer> {
  const at = id(step.key);
  switch (step.kind) {
    case 'claim':
      return store.claim(at, step.owner, step.lease);
    case 'extend':
      return store.extend(at, step.owner, step.lease);
    case 'complete':
      return store.complete(at, step.owner, step.ttl, step.result);
    case 'release':
      return store.release(at, step.owner);
    case 'find':
      return store.find(at);
    case 'forget':
      return store.forget(at);
  }
}

function pick<T>(random: () => number, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)]!;
}

/** Mulberry32: the same numbers for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
