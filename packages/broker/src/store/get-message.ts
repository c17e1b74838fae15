// Owns reading a run of messages from a queue: what a pull gets. Leaves holding pulls and subscriptions to others.
import { UNIT } from './consume-queue.js';
import type { ConsumeQueue } from './consume-queue.js';
import type { ConsumeQueues } from './consume-queues.js';
import type { EntryRepair } from './entry-repair.js';
import type { LogReader } from './log-reader.js';
import type { GetMessageStatus, GetResult, MessageFilter } from './types.js';

/** Entries looked at in one pull that filters, at least. */
const MOST_FILTERED = 800;

export interface GetRequest {
  offset: number;
  maxCount: number;
  maxBytes: number;
  filter: MessageFilter | undefined;
  repair: EntryRepair;
}

export function getMessage(
  queues: ConsumeQueues,
  queue: ConsumeQueue | undefined,
  reader: LogReader,
  request: GetRequest,
): GetResult {
  const { offset } = request;
  if (!queue) return nothing('NO_MATCHED_LOGIC_QUEUE', 0, 0, 0);
  const { first, next } = queue;
  if (next === 0) return nothing('NO_MESSAGE_IN_QUEUE', 0, first, next);
  if (offset < first) return nothing('OFFSET_TOO_SMALL', first, first, next);
  if (offset === next) return nothing('OFFSET_OVERFLOW_ONE', offset, first, next);
  if (offset > next) return nothing('OFFSET_OVERFLOW_BADLY', next, first, next);
  return collect(queues, queue, reader, request);
}

function nothing(status: GetMessageStatus, nextBeginOffset: number, minOffset: number, maxOffset: number): GetResult {
  return { status, nextBeginOffset, minOffset, maxOffset, body: [], count: 0 };
}

function collect(queues: ConsumeQueues, queue: ConsumeQueue, reader: LogReader, request: GetRequest): GetResult {
  const { offset, maxCount, maxBytes, filter, repair } = request;
  const { view } = queues;
  const result = nothing('NO_MATCHED_MESSAGE', offset, queue.first, queue.next);
  const end = Math.min(queue.next, offset + Math.max(filter ? MOST_FILTERED : 0, maxCount));
  let bytes = 0;
  /** Entry of the view that belongs to `at`. */
  let entry = 0;
  let at = offset;
  const record = (): Buffer | undefined => reader.record(view.physicalOffset(entry), view.size(entry), at);
  for (; at < end; at++, entry++) {
    if (at === offset || entry === view.count) {
      entry = 0;
      if (queue.read(view, at, end - at) === 0)
        return nothing('OFFSET_FOUND_NULL', nextFile(queue, at), queue.first, queue.next);
    }
    const full = result.count >= maxCount || (result.count > 0 && bytes + view.size(entry) > maxBytes);
    if (full) return finish(result, at);
    if (filter && !filter(view.tagsHash(entry), record)) continue;
    let found = record();
    if (!found && repair.repair(queue, at)) {
      queue.read(view, at, end - at);
      entry = 0;
      found = record();
    }
    if (found) bytes += add(result, found);
    // Removed with its file, or damaged: the others behind it are still to be had.
    else if (result.count === 0) result.status = 'MESSAGE_WAS_REMOVING';
  }
  return finish(result, end);
}

function finish(result: GetResult, next: number): GetResult {
  result.nextBeginOffset = next;
  if (result.count > 0) result.status = 'FOUND';
  return result;
}

/** Adjacent records become one buffer: fewer pieces to hand to the socket. Returns the record's length. */
function add(result: GetResult, record: Buffer): number {
  const { body } = result;
  const last = body[body.length - 1];
  if (last && last.buffer === record.buffer && last.byteOffset + last.length === record.byteOffset) {
    body[body.length - 1] = Buffer.from(last.buffer, last.byteOffset, last.length + record.length);
  } else {
    body.push(record);
  }
  result.count++;
  return record.length;
}

function nextFile(queue: ConsumeQueue, at: number): number {
  const perFile = queue.files.fileSize / UNIT;
  return Math.min(queue.next, (Math.floor(at / perFile) + 1) * perFile);
}
