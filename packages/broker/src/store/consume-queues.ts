// Owns the table of consume queues by topic and number, and their folders. Leaves the entries to consume-queue.ts.
import { isRetryTopic } from '@nest-rocketmq/remoting';
import { ConsumeQueue } from './consume-queue.js';
import { QueueView, UNIT } from './queue-view.js';
import type { OpenFiles } from './open-files.js';
import { LONGEST_TOPIC, LONGEST_V1_TOPIC } from './record.js';
import { SegmentFiles } from './segment-files.js';
import { StoreError } from './errors.js';
import type { Pause } from './time-slices.js';

/** Entries read from a file at once: what a pull looks at, at most, when it filters. */
const VIEW_UNITS = 800;
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
   * Finds every queue that has files. Gives way to `pause` between queues.
   * @param limit after a crash, where in the log trust in the entries ends
   */
  async load(limit: number | undefined, pause: Pause): Promise<void> {
    const { fileSystem } = this.open;
    for (const topicEntry of fileSystem.list(this.#directory)) {
      const topic = topicEntry.directory ? this.topic(topicEntry.name) : undefined;
      if (!topic) continue;
      for (const entry of fileSystem.list(`${this.#directory}/${topicEntry.name}`)) {
        if (!entry.directory || !/^\d{1,10}$/.test(entry.name)) continue;
        this.#loadQueue(this.queue(topic, Number(entry.name)), limit);
        await pause();
      }
    }
  }

  #loadQueue(queue: ConsumeQueue, limit: number | undefined): void {
    queue.load(this.view, limit);
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
