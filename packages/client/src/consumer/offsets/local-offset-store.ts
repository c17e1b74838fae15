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
import { describe } from '../../errors.js';
import { LocalOffsetStoreError } from './local-offset-errors.js';
import type { OffsetFile } from './offset-file.js';
import type { ConsumedMessage, OffsetStore } from './offset-store.js';
import { OffsetTable } from './offset-store.js';
import { queueKey } from '../process-queue/process-queue.js';

export interface LocalOffsetStoreParts {
  readonly group: string;
  /** For errors. */
  readonly folder: string;
  /** Called by each `load`. */
  readonly claim: () => Promise<OffsetFile>;
  readonly logger: Logger;
}

export class LocalOffsetStore extends OffsetTable implements OffsetStore {
  readonly #parts: LocalOffsetStoreParts;
  readonly #known = new Map<string, MessageQueue>();
  readonly #consumedMessages = new Map<string, ConsumedMessage>();
  #file: OffsetFile | undefined;
  #written = '';
  /** The last write has failed: what changed since the one before is in memory only. */
  #isBehind = false;
  /** One write at a time, each with the newest offsets. */
  #writing: Promise<void> = Promise.resolve();

  constructor(parts: LocalOffsetStoreParts) {
    super();
    this.#parts = parts;
  }

  /** @throws LocalOffsetStoreError, TooManyConsumersError; then it may be called again */
  async load(): Promise<void> {
    const { group, folder, claim } = this.#parts;
    const file = await claim();
    try {
      await this.#read(file);
    } catch (cause) {
      await this.#release(file);
      throw new LocalOffsetStoreError(group, folder, { cause });
    }
    this.#file = file;
  }

  async #read(file: OffsetFile): Promise<void> {
    const content = await file.read();
    if (!content || content.length === 0) return;
    try {
      this.#decode(content);
    } catch (error) {
      await file.setAside();
      this.#parts.logger.warn(
        `${file.name} is damaged and set aside (.damaged): ${describe(error)}. The consumer begins by consumeFromWhere.`,
      );
    }
  }

  read(queue: MessageQueue): Promise<number | undefined> {
    return Promise.resolve(this.current(queue));
  }

  override update(queue: MessageQueue, offset: number, done?: ConsumedMessage): void {
    super.update(queue, offset);
    if (!done) return;
    const { queueOffset, physicalOffset, storeTimestamp } = done;
    this.#consumedMessages.set(queueKey(queue), { queueOffset, physicalOffset, storeTimestamp });
  }

  consumedMessage(queue: MessageQueue): ConsumedMessage | undefined {
    return this.#consumedMessages.get(queueKey(queue));
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
    const { group, logger } = this.#parts;
    const file = this.#file;
    this.#file = undefined;
    if (!file) return;
    if (this.#isBehind) {
      logger.error(
        `${file.name}: the last offsets of broadcasting group ${group} are lost: after its next start it takes some messages again.`,
      );
    }
    await this.#release(file);
  }

  /** Keeps them: they exist nowhere else, and a queue that comes back continues from them. */
  override forget(): void {}

  discard(queue: MessageQueue): void {
    super.forget(queue);
    this.#consumedMessages.delete(queueKey(queue));
  }

  async #write(): Promise<void> {
    const content = this.#encode();
    if (!this.#file || content.toString() === this.#written) return;
    const { name } = this.#file;
    const { group, logger } = this.#parts;
    try {
      await this.#file.write(content);
      this.#written = content.toString();
      if (this.#isBehind) logger.log(`${name}: the offsets of broadcasting group ${group} are written again`);
      this.#isBehind = false;
    } catch (error) {
      // One line for an outage: they are written every few seconds.
      if (!this.#isBehind) {
        logger.warn(
          `${name}: the offsets of broadcasting group ${group} cannot be written: ${describe(error)}. It is tried ` +
            'again; if the process ends before, the group takes some messages again. Make the folder writable, or set localOffsetStoreDir.',
        );
      }
      this.#isBehind = true;
    }
  }

  #release(file: OffsetFile): Promise<void> {
    const { logger } = this.#parts;
    return file.release().catch((error: unknown) => logger.warn(`releasing ${file.name}: ${describe(error)}`));
  }

  #encode(): Buffer {
    const queues = [...this.#known.values()];
    const entries = queues.flatMap((queue) => {
      const offset = this.current(queue);
      return offset === undefined ? [] : [[queue, offset] as const];
    });
    const consumedMessages = queues.flatMap((queue) => {
      const consumedMessage = this.consumedMessage(queue);
      return consumedMessage ? [{ ...queue, ...consumedMessage }] : [];
    });
    return encodeJson({ offsetTable: queueTable(entries), ...(consumedMessages.length > 0 && { consumedMessages }) });
  }

  #decode(content: Buffer): void {
    const json = parseJsonObject(content, 'a file of offsets');
    for (const [queue, offset] of decodeQueueTable(json['offsetTable'])) {
      this.#known.set(queueKey(queue), queue);
      this.reset(queue, Number(offset));
    }
    if (json['consumedMessages'] === undefined) return;
    for (const row of arrayIn(json, 'consumedMessages').filter(isObject)) {
      const each = objectOf(row);
      const queue = {
        topic: stringIn(each, 'topic'),
        brokerName: stringIn(each, 'brokerName'),
        queueId: numberIn(each, 'queueId'),
      };
      this.#consumedMessages.set(queueKey(queue), {
        queueOffset: numberIn(each, 'queueOffset'),
        physicalOffset: numberIn(each, 'physicalOffset'),
        storeTimestamp: numberIn(each, 'storeTimestamp'),
      });
    }
  }
}
