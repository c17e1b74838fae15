// Reads one record of the log by its position alone, without holding up the event loop.
import type { LogReader } from './log-reader.js';
import { SHORTEST_RECORD } from './record.js';
import type { WarmUp } from '../files/prefetch.js';

/** In bytes of its own; undefined where no good record is. */
export async function findRecord(
  reader: LogReader,
  warmUp: WarmUp,
  physicalOffset: number,
): Promise<Buffer | undefined> {
  await warmUp.bring(physicalOffset, physicalOffset + SHORTEST_RECORD);
  const size = reader.sizeAt(physicalOffset);
  if (size === undefined) return undefined;
  await warmUp.bringRecord(physicalOffset, size);
  return reader.copy(physicalOffset, size);
}
