// Reads a topic in a worker thread, so that reader and sender do not delay each other. How busy the thread was tells whether
// the reader or the broker limited the rate.
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { type Connection, ConnectionClosedError } from '@nest-rocketmq/remoting/internal';
import { maxOffsets, openConnection } from './connection.js';
import { beginnings, pullOnce, pullToEnd } from './pull.js';

/** How long the broker may hold a pull at the tail: as Apache's consumers say. */
const SUSPEND_MS = 15_000;

export interface ReaderTask {
  /** host:port of the broker */
  address: string;
  topic: string;
  queues: number;
  /** once: from the beginning to the end. again: so, over and over until stopped. tail: what comes, until stopped. */
  mode: 'once' | 'again' | 'tail';
}

export interface ReaderResult {
  messages: number;
  perSecond: number;
  /** Share of the time that the reader's thread was at work. */
  busy: number;
}

export class Reader {
  private constructor(
    private readonly worker: Worker,
    /** What it read, once it is at its end. */
    readonly result: Promise<ReaderResult>,
  ) {}

  /** Resolves when it reads. */
  static async start(task: ReaderTask): Promise<Reader> {
    const worker = new Worker(new URL(import.meta.url), { workerData: task });
    const failed = new Promise<never>((_, reject) => worker.once('error', reject));
    const next = <T>(): Promise<T> =>
      Promise.race([failed, new Promise<T>((resolve) => worker.once('message', resolve))]);
    await next();
    const result = next<ReaderResult>();
    // It is awaited later; until then a rejection must not count as unhandled.
    result.catch(() => undefined);
    return new Reader(worker, result);
  }

  stop(): Promise<ReaderResult> {
    this.worker.postMessage('stop');
    return this.result;
  }
}

async function follow(connection: Connection, { topic, queues }: ReaderTask, count: () => void): Promise<void> {
  const offsets = await maxOffsets(connection, topic, queues);
  parentPort!.postMessage('reading');
  const one = async (queueId: number): Promise<void> => {
    for (const place = { topic, queueId, offset: offsets[queueId]! }; ;)
      await pullOnce(connection, place, SUSPEND_MS, count);
  };
  await Promise.all(offsets.map((_, queueId) => one(queueId)));
}

async function read(task: ReaderTask): Promise<ReaderResult> {
  const connection = await openConnection(task.address);
  let messages = 0;
  const count = (): void => void messages++;
  // Closing the connection ends all pulls, long polls too.
  parentPort!.once('message', () => connection.close());
  const start = performance.now();
  const before = performance.eventLoopUtilization();
  try {
    if (task.mode === 'tail') await follow(connection, task, count);
    else parentPort!.postMessage('reading');
    do await pullToEnd(connection, beginnings(task.topic, task.queues), count);
    while (task.mode === 'again');
    connection.close();
  } catch (error) {
    if (!(error instanceof ConnectionClosedError)) throw error;
  }
  const { utilization } = performance.eventLoopUtilization(before);
  parentPort!.unref();
  return { messages, perSecond: (messages * 1000) / (performance.now() - start), busy: utilization };
}

if (!isMainThread) parentPort!.postMessage(await read(workerData as ReaderTask));
