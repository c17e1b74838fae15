// Finds messages again whose consume queue entries are damaged: their records lie between those of the nearest good
// entries. What is not found is logged once.
import type { Logger } from '@nest-rocketmq/remoting/internal';
import type { CommitLog } from '../commitlog/commit-log.js';
import { QueueView, UNIT } from '../consumequeue/queue-view.js';
import type { ConsumeQueue } from '../consumequeue/consume-queue.js';
import { LogScan } from '../commitlog/log-scan.js';
import type { StoreConfig } from '../options.js';
import { largestRecord } from '../commitlog/record.js';
import type { RecordView } from '../commitlog/record.js';
import { TagsCodes } from '../consumequeue/tags-code.js';

/** Bytes of the log that are searched for one run of entries, at most: some ms. */
const FARTHEST = 16 * 1024 * 1024;
/** Entries that are looked at for a good one, in each direction. */
const MOST_SEARCHED = 800;

interface Found {
  physicalOffset: number;
  size: number;
  tagsCode: number;
}

/** An entry that leads to its record; behind the last one that was looked at, where none does. */
interface Neighbour {
  index: number;
  physicalOffset: number | undefined;
}

/** Entries of a queue, the second exclusive, and where their records may be. */
interface Gap {
  from: number;
  to: number;
  logFrom: number;
  logTo: number;
}

export class EntryRepair {
  /** Entries that were corrected. */
  repaired = 0;
  readonly #log: CommitLog;
  readonly #logger: Logger;
  readonly #tagsCodes: TagsCodes;
  readonly #scan: LogScan;
  readonly #view = new QueueView(MOST_SEARCHED);
  /** One search at a time. */
  #last: Promise<unknown> = Promise.resolve();
  /** Entries whose records are not there, in ranges: not searched for again. */
  readonly #hopeless = new WeakMap<ConsumeQueue, { from: number; to: number }[]>();

  constructor(log: CommitLog, { checkCRCOnRecover, maxMessageSize, messageDelayLevel, logger }: StoreConfig) {
    this.#log = log;
    this.#logger = logger;
    this.#tagsCodes = new TagsCodes(messageDelayLevel);
    this.#scan = new LogScan(log.files, checkCRCOnRecover, largestRecord(maxMessageSize), () => undefined);
  }

  /**
   * Corrects the entry, if its record is there; and its neighbours, if they are damaged, too.
   * @returns whether it was corrected; not a promise where it was searched for before
   */
  repair(queue: ConsumeQueue, index: number): boolean | Promise<boolean> {
    if (this.#isHopeless(queue, index)) return false;
    const repaired = this.#last.then(() => !this.#isHopeless(queue, index) && this.#repair(queue, index));
    this.#last = repaired.catch(() => undefined);
    return repaired;
  }

  #isHopeless(queue: ConsumeQueue, index: number): boolean {
    const ranges = this.#hopeless.get(queue);
    return ranges !== undefined && ranges.some(({ from, to }) => index >= from && index < to);
  }

  async #repair(queue: ConsumeQueue, index: number): Promise<boolean> {
    const gap = await this.#gapAround(queue, index);
    const found = await this.#search(queue, gap);
    for (const [at, { physicalOffset, size, tagsCode }] of found)
      await queue.correct(at, physicalOffset, size, tagsCode);
    this.repaired += found.size;
    this.#report(queue, gap, found);
    const hopeless = { from: index, to: nextOf(found, index, gap.to) };
    if (!found.has(index)) this.#hopeless.set(queue, [...(this.#hopeless.get(queue) ?? []), hopeless]);
    return found.has(index);
  }

  #report({ topic, queueId }: ConsumeQueue, { from, to }: Gap, found: Map<number, Found>): void {
    const logger = this.#logger;
    const place = `topic ${topic} queue ${queueId}`;
    if (found.size > 0)
      logger.warn(
        `${found.size} entries of ${place} from ${from} on were damaged, and were corrected from the commit log`,
      );
    const lost = to - from - found.size;
    if (lost > 0)
      logger.error(
        `${lost} of the messages ${from} to ${to - 1} of ${place} are not where the commit log should have them: ` +
          'they are skipped. If only the consume queue is damaged, the next start rebuilds it.',
      );
  }

  /** The run of damaged entries around `index`, as far as it is looked at. */
  async #gapAround(queue: ConsumeQueue, index: number): Promise<Gap> {
    const { files, committed } = this.#log;
    const before = await this.#lastGoodBefore(queue, index);
    const behind = await this.#firstGoodBehind(queue, index);
    return {
      from: before.index + 1,
      to: behind.index,
      logFrom: before.physicalOffset ?? files.first,
      logTo: behind.physicalOffset ?? committed,
    };
  }

  async #lastGoodBefore(queue: ConsumeQueue, index: number): Promise<Neighbour> {
    const view = this.#view;
    const perFile = queue.files.fileSize / UNIT;
    const lowest = Math.max(queue.first, index - MOST_SEARCHED);
    for (let end = index; end > lowest;) {
      // A read ends with its file.
      const begin = Math.max(lowest, end - 1 - ((end - 1) % perFile));
      await queue.read(view, begin, end - begin);
      for (let i = end - begin - 1; i >= 0; i--)
        if (i < view.count && (await this.#isGood(queue, view, i, begin + i)))
          return { index: begin + i, physicalOffset: view.physicalOffset(i) };
      end = begin;
    }
    return { index: lowest - 1, physicalOffset: undefined };
  }

  async #firstGoodBehind(queue: ConsumeQueue, index: number): Promise<Neighbour> {
    const view = this.#view;
    const limit = Math.min(queue.next, index + 1 + MOST_SEARCHED);
    for (
      let begin = index + 1;
      begin < limit && (await queue.read(view, begin, limit - begin)) > 0;
      begin += view.count
    )
      for (let i = 0; i < view.count; i++)
        if (await this.#isGood(queue, view, i, begin + i))
          return { index: begin + i, physicalOffset: view.physicalOffset(i) };
    return { index: limit, physicalOffset: undefined };
  }

  async #isGood(queue: ConsumeQueue, view: QueueView, entry: number, index: number): Promise<boolean> {
    const { files, committed } = this.#log;
    const position = view.physicalOffset(entry);
    if (position < files.first || position >= committed) return false;
    this.#scan.limit = committed;
    if (!(await this.#scan.recordAt(position))) return false;
    const { size, queueOffset, queueId } = this.#scan.record;
    return size === view.size(entry) && queueOffset === index && queueId === queue.queueId;
  }

  async #search(queue: ConsumeQueue, { from, to, logFrom, logTo }: Gap): Promise<Map<number, Found>> {
    const found = new Map<number, Found>();
    const tagsCodes = this.#tagsCodes;
    const visit = (record: RecordView, buffer: Buffer): void => {
      const { queueOffset: index, physicalOffset, size } = record;
      if (!record.queued || index < from || index >= to || record.queueId !== queue.queueId) return;
      const topic = buffer.toString('utf8', record.topicAt, record.topicAt + record.topicLength);
      if (topic !== queue.topic) return;
      found.set(index, { physicalOffset, size, tagsCode: tagsCodes.of(topic, record, buffer) });
    };
    this.#scan.limit = Math.min(logTo, logFrom + FARTHEST);
    await this.#scan.advanceFar(logFrom, visit, () => found.size === to - from);
    return found;
  }
}

/** The first index behind `index` that was found. */
function nextOf(found: Map<number, Found>, index: number, end: number): number {
  let next = index + 1;
  while (next < end && !found.has(next)) next++;
  return next;
}
