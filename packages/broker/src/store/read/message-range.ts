// Describes which messages a pull asks for, and reads their records ahead.
import { SHORTEST_RECORD } from '../commitlog/record.js';
import type { LogReader } from '../commitlog/log-reader.js';
import type { QueueView } from '../consumequeue/queue-view.js';
import type { GetMessageStatus, GetResult, MessageFilter } from '../message.js';

/** Entries looked at in one pull that filters, at least. */
export const MOST_FILTERED = 800;

export interface GetRequest {
  offset: number;
  maxCount: number;
  maxBytes: number;
  filter: MessageFilter | undefined;
  /** Provides the memory that the records are copied to. */
  memory: (bytes: number) => Buffer;
  /** A large record may be given as it was read, to several who ask: none of them writes to it. */
  share: boolean;
}

/** What `getMessage` is about to be asked for. */
export type MessageRange = Pick<GetRequest, 'offset' | 'maxCount' | 'maxBytes' | 'filter'>;

export function nothing(
  status: GetMessageStatus,
  nextBeginOffset: number,
  minOffset: number,
  maxOffset: number,
): GetResult {
  return { status, nextBeginOffset, minOffset, maxOffset, body: [], count: 0 };
}

/** Reads the records into memory to which the entries of the view lead, from `entry` on. Never rejects. */
export function prefetchRecords(
  reader: LogReader,
  view: QueueView,
  entry: number,
  range: Omit<MessageRange, 'offset'>,
): Promise<unknown> | undefined {
  const waiting: Promise<unknown>[] = [];
  forEachWanted(view, entry, range, (position, size) => {
    const read = reader.prefetch.record(position, size);
    if (read) waiting.push(read);
  });
  return waiting.length > 0 ? Promise.all(waiting) : undefined;
}

/** Entries that a pull looks at. */
export const entriesOf = ({ filter, maxCount }: MessageRange): number => (filter ? MOST_FILTERED : maxCount);

/** Calls back with each record that `getMessage` will return, as far as its entry tells: no other is read. */
export function forEachWanted(
  view: QueueView,
  entry: number,
  { maxCount, maxBytes, filter }: Omit<MessageRange, 'offset'>,
  visit: (position: number, size: number) => void,
): void {
  let [count, bytes] = [0, 0];
  /** A filter that asks for records may pass over any of them: more than `maxCount` will be read. */
  let asked = false;
  const ask = (): undefined => void (asked = true);
  for (let i = entry; i < view.count && (asked || count < maxCount); i++) {
    if (filter && !filter(view.tagsHash(i), ask)) continue;
    const size = view.size(i);
    if (count > 0 && bytes + size > maxBytes) return;
    count++;
    bytes += size;
    if (size >= SHORTEST_RECORD) visit(view.physicalOffset(i), size);
  }
}
