// Claims rows in three statements, for databases that have no UPDATE … RETURNING over what they have just locked.
import type { SqlRow } from '../adapters/adapter.js';
import type { Claim, ClaimedWindow, RunStatement, Statement } from './outbox-dialect.js';

export interface ClaimSteps {
  /** id, lane, topic, size, and is_free (1 or 0), by lane and seq: at most `limit` rows of the lanes behind `after`. */
  look(after: string, limit: number): Statement;
  /** Takes those of the rows that are still pending and free. */
  take(ids: readonly string[], relay: string, claimTimeout: number): Statement;
  /** The rows that this relay holds of these, by lane and seq. */
  read(ids: readonly string[], relay: string): Statement;
  /** Whether the database says that somebody else writes: the rows are left to a later claim then. */
  isBusy(error: unknown): boolean;
  /** Gives rows back. */
  giveBack(ids: readonly string[], relay: string): Statement;
}

interface SeenRow {
  readonly id: string;
  readonly lane: string;
  readonly topic: string;
  readonly size: number;
  readonly isFree: boolean;
}

export async function claimInSteps(
  steps: ClaimSteps,
  run: RunStatement,
  claim: Claim,
  after: string,
): Promise<ClaimedWindow> {
  const { relay, claimTimeout, batchSize } = claim;
  const seen = (await run(steps.look(after, batchSize))).map(toSeen);
  const wanted = wantedOf(seen, claim);
  const isCut = wanted.length < takeable(seen, claim).length;
  const end = isCut ? wanted.at(-1) : seen.length === batchSize ? seen.at(-1) : undefined;
  const last = end && { lane: end.lane, topic: end.topic };
  if (wanted.length === 0) return { rows: [], last };
  const ids = wanted.map(({ id }) => id);
  try {
    await run(steps.take(ids, relay, claimTimeout));
  } catch (error) {
    if (!steps.isBusy(error)) throw error;
    return { rows: [], last };
  }
  const rows = await run(steps.read(ids, relay));
  const { held, behindGap } = splitAtGaps(rows, wanted);
  if (behindGap.length > 0) await run(steps.giveBack(behindGap, relay));
  return { rows: held, last };
}

function toSeen(row: SqlRow): SeenRow {
  const [id, lane, topic] = ['id', 'lane', 'topic'].map((column) => String(row[column]));
  return { id: id!, lane: lane!, topic: topic!, size: Number(row['size']), isFree: Number(row['is_free']) === 1 };
}

/** Of each lane the rows before the first that another relay holds. */
function takeable(seen: readonly SeenRow[], { pausedTopics, pausedLanes }: Claim): SeenRow[] {
  const barred = new Set(pausedLanes);
  return seen.filter(({ lane, topic, isFree }) => {
    if (!isFree) barred.add(lane);
    return !barred.has(lane) && !pausedTopics.includes(topic);
  });
}

/** As many of them as the bytes allow, and the first in any case. */
function wantedOf(seen: readonly SeenRow[], claim: Claim): SeenRow[] {
  let bytes = 0;
  return takeable(seen, claim).filter(({ size }) => {
    const fits = bytes < claim.batchBytes;
    bytes += size;
    return fits;
  });
}

/** Another relay may have taken rows since the look. What stands behind one of these must not overtake it. */
function splitAtGaps(
  rows: readonly SqlRow[],
  wanted: readonly SeenRow[],
): { readonly held: SqlRow[]; readonly behindGap: string[] } {
  const taken = new Map(rows.map((row) => [String(row['id']), row]));
  const held: SqlRow[] = [];
  const behindGap: string[] = [];
  const broken = new Set<string>();
  for (const { id, lane } of wanted) {
    const row = taken.get(id);
    if (!row) broken.add(lane);
    else if (broken.has(lane)) behindGap.push(id);
    else held.push(row);
  }
  return { held, behindGap };
}
