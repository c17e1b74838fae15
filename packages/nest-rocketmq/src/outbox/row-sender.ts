// Sends claimed rows: in batches where order allows, and one by one to find the row that makes a batch fail.
import { BatchSendFailedError } from '@nest-rocketmq/client';
import type { Producer, SendResult } from '@nest-rocketmq/client';
import type { ClaimedRow } from './outbox-row.js';
import { failureKindOf } from './send-failure.js';
import type { FailureKind } from './send-failure.js';

/** What became of one row. */
export type Outcome =
  | { readonly row: ClaimedRow; readonly result: SendResult }
  | { readonly row: ClaimedRow; readonly kind: FailureKind; readonly error: unknown };

export type BatchProducer = Pick<Producer, 'send' | 'sendBatch'>;

/** Retry topics take no batches. */
const RETRY_TOPIC_PREFIX = '%RETRY%';

/** @param rows of each sharding key in their order @returns an outcome for each */
export async function sendRows(producer: BatchProducer, rows: readonly ClaimedRow[]): Promise<Outcome[]> {
  const lanes = [...groupByLane(rows).values()];
  // A lane with a delayed message goes one by one as a whole, so that it keeps its order.
  const together = lanes.filter((lane) => lane.every(isBatchable)).flat();
  const single = lanes.filter((lane) => !lane.every(isBatchable));
  const [batched, ...others] = await Promise.all([
    sendTogether(producer, together),
    ...single.map((lane) => sendInTurn(producer, lane)),
  ]);
  return [...batched, ...others.flat()];
}

function isBatchable({ isDelayed, topic }: ClaimedRow): boolean {
  return !isDelayed && !topic.startsWith(RETRY_TOPIC_PREFIX);
}

async function sendTogether(producer: BatchProducer, rows: readonly ClaimedRow[]): Promise<Outcome[]> {
  if (rows.length <= 1) return sendInTurn(producer, rows);
  const first = await tryBatch(producer, rows);
  const failed = first.filter((outcome) => 'kind' in outcome);
  // One message that is refused makes its whole request fail: which one it is, only a send of each can tell.
  const isRefused = failed.some(({ kind }) => kind === 'unsendable' || kind === 'refused');
  if (!isRefused) return first;
  const again = new Map<string, Outcome>();
  const lanes = [...groupByLane(failed.filter(isWorthAnotherTry).map(({ row }) => row)).values()];
  for (const outcome of (await Promise.all(lanes.map((lane) => sendInTurn(producer, lane)))).flat()) {
    again.set(outcome.row.id, outcome);
  }
  return first.map((outcome) => again.get(outcome.row.id) ?? outcome);
}

function isWorthAnotherTry({ kind }: { kind: FailureKind }): boolean {
  return kind === 'unsendable' || kind === 'refused' || kind === 'skipped';
}

async function tryBatch(producer: BatchProducer, rows: readonly ClaimedRow[]): Promise<Outcome[]> {
  try {
    const results = await producer.sendBatch(rows.map(({ message }) => message));
    return rows.map((row, index) => ({ row, result: results[index]! }));
  } catch (error) {
    // Anything else is thrown before the first message is sent, because of one of them.
    const failures = new Map(
      error instanceof BatchSendFailedError ? error.failures.map((each) => [each.index, each.error]) : [],
    );
    return rows.map((row, index) => {
      const result = error instanceof BatchSendFailedError ? error.results[index] : undefined;
      return result ? { row, result } : failed(row, failures.get(index) ?? error);
    });
  }
}

/** One by one. After a row that has to be tried again the others wait; what can never be sent holds up nothing. */
async function sendInTurn(producer: BatchProducer, lane: readonly ClaimedRow[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const [index, row] of lane.entries()) {
    const outcome = await sendOne(producer, row);
    outcomes.push(outcome);
    if (!('kind' in outcome) || outcome.kind === 'unsendable') continue;
    const rest = lane.slice(index + 1);
    return [...outcomes, ...rest.map((each): Outcome => ({ row: each, kind: 'skipped', error: outcome.error }))];
  }
  return outcomes;
}

async function sendOne(producer: BatchProducer, row: ClaimedRow): Promise<Outcome> {
  const { shardingKey, ...message } = row.message;
  try {
    const result = await producer.send(message, shardingKey === undefined ? {} : { shardingKey });
    return { row, result };
  } catch (error) {
    return failed(row, error);
  }
}

function failed(row: ClaimedRow, error: unknown): Outcome {
  return { row, kind: failureKindOf(error), error };
}

function groupByLane(rows: readonly ClaimedRow[]): Map<string, ClaimedRow[]> {
  const lanes = new Map<string, ClaimedRow[]>();
  for (const row of rows) {
    const list = lanes.get(row.lane);
    if (list) list.push(row);
    else lanes.set(row.lane, [row]);
  }
  return lanes;
}
