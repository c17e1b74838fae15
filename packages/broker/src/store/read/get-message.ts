// Owns reading a run of messages from a queue: what a pull gets. Leaves holding pulls and subscriptions to others.
import { UNIT } from '../consumequeue/queue-view.js';
import type { ConsumeQueue } from '../consumequeue/consume-queue.js';
import { SHORTEST_RECORD } from '../commitlog/record.js';
import type { QueueView } from '../consumequeue/queue-view.js';
import type { ConsumeQueues } from '../consumequeue/consume-queues.js';
import type { EntryRepair } from './entry-repair.js';
import type { LogReader } from '../commitlog/log-reader.js';
import type { Prefetch } from '../files/prefetch.js';
import type { GetMessageStatus, GetResult, MessageFilter } from '../message.js';

/** Bytes of a piece of what is given, unless a single record has more: the entries that foretell it may be damaged. */
const MOST_FORESEEN = 262_144;
const NO_BYTES = Buffer.alloc(0);
/** Entries looked at in one pull that filters, at least. */
const MOST_FILTERED = 800;

export interface GetRequest {
  offset: number;
  maxCount: number;
  maxBytes: number;
  filter: MessageFilter | undefined;
  repair: EntryRepair;
  /** Gives the memory that the records are copied to. */
  memory: (bytes: number) => Buffer;
  /** A filter that asks for a record which would have to be read from the disk ends the read there. */
  log: Prefetch;
  /** A large record may be given as it was read, to several who ask: none of them writes to it. */
  share: boolean;
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

/** What `getMessage` is about to be asked for. */
export type MessageRange = Pick<GetRequest, 'offset' | 'maxCount' | 'maxBytes' | 'filter'>;

/** Resolves when these messages can be read without the disk; undefined where they can be now. Never rejects. */
export function prefetchMessages(
  queues: ConsumeQueues,
  queue: ConsumeQueue,
  log: Prefetch,
  range: MessageRange,
): Promise<unknown> | undefined {
  if (range.offset < queue.first || range.offset >= queue.next) return undefined;
  const records = (): Promise<unknown> | undefined => {
    const waiting: Promise<unknown>[] = [];
    forEachWanted(queues, queue, range, (position, size) => {
      const read = log.prefetchRecord(position, size);
      if (read) waiting.push(read);
    });
    return waiting.length > 0 ? Promise.all(waiting) : undefined;
  };
  const waiting = queue.warmUp(range.offset, entriesOf(range));
  return waiting ? waiting.then(records) : records();
}

/** Whether `prefetchMessages` would have to read the log. */
export function lacksMessages(queues: ConsumeQueues, queue: ConsumeQueue, log: Prefetch, range: MessageRange): boolean {
  if (range.offset < queue.first || range.offset >= queue.next) return false;
  let lacks = false;
  forEachWanted(queues, queue, range, (position, size) => (lacks ||= log.lacks(position, size)));
  return lacks;
}

const entriesOf = ({ filter, maxCount }: MessageRange): number => (filter ? MOST_FILTERED : maxCount);

/** Calls back with each record that `getMessage` will give, as far as its entry tells: what is not given is not read. */
function forEachWanted(
  { view }: ConsumeQueues,
  queue: ConsumeQueue,
  range: MessageRange,
  visit: (position: number, size: number) => void,
): void {
  const { offset, maxCount, maxBytes, filter } = range;
  try {
    queue.read(view, offset, entriesOf(range));
  } catch {
    // The disk cannot be read: `getMessage` meets the same error, and tells it to whoever asks.
    return;
  }
  let [count, bytes] = [0, 0];
  /** A filter that asks for records may pass over any of them: the read goes on behind the count. */
  let asked = false;
  const ask = (): undefined => void (asked = true);
  for (let i = 0; i < view.count && (asked || count < maxCount); i++) {
    if (filter && !filter(view.tagsHash(i), ask)) continue;
    const size = view.size(i);
    if (count > 0 && bytes + size > maxBytes) return;
    count++;
    bytes += size;
    visit(view.physicalOffset(i), size);
  }
}

function nothing(status: GetMessageStatus, nextBeginOffset: number, minOffset: number, maxOffset: number): GetResult {
  return { status, nextBeginOffset, minOffset, maxOffset, body: [], count: 0 };
}

function collect(queues: ConsumeQueues, queue: ConsumeQueue, reader: LogReader, request: GetRequest): GetResult {
  const { offset, maxCount, maxBytes, filter, repair, memory } = request;
  const { view } = queues;
  const result = nothing('NO_MATCHED_MESSAGE', offset, queue.first, queue.next);
  const body = new RecordCopies(memory);
  const end = Math.min(queue.next, offset + Math.max(filter ? MOST_FILTERED : 0, maxCount));
  /** Entry of the view that belongs to `at`. */
  let entry = 0;
  let at = offset;
  const place = { topic: Buffer.from(queue.topic), queueId: queue.queueId, queueOffset: at };
  let cold = false;
  const record = (): Buffer | undefined => {
    cold = at > offset && request.log.lacks(view.physicalOffset(entry), view.size(entry));
    return cold ? undefined : reader.record(view.physicalOffset(entry), view.size(entry), place);
  };
  const find = (): boolean => reader.find(view.physicalOffset(entry), view.size(entry), place);
  for (; at < end; at++, entry++) {
    place.queueOffset = at;
    if (at === offset || entry === view.count) {
      entry = 0;
      if (queue.read(view, at, end - at) === 0)
        return body.count > 0
          ? finish(result, body, at)
          : nothing('OFFSET_FOUND_NULL', nextFile(queue, at), queue.first, queue.next);
    }
    if (filter && isDamaged(view, entry, reader.log.committed) && repair.repair(queue, at)) {
      // By the damaged entry the filter might pass over the message.
      queue.read(view, at, end - at);
      entry = 0;
    }
    const full = body.count >= maxCount || (body.count > 0 && body.bytes + view.size(entry) > maxBytes);
    if (full) return finish(result, body, at);
    const wanted = filter ? filter(view.tagsHash(entry), record) : true;
    if (cold || wanted === undefined) return finish(result, body, at);
    if (!wanted) continue;
    let found = find();
    if (!found && repair.repair(queue, at)) {
      queue.read(view, at, end - at);
      entry = 0;
      found = find();
    }
    if (found) {
      const size = view.size(entry);
      if (reader.own && request.share) {
        body.adopt(reader.buffer);
        continue;
      }
      const room = Math.min(MOST_FORESEEN, maxBytes - body.bytes);
      if (!body.fits(size)) body.begin(Math.max(size, sizeOf(view, entry, maxCount - body.count, room)));
      body.add(reader.buffer, reader.at, size);
    }
    // Removed with its file, or damaged: the others behind it are still to be had.
    else if (body.count === 0) result.status = 'MESSAGE_WAS_REMOVING';
  }
  return finish(result, body, end);
}

/** Whether the entry leads to no record for sure. */
function isDamaged(view: QueueView, entry: number, logEnd: number): boolean {
  const position = view.physicalOffset(entry);
  const size = view.size(entry);
  if (size < SHORTEST_RECORD || position < 0 || position + size > logEnd) return true;
  return entry > 0 && position < view.physicalOffset(entry - 1) + view.size(entry - 1);
}

function finish(result: GetResult, body: RecordCopies, next: number): GetResult {
  result.nextBeginOffset = next;
  result.body = body.done();
  result.count = body.count;
  if (result.count > 0) result.status = 'FOUND';
  return result;
}

/** Bytes of at most `count` records from that entry of the view on, no more than `most` unless the first has more. */
function sizeOf(view: QueueView, entry: number, count: number, most: number): number {
  let bytes = 0;
  for (let i = entry; i < Math.min(view.count, entry + count) && bytes + view.size(i) <= most; i++)
    bytes += view.size(i);
  return bytes;
}

/** Records in memory of their own, in as few pieces as can be foreseen: each piece costs the socket a call. */
class RecordCopies {
  count = 0;
  bytes = 0;
  readonly #pieces: Buffer[] = [];
  #last: Buffer = NO_BYTES;
  #used = 0;

  constructor(private readonly memory: (bytes: number) => Buffer) {}

  fits(size: number): boolean {
    return this.#used + size <= this.#last.length;
  }

  /** Begins a piece for the next records. */
  begin(bytes: number): void {
    this.#endPiece();
    this.#last = this.memory(bytes);
    this.#used = 0;
  }

  add(source: Buffer, at: number, size: number): void {
    source.copy(this.#last, this.#used, at, at + size);
    this.#used += size;
    this.bytes += size;
    this.count++;
  }

  /** Takes a whole record as it is. */
  adopt(record: Buffer): void {
    this.#endPiece();
    this.#pieces.push(record);
    this.bytes += record.length;
    this.count++;
  }

  done(): Buffer[] {
    this.#endPiece();
    return this.#pieces;
  }

  #endPiece(): void {
    if (this.#used > 0) this.#pieces.push(this.#last.subarray(0, this.#used));
    this.#used = 0;
    this.#last = NO_BYTES;
  }
}

function nextFile(queue: ConsumeQueue, at: number): number {
  const perFile = queue.files.fileSize / UNIT;
  return Math.min(queue.next, (Math.floor(at / perFile) + 1) * perFile);
}
