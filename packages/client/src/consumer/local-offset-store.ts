// Owns the offsets of a broadcasting consumer: nobody shares them, so they stay on this machine, in Apache's file format,
// or in memory only.
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { decodeQueueTable, encodeJson, parseJsonObject, queueTable } from '@nest-rocketmq/remoting';
import type { Logger, MessageQueue } from '@nest-rocketmq/remoting';
import { describe } from '../errors.js';
import type { OffsetStore } from './offset-store.js';
import { OffsetTable } from './offset-store.js';
import { queueKey } from './process-queue.js';

/** Where the offsets' text is kept. */
export interface OffsetFile {
  /** Undefined when there is none. */
  read(): Promise<Buffer | undefined>;
  write(content: Buffer): Promise<void>;
}

export function memoryOffsetFile(): OffsetFile {
  let kept: Buffer | undefined;
  return {
    read: () => Promise.resolve(kept),
    write: (content) => {
      kept = content;
      return Promise.resolve();
    },
  };
}

export function nodeOffsetFile(path: string): OffsetFile {
  return {
    async read() {
      try {
        return await readFile(path);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
    },
    async write(content) {
      await mkdir(dirname(path), { recursive: true });
      // Renamed over the old one, so that a crash leaves one of the two whole.
      await writeFile(`${path}.tmp`, content);
      await rename(`${path}.tmp`, path);
    },
  };
}

export class LocalOffsetStore extends OffsetTable implements OffsetStore {
  readonly #file: OffsetFile;
  readonly #logger: Logger;
  readonly #known = new Map<string, MessageQueue>();
  #written = '';

  constructor(file: OffsetFile, logger: Logger) {
    super();
    this.#file = file;
    this.#logger = logger;
  }

  async load(): Promise<void> {
    const content = await this.#file.read();
    if (!content || content.length === 0) return;
    const json = parseJsonObject(content, 'a file of offsets');
    for (const [queue, offset] of decodeQueueTable(json['offsetTable'])) {
      this.#known.set(queueKey(queue), queue);
      this.reset(queue, Number(offset));
    }
  }

  read(queue: MessageQueue): Promise<number | undefined> {
    return Promise.resolve(this.current(queue));
  }

  async persist(queues: Iterable<MessageQueue>): Promise<void> {
    for (const queue of queues) this.#known.set(queueKey(queue), queue);
    const entries = [...this.#known.values()].flatMap((queue) => {
      const offset = this.current(queue);
      return offset === undefined ? [] : [[queue, offset] as const];
    });
    const content = encodeJson({ offsetTable: queueTable(entries) });
    if (content.toString() === this.#written) return;
    try {
      await this.#file.write(content);
      this.#written = content.toString();
    } catch (error) {
      this.#logger.warn(`the offsets of a broadcasting consumer could not be written: ${describe(error)}`);
    }
  }

  /** They are all that there is: a queue that comes back continues from them. */
  override forget(): void {}
}
