// Owns the table of consume queues by topic and number, and their folders. Leaves the entries to consume-queue.ts.
import { isRetryTopic } from '@nest-rocketmq/remoting';
import { ConsumeQueue } from './consume-queue.js';
import { QueueView, UNIT } from './queue-view.js';
import type { OpenFiles } from './open-files.js';
import { LONGEST_TOPIC, LONGEST_V1_TOPIC } from './record.js';
import { SegmentFiles } from './segment-files.js';
import { StoreError } from './errors.js';
import { severalAtOnce } from './several-at-once.js';

/** Entries read from a file at once: what a pull looks at, at most, when it filters. */
const VIEW_UNITS = 800;
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
  readonly view = new QueueView(VIEW_UNITS);
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

  /** How many queues have files, and the sum of their entries. */
  census(): { queueCount: number; entryCount: number } {
    let queueCount = 0;
    let entryCount = 0;
    for (const { files, next } of this.all()) {
      if (files.starts.length === 0) continue;
      queueCount++;
      entryCount += next;
    }
    return { queueCount, entryCount };
  }

  remove(topic: string): void {
    const found = this.#topics.get(topic);
    if (!found) return;
    this.#topics.delete(topic);
    for (const queue of found.queues.values()) queue.tail.remove();
    this.open.fileSystem.removeTree(`${this.#directory}/${topic}`);
  }

  /**
   * Finds every queue that has files.
   * @param limit after a crash, where in the log trust in the entries ends
   */
  async load(limit: number | undefined): Promise<void> {
    const { aside } = this.open.fileSystem;
    const topics = (await aside.list(this.#directory)).filter((entry) => entry.directory);
    const found: [topic: TopicQueues, queueId: number][] = [];
    await severalAtOnce(topics, READ_AT_ONCE, async ({ name }) => {
      const topic = this.topic(name);
      if (!topic) return;
      for (const entry of await aside.list(`${this.#directory}/${name}`))
        if (entry.directory && /^\d{1,10}$/.test(entry.name)) found.push([topic, Number(entry.name)]);
    });
    const views: QueueView[] = [];
    await severalAtOnce(found, READ_AT_ONCE, async ([topic, queueId]) => {
      const view = views.pop() ?? new QueueView(VIEW_UNITS);
      await this.#loadQueue(this.queue(topic, queueId), view, limit);
      views.push(view);
    });
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

  async #loadQueue(queue: ConsumeQueue, view: QueueView, limit: number | undefined): Promise<void> {
    await queue.load(view, limit);
    const [misfit] = queue.files.misfits;
    if (misfit === undefined) return;
    throw new StoreError(
      'STORE_LAYOUT',
      `${queue.files.directory}/${misfit} has not the size of ${this.fileSize} bytes. ` +
        'Set mappedFileSizeConsumeQueue to what the store was written with, or remove the folder consumequeue: it is rebuilt.',
    );
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
    const queue = new ConsumeQueue(
      topic.topic,
      queueId,
      new SegmentFiles(this.open, directory, this.fileSize, FOLDERS),
    );
    topic.queues.set(queueId, queue);
    return queue;
  }
}

/** Apache rounds the size up to whole entries. */
export function wholeUnits(bytes: number): number {
  return Math.ceil(bytes / UNIT) * UNIT;
}
