// Keeps the consume queues by topic and number, and finds their folders.
import { isRetryTopic } from '@nest-rocketmq/remoting/internal';
import { ConsumeQueue } from './consume-queue.js';
import { EntryBlocks } from './entry-blocks.js';
import { QueueView, VIEW_UNITS } from './queue-view.js';
import type { SavedQueue, SavedQueues } from './queue-checkpoint.js';
import { QueueVerifier } from './queue-verification.js';
import type { QueueDamage } from './queue-verification.js';
import type { OpenFiles } from '../files/open-files.js';
import { LONGEST_TOPIC, LONGEST_V1_TOPIC } from '../commitlog/record.js';
import { SegmentFiles } from '../files/segment-files.js';
import { StoreError } from '../errors.js';
import { forEachLimit } from '../files/for-each-limit.js';

/** Folders and files read together: a disk is quicker so, and Node has four threads for it. */
const READ_AT_ONCE = 6;
/** consumequeue/<topic>/<number> may all be new, and a name in the root. */
const FOLDERS = 4;

export interface TopicQueues {
  readonly topic: string;
  readonly bytes: Buffer;
  readonly queues: Map<number, ConsumeQueue>;
}

export class ConsumeQueues {
  readonly #blocks = new EntryBlocks();
  /** Topics whose folders are being removed. */
  readonly #removals = new Map<string, Promise<void>>();
  readonly #topics = new Map<string, TopicQueues>();
  readonly #directory: string;

  /** @param fileSize bytes, a multiple of 20 */
  constructor(
    readonly open: OpenFiles,
    root: string,
    readonly fileSize: number,
  ) {
    this.#directory = `${root}/consumequeue`;
  }

  get directory(): string {
    return this.#directory;
  }

  get(topic: string, queueId: number): ConsumeQueue | undefined {
    return this.#topics.get(topic)?.queues.get(queueId);
  }

  /** Undefined where the topic cannot be stored under that name. */
  topic(topic: string): TopicQueues | undefined {
    return this.#topics.get(topic) ?? this.#addTopic(topic);
  }

  queue(topic: TopicQueues, queueId: number): ConsumeQueue {
    return topic.queues.get(queueId) ?? this.#addQueue(topic, queueId);
  }

  *all(): Iterable<ConsumeQueue> {
    for (const { queues } of this.#topics.values()) yield* queues.values();
  }

  /** Remembers how far every queue reaches now, for `saved`. */
  mark(): void {
    for (const queue of this.all()) queue.mark();
  }

  /** The queues as they were marked. Their entries up to there must be in the files. */
  *saved(): Iterable<SavedQueue> {
    for (const queue of this.all()) {
      const saved = queue.saved();
      if (saved.next > 0) yield saved;
    }
  }

  /** The topic has no queues any more when this returns; its files have gone when it resolves. @throws what the disk throws */
  async remove(topic: string): Promise<void> {
    const found = this.#topics.get(topic);
    if (!found) return;
    this.#topics.delete(topic);
    // A new topic of that name has its files in the same folder.
    const removal = this.#removeFiles(found, this.#removals.get(topic));
    const ended: Promise<void> = removal
      .catch(() => undefined)
      .finally(() => this.#removals.get(topic) === ended && this.#removals.delete(topic));
    this.#removals.set(topic, ended);
    await removal;
  }

  async #removeFiles({ topic, queues }: TopicQueues, before: Promise<void> | undefined): Promise<void> {
    const removals = [...queues.values()].map((queue) => queue.tail.remove());
    await before;
    await Promise.all(removals);
    await this.open.fileSystem.removeTree(`${this.#directory}/${topic}`);
  }

  /**
   * Finds every queue that has files, or had some.
   * @param saved what the last checkpoint says of them; without it they are what their files say
   * @param aborted whether a crash may have left files shorter than they were made
   * @param logFirst where the log begins
   * @returns the queues that are not as they were saved, and from where on
   */
  async load(
    saved: SavedQueues | undefined,
    aborted: boolean,
    logFirst: number,
  ): Promise<Map<ConsumeQueue, QueueDamage>> {
    const found = await this.#findFolders();
    const expected = new Map<ConsumeQueue, SavedQueue>();
    for (const one of saved?.queues ?? []) {
      const topic = this.topic(one.topic);
      if (!topic) continue;
      const queue = this.queue(topic, one.queueId);
      expected.set(queue, one);
      found.add(queue);
    }
    const damaged = new Map<ConsumeQueue, QueueDamage>();
    const verifiers: QueueVerifier[] = [];
    await forEachLimit(found, READ_AT_ONCE, async (queue) => {
      const verifier = verifiers.pop() ?? new QueueVerifier(new QueueView(VIEW_UNITS), logFirst, saved?.logFirst ?? 0);
      const one = expected.get(queue);
      if (one) {
        const damage = await verifier.verify(queue, one);
        if (damage) damaged.set(queue, damage);
      } else if (saved) await queue.files.load(true, true);
      else await queue.load(verifier.view, aborted);
      verifiers.push(verifier);
    });
    await this.#loadMisfits(found);
    return damaged;
  }

  /** A file of another size is damaged if there are others of the right one, and else of a store with other sizes. */
  async #loadMisfits(found: Iterable<ConsumeQueue>): Promise<void> {
    const queues = [...found];
    const areSizesRight = queues.some(({ files }) => files.starts.length > 0 && files.misfits.length === 0);
    for (const queue of queues) {
      if (queue.files.misfits.length > 0 && areSizesRight) await queue.load(new QueueView(VIEW_UNITS), true, true);
      refuseMisfits(queue.files);
    }
  }

