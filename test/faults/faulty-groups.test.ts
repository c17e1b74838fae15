// Tests what groups of clients and a broker do with each other, with every fault at each of their requests: no acknowledged
// message is lost, no queue is consumed twice at a time, everybody goes on, and nothing is left behind.
// FAULT_SEED plays a run again; FAULT_RUNS makes more of them.
import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import { Requests } from '@nest-rocketmq/remoting/internal';
import { Random } from '../crash/random.js';
import { ANSWER_FAULTS, REQUEST_FAULTS } from './faulty-links.js';
import type { Fault } from './faulty-links.js';
import { Misdeeds } from './leaks.js';
import { SCENARIOS } from './scenarios.js';
import { Stage } from './stage.js';

// Many runs in one test take their time on a busy machine.
jest.setTimeout(600_000);
const SEED = Number(process.env['FAULT_SEED'] ?? Date.now() % 1_000_000);
const FAULT_RUNS = Number(process.env['FAULT_RUNS'] ?? 1);
/** Runs of each scenario with each fault. The fast run tries a few faults only. */
const RUNS = Math.ceil(FAULT_RUNS / 8);
const FEW = 2;

type Name = keyof typeof Requests;
/** Requests that each scenario makes, and whether they are answered. */
const CASES: readonly [keyof typeof SCENARIOS, readonly Name[], readonly Name[]][] = [
  [
    'a group',
    ['HEART_BEAT', 'GET_CONSUMER_LIST_BY_GROUP', 'QUERY_CONSUMER_OFFSET', 'PULL_MESSAGE', 'UNREGISTER_CLIENT'],
    ['UPDATE_CONSUMER_OFFSET', 'NOTIFY_CONSUMER_IDS_CHANGED'],
  ],
  [
    'an orderly group',
    ['HEART_BEAT', 'GET_CONSUMER_LIST_BY_GROUP', 'QUERY_CONSUMER_OFFSET', 'LOCK_BATCH_MQ', 'UNLOCK_BATCH_MQ'],
    ['UPDATE_CONSUMER_OFFSET', 'NOTIFY_CONSUMER_IDS_CHANGED'],
  ],
  ['a group that never rests', ['HEART_BEAT', 'GET_CONSUMER_LIST_BY_GROUP'], []],
  ['an orderly group that never rests', ['LOCK_BATCH_MQ', 'UNLOCK_BATCH_MQ'], ['NOTIFY_CONSUMER_IDS_CHANGED']],
  ['a failed message', ['CONSUMER_SEND_MSG_BACK', 'SEND_MESSAGE_V2'], []],
  ['a transaction', ['SEND_MESSAGE_V2'], ['END_TRANSACTION', 'CHECK_TRANSACTION_STATE']],
  ['a request for a reply', ['SEND_MESSAGE_V2', 'SEND_REPLY_MESSAGE_V2', 'PUSH_REPLY_MESSAGE_TO_CLIENT'], []],
  // Our broker tells consumers of a reset with the answer to their next pull.
  ['a reset of offsets', ['INVOKE_BROKER_TO_RESET_OFFSET', 'PULL_MESSAGE'], ['UPDATE_CONSUMER_OFFSET']],
];
const rows = CASES.flatMap(([scenario, answered, oneway]) => [
  ...answered.map((request) => ({ scenario, request, faults: [...REQUEST_FAULTS, ...ANSWER_FAULTS] as Fault[] })),
  ...oneway.map((request) => ({ scenario, request, faults: [...REQUEST_FAULTS] as Fault[] })),
]);

/** Which of the faults a run tries, if it tries few. */
function some(faults: readonly Fault[], random: Random): readonly Fault[] {
  if (FAULT_RUNS > 1) return faults;
  return Array.from({ length: FEW }, () => random.pick(faults));
}

async function run(scenario: keyof typeof SCENARIOS, request: Name, fault: Fault, seed: number): Promise<void> {
  const stage = await Stage.open(seed);
  try {
    await SCENARIOS[scenario](stage, () => stage.arm(fault, Requests[request].code));
    expect(stage.links.done).toBeGreaterThan(0);
    expect(await stage.close()).toEqual([]);
  } catch (error) {
    throw new Error(`${request} ${fault}, FAULT_SEED=${seed}: ${String(error)}`, { cause: error });
  }
}

let misdeeds: Misdeeds;
beforeAll(() => void (misdeeds = new Misdeeds()));
afterAll(() => misdeeds.stop());
afterEach(() => expect(misdeeds.found.splice(0)).toEqual([]));

it.each(rows)(
  `$scenario whose $request meets a fault goes on, and loses nothing (seed ${SEED})`,
  async ({ scenario, request, faults }) => {
    for (let i = 0; i < RUNS; i++)
      for (const fault of some(faults, new Random(SEED))) await run(scenario, request, fault, SEED + i);
  },
);
