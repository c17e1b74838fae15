// Reads a run of messages from a queue: what a pull gets.
import { MessageReader } from './message-reader.js';
import { MOST_FILTERED, entriesOf, forEachWanted, nothing, prefetchRecords } from './message-range.js';
import type { GetRequest, MessageRange } from './message-range.js';
import type { LogReader } from '../commitlog/log-reader.js';
import type { ConsumeQueue } from '../consumequeue/consume-queue.js';
import { QueueView } from '../consumequeue/queue-view.js';
import type { EntryRepair } from './entry-repair.js';
import type { GetResult } from '../message.js';

/** Returns a promise only if something has to be read from the disk. */
export function getMessage(
  queue: ConsumeQueue | undefined,
  reader: LogReader,
  repair: EntryRepair,
  request: GetRequest,
): GetResult | Promise<GetResult> {
  const { offset } = request;
  if (!queue) return nothing('NO_MATCHED_LOGIC_QUEUE', 0, 0, 0);
  const { first, next } = queue;
  if (next === 0) return nothing('NO_MESSAGE_IN_QUEUE', 0, first, next);
  if (offset < first) return nothing('OFFSET_TOO_SMALL', first, first, next);
  if (offset === next) return nothing('OFFSET_OVERFLOW_ONE', offset, first, next);
  if (offset > next) return nothing('OFFSET_OVERFLOW_BADLY', next, first, next);
  return new MessageReader(queue, reader, repair, request).read();
}

/**
 * Reads these messages into memory. Resolves when they can be served from there; undefined if they can be now. Never
 * rejects: whoever asks for the messages meets the same error.
 */
export function prefetchMessages(
  queue: ConsumeQueue,
  reader: LogReader,
  range: MessageRange,
): Promise<unknown> | undefined {
  if (range.offset < queue.first || range.offset >= queue.next) return undefined;
  const view = new QueueView(MOST_FILTERED);
  const records = (): Promise<unknown> | undefined => prefetchRecords(reader, view, 0, range);
  const count = queue.prefetch(view, range.offset, entriesOf(range));
  return typeof count === 'number' ? records() : count.then(records).catch(() => undefined);
}

/** Whether `prefetchMessages` would have to read from the disk. */
export function lacksMessages(queue: ConsumeQueue, reader: LogReader, range: MessageRange): boolean {
  if (range.offset < queue.first || range.offset >= queue.next) return false;
  const view = new QueueView(MOST_FILTERED);
  if (!queue.showFromMemory(view, range.offset, entriesOf(range))) return true;
  let lacks = false;
  forEachWanted(view, 0, range, (position, size) => (lacks ||= reader.prefetch.lacks(position, size)));
  return lacks;
}