  async #findFolders(): Promise<Set<ConsumeQueue>> {
    const { fileSystem } = this.open;
    const found = new Set<ConsumeQueue>();
    const topics = (await fileSystem.list(this.#directory)).filter((entry) => entry.directory);
    await forEachLimit(topics, READ_AT_ONCE, async ({ name }) => {
      const topic = this.topic(name);
      if (!topic) return;
      for (const entry of await fileSystem.list(`${this.#directory}/${name}`))
        if (entry.directory && /^\d{1,10}$/.test(entry.name)) found.add(this.queue(topic, Number(entry.name)));
    });
    return found;
  }

  /** Adjusts the first entry of all to a log that begins at `minPhysical`. */
  async trim(minPhysical: number): Promise<void> {
    const view = new QueueView(VIEW_UNITS);
    for (const queue of this.all()) await queue.trim(view, minPhysical);
  }

  /** Removes the files of which no entry is left. */
  async removeGone(): Promise<void> {
    for (const queue of this.all()) await queue.removeGone();
  }

  #addTopic(topic: string): TopicQueues | undefined {
    const bytes = Buffer.from(topic);
    const longest = isRetryTopic(topic) ? LONGEST_TOPIC : LONGEST_V1_TOPIC;
    // The name is that of a folder.
    const bad = topic === '.' || topic === '..' || topic.includes('/') || topic.includes('\\') || topic.includes('\0');
    if (bad || bytes.length === 0 || bytes.length > longest) return undefined;
    const added = { topic, bytes, queues: new Map<number, ConsumeQueue>() };
    this.#topics.set(topic, added);
    return added;
  }

  #addQueue(topic: TopicQueues, queueId: number): ConsumeQueue {
    const directory = `${this.#directory}/${topic.topic}/${queueId}`;
    const files = new SegmentFiles(this.open, directory, this.fileSize, FOLDERS);
    files.after = this.#removals.get(topic.topic);
    const queue = new ConsumeQueue(topic.topic, queueId, files, topic.bytes, this.#blocks);
    topic.queues.set(queueId, queue);
    return queue;
  }
}

function refuseMisfits({ misfits: [misfit], directory, fileSize }: SegmentFiles): void {
  if (misfit === undefined) return;
  throw new StoreError(
    'STORE_LAYOUT',
    `expected ${directory}/${misfit} to have a size of ${fileSize} bytes. ` +
      'Set mappedFileSizeConsumeQueue to what the store was written with, or remove the folder consumequeue: it is rebuilt.',
  );
}
