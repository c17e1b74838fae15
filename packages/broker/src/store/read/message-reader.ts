// Collects the messages of one pull, and waits for the disk where entries or records are not in memory.
import { SHORTEST_RECORD } from '../commitlog/record.js';
import type { Found, LogReader } from '../commitlog/log-reader.js';
import type { ConsumeQueue } from '../consumequeue/consume-queue.js';
import { QueueView, UNIT } from '../consumequeue/queue-view.js';
import type { EntryRepair } from './entry-repair.js';
import { MOST_FILTERED, nothing, prefetchRecords } from './message-range.js';
import type { GetRequest } from './message-range.js';
import { RecordCopies } from './record-copies.js';
import type { GetResult } from '../message.js';

/** Bytes of a piece of what is given, unless a single record has more: the entries that foretell it may be damaged. */
const MOST_FORESEEN = 262_144;

export class MessageReader {
  readonly #view = new QueueView(MOST_FILTERED);
  readonly #result: GetResult;
  readonly #copies: RecordCopies;
  readonly #place: { topic: Buffer; queueId: number; queueOffset: number };
  readonly #end: number;
  /** The offset that is looked at, and its entry in the view. */
  #at: number;
  #entry = 0;
  /** Entries from `#at` on were read, if there are any. */
  #entriesRead = false;
  /** What the entry at `#at` leads to was searched for in the log. */
  #repaired = false;
  /** The entry at `#at` leads to no record. */
  #gone = false;

  constructor(
    private readonly queue: ConsumeQueue,
    private readonly reader: LogReader,
    private readonly repair: EntryRepair,
    private readonly request: GetRequest,
  ) {
    const { offset, maxCount, filter, memory } = request;
    this.#result = nothing('NO_MATCHED_MESSAGE', offset, queue.first, queue.next);
    this.#copies = new RecordCopies(memory);
    this.#place = { topic: queue.topicBytes, queueId: queue.queueId, queueOffset: offset };
    this.#end = Math.min(queue.next, offset + Math.max(filter ? MOST_FILTERED : 0, maxCount));
    this.#at = offset;
  }

  /** Returns a promise only if something has to be read from the disk. */
  read(): GetResult | Promise<GetResult> {
    const waiting = this.#collect();
    return waiting ? this.#goOn(waiting) : this.#result;
  }

  async #goOn(first: Promise<unknown>): Promise<GetResult> {
    for (let waiting: Promise<unknown> | undefined = first; waiting; waiting = this.#collect()) await waiting;
    return this.#result;
  }

  /** Goes on until the result is complete; or returns what has to be waited for before it is called again. */
  #collect(): Promise<unknown> | undefined {
    const { request } = this;
    const view = this.#view;
    const copies = this.#copies;
    while (this.#at < this.#end) {
      if (this.#entry >= view.count) {
        if (this.#entriesRead) return this.#finishWithoutEntry();
        this.#entriesRead = true;
        const waiting = this.#readEntries();
        if (waiting) return waiting;
        continue;
      }
      const size = view.size(this.#entry);
      if (request.filter && !this.#repaired && this.#isDamaged()) {
        // By the damaged entry the filter might pass over the message.
        const waiting = this.#repair();
        if (waiting) return waiting;
        continue;
      }
      if (copies.count >= request.maxCount || (copies.count > 0 && copies.bytes + size > request.maxBytes)) break;
      let found = this.#filter();
      if (found === 'enough') break;
      if (found === 'here') found = this.#find();
      if (found === 'cold') return this.#load();
      if (found === 'none' && !this.#repaired) {
        this.#gone = true;
        const waiting = this.#repair();
        if (waiting) return waiting;
        continue;
      }
      if (found === 'here') this.#take(size);
      // Removed with its file, or damaged: the others behind it are still to be had.
      else if (found === 'none' && copies.count === 0) this.#result.status = 'MESSAGE_WAS_REMOVING';
      this.#next();
    }
    this.#finish();
    return undefined;
  }

  #next(): void {
    this.#at++;
    this.#entry++;
    this.#repaired = this.#gone = this.#entriesRead = false;
  }

