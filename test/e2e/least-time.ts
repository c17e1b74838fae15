// Measures real time for tests whose limit is far above what the code takes, and whose machine may be slow or busy.
import { createHash } from 'node:crypto';

/** For rounds until one is fast enough: the first ones warm up, and other processes may take the processor from some. ms */
const PATIENCE_MS = 60_000;
/** What the fixed piece of work takes on the machine that the limits were set on. ms */
const REFERENCE_MS = 4;
const PIECES = 2_000;

/** ms for a fixed piece of work of the kind that a client and a broker do: JSON, maps, buffers, promises. */
async function fixedWork(): Promise<number> {
  const began = performance.now();
  const seen = new Map<string, number>();
  for (let i = 0; i < PIECES; i++) {
    const text = JSON.stringify({
      code: i,
      extFields: { topic: 'orders', queueId: String(i % 4), body: 'x'.repeat(i % 50) },
    });
    const { extFields } = JSON.parse(Buffer.from(text).toString()) as { extFields: { body: string } };
    seen.set(`${extFields.body}@${i % 100}`, i);
    if (i % 20 === 0) await Promise.resolve();
  }
  createHash('sha256')
    .update([...seen.keys()].join())
    .digest();
  return performance.now() - began;
}

/**
 * The least ms that a round takes, as on the machine that the limits were set on: where the fixed piece of work takes twice
 * as long, a round may too. Goes on until that is below the limit, or patience ends.
 */
export async function leastTime(limit: number, round: () => Promise<number>): Promise<number> {
  let [best, bestWork] = [Infinity, Infinity];
  const onReference = (): number => best / Math.max(1, bestWork / REFERENCE_MS);
  const end = performance.now() + PATIENCE_MS;
  do {
    best = Math.min(best, await round());
    bestWork = Math.min(bestWork, await fixedWork());
  } while (onReference() >= limit && performance.now() < end);
  return onReference();
}
