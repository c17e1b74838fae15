// Stores the offsets of a broadcasting consumer on this machine, in Apache's file format, or in memory. Each queue's
// offset has a message beside it that was there, by which the store can be recognized.
import {
  arrayIn,
  decodeQueueTable,
  encodeJson,
  isObject,
  numberIn,
  objectOf,
  parseJsonObject,
  queueTable,
  stringIn,
} from '@nest-rocketmq/remoting/internal';
import type { Logger, MessageQueue } from '@nest-rocketmq/remoting/internal';
import { describe } from '../errors.js';
import type { OffsetFile } from './offset-file.js';
import type { Landmark, OffsetStore } from './offset-store.js';
import { OffsetTable } from './offset-store.js';
import { queueKey } from './process-queue.js';

export class LocalOffsetStore extends OffsetTable implements OffsetStore {
  readonly #claim: () => Promise<OffsetFile>;
  readonly #logger: Logger;
  readonly #known = new Map<string, MessageQueue>();
  readonly #landmarks = new Map<string, Landmark>();
  #file: OffsetFile | undefined;
  #written = '';
  /** One write at a time, each with the newest offsets. */
  #writing: Promise<void> = Promise.resolve();

  /** @param claim called once, by `load` */
  constructor(claim: () => Promise<OffsetFile>, logger: Logger) {
    super();
    this.#claim = claim;
    this.#logger = logger;
  }

  async load(): Promise<void> {
    this.#file = await this.#claim();
    const content = await this.#file.read();
    if (!content || content.length === 0) return;
    try {
      this.#decode(content);
    } catch (error) {
      await this.#file.setAside();
      this.#logger.warn(
        `${this.#file.name} is damaged and set aside (.damaged): ${describe(error)}. The consumer begins by consumeFromWhere.`,
      );
    }
  }

  read(queue: MessageQueue): Promise<number | undefined> {
    return Promise.resolve(this.current(queue));
  }

  override update(queue: MessageQueue, offset: number, done?: Landmark): void {
    super.update(queue, offset);
    if (!done) return;
    const { queueOffset, physicalOffset, storeTimestamp } = done;
    this.#landmarks.set(queueKey(queue), { queueOffset, physicalOffset, storeTimestamp });
  }

  landmark(queue: MessageQueue): Landmark | undefined {
    return this.#landmarks.get(queueKey(queue));
  }

  persist(queues: Iterable<MessageQueue>): Promise<void> {
    for (const queue of queues) this.#known.set(queueKey(queue), queue);
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  commit(queue: MessageQueue): Promise<void> {
    return this.persist([queue]);
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#file?.release().catch((error: unknown) => this.#logger.warn(`releasing offsets: ${describe(error)}`));
    this.#file = undefined;
  }

  /** Keeps them: they exist nowhere else, and a queue that comes back continues from them. */
  override forget(): void {}

  discard(queue: MessageQueue): void {
    super.forget(queue);
    this.#landmarks.delete(queueKey(queue));
  }

  async #write(): Promise<void> {
    const content = this.#encode();
    if (!this.#file || content.toString() === this.#written) return;
    try {
      await this.#file.write(content);
      this.#written = content.toString();
    } catch (error) {
      this.#logger.warn(`the offsets of a broadcasting consumer could not be written: ${describe(error)}`);
    }
  }

  #encode(): Buffer {
    const queues = [...this.#known.values()];
    const entries = queues.flatMap((queue) => {
      const offset = this.current(queue);
      return offset === undefined ? [] : [[queue, offset] as const];
    });
    const landmarks = queues.flatMap((queue) => {
      const landmark = this.landmark(queue);
      return landmark ? [{ ...queue, ...landmark }] : [];
    });
    return encodeJson({ offsetTable: queueTable(entries), ...(landmarks.length > 0 && { landmarks }) });
  }

  #decode(content: Buffer): void {
    const json = parseJsonObject(content, 'a file of offsets');
    for (const [queue, offset] of decodeQueueTable(json['offsetTable'])) {
      this.#known.set(queueKey(queue), queue);
      this.reset(queue, Number(offset));
    }
    if (json['landmarks'] === undefined) return;
    for (const row of arrayIn(json, 'landmarks').filter(isObject)) {
      const each = objectOf(row);
      const queue = {
        topic: stringIn(each, 'topic'),
        brokerName: stringIn(each, 'brokerName'),
        queueId: numberIn(each, 'queueId'),
      };
      this.#landmarks.set(queueKey(queue), {
        queueOffset: numberIn(each, 'queueOffset'),
        physicalOffset: numberIn(each, 'physicalOffset'),
        storeTimestamp: numberIn(each, 'storeTimestamp'),
      });
    }
  }
}