  /** Whether the filter wants the message, `here` if so; it may have to wait for the record, or end the read. */
  #filter(): Found | 'unwanted' | 'enough' {
    const { filter } = this.request;
    if (!filter) return 'here';
    let cold = false;
    const record = (): Buffer | undefined => {
      const found = this.#find();
      cold = found === 'cold';
      return found === 'here' ? this.reader.shown(this.#view.size(this.#entry)) : undefined;
    };
    const wanted = filter(this.#view.tagsHash(this.#entry), record);
    if (cold) return 'cold';
    if (wanted === undefined) return 'enough';
    return wanted ? 'here' : 'unwanted';
  }

  #find(): Found {
    if (this.#gone) return 'none';
    this.#place.queueOffset = this.#at;
    return this.reader.find(this.#view.physicalOffset(this.#entry), this.#view.size(this.#entry), this.#place);
  }

  /** Reads the record of the entry, and those of the entries behind it that will be wanted, too. */
  async #load(): Promise<void> {
    const { reader, request } = this;
    const { maxCount, maxBytes, filter } = request;
    const left = { maxCount: maxCount - this.#copies.count, maxBytes: maxBytes - this.#copies.bytes, filter };
    await prefetchRecords(reader, this.#view, this.#entry, left);
    const [position, size] = [this.#view.physicalOffset(this.#entry), this.#view.size(this.#entry)];
    if (!(await reader.load(position, size))) this.#gone = true;
  }

  #take(size: number): void {
    const { reader, request } = this;
    const copies = this.#copies;
    if (reader.own && request.share) return copies.adopt(reader.buffer);
    if (!copies.fits(size)) {
      const room = Math.min(MOST_FORESEEN, request.maxBytes - copies.bytes);
      copies.begin(Math.max(size, this.#foreseen(request.maxCount - copies.count, room)));
    }
    copies.add(reader.buffer, reader.at, size);
  }

  /** Bytes of at most `count` records from this entry on, no more than `most`. */
  #foreseen(count: number, most: number): number {
    const view = this.#view;
    let bytes = 0;
    for (let i = this.#entry; i < Math.min(view.count, this.#entry + count) && bytes + view.size(i) <= most; i++)
      bytes += view.size(i);
    return bytes;
  }

  /** Whether the entry leads to no record for sure. */
  #isDamaged(): boolean {
    const view = this.#view;
    const entry = this.#entry;
    const position = view.physicalOffset(entry);
    const size = view.size(entry);
    if (size < SHORTEST_RECORD || position < 0 || position + size > this.reader.log.committed) return true;
    return entry > 0 && position < view.physicalOffset(entry - 1) + view.size(entry - 1);
  }

  /** Searches the log for the message of the entry. The entries are read again where they have changed. */
  #repair(): Promise<unknown> | undefined {
    this.#repaired = true;
    const repaired = this.repair.repair(this.queue, this.#at);
    if (typeof repaired !== 'boolean') return repaired.then((changed) => changed && this.#readCorrected());
    return repaired ? this.#readCorrected() : undefined;
  }

  #readCorrected(): Promise<unknown> | undefined {
    this.#gone = false;
    return this.#readEntries();
  }

  #readEntries(): Promise<unknown> | undefined {
    this.#entry = 0;
    const read = this.queue.read(this.#view, this.#at, this.#end - this.#at);
    return typeof read === 'number' ? undefined : read;
  }

  #finishWithoutEntry(): undefined {
    const { queue } = this;
    if (this.#copies.count > 0) return this.#finish();
    const perFile = queue.files.fileSize / UNIT;
    this.#result.status = 'OFFSET_FOUND_NULL';
    this.#result.nextBeginOffset = Math.min(queue.next, (Math.floor(this.#at / perFile) + 1) * perFile);
  }

  #finish(): undefined {
    const result = this.#result;
    result.nextBeginOffset = this.#at;
    result.body = this.#copies.done();
    result.count = this.#copies.count;
    if (result.count > 0) result.status = 'FOUND';
  }
}
