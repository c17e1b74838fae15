// Reads one record of the log by its position alone, without holding up the event loop.
import type { LogReader } from './log-reader.js';
import { SHORTEST_RECORD } from './record.js';
import type { Prefetch } from '../files/prefetch.js';

/** In bytes of its own; undefined where no good record is. */
export async function findRecord(
  reader: LogReader,
  warmUp: Prefetch,
  physicalOffset: number,
): Promise<Buffer | undefined> {
  await warmUp.bring(physicalOffset, physicalOffset + SHORTEST_RECORD);
  const size = reader.sizeAt(physicalOffset);
  if (size === undefined) return undefined;
  await warmUp.prefetchRecord(physicalOffset, size);
  return reader.copy(physicalOffset, size);
}
