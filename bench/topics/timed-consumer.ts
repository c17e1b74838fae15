// Consumes delayed messages and records how late each was: when the broker stored it for consumers, and when it arrived
// here. Runs in a worker thread, since the producer would delay its clock.
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { ConnectionClosedError } from '@nest-rocketmq/remoting/internal';
import { openConnection } from '../load/connection.js';
import { bodyOf, pullOnce, storeTimestampOf } from '../load/pull.js';

/** As Apache's consumers say. */
const SUSPEND_MS = 15_000;

interface Task {
  /** host:port of the broker */
  address: string;
  topic: string;
  queues: number;
}

/** Of each message, how much later than it was due, ms. */
export interface Lateness {
  stored: number[];
  received: number[];
}

const BODY_BYTES = 8;

/** The body of a timed message: when it is due, ms since the epoch. */
export function dueBody(due: number): Buffer {
  const body = Buffer.alloc(BODY_BYTES);
  body.writeDoubleBE(due);
  return body;
}

export class TimedConsumer {
  private readonly worker: Worker;
  /** How many came so far. */
  received = 0;

  constructor(task: Task) {
    this.worker = new Worker(new URL(import.meta.url), { workerData: task });
    this.worker.on('message', (message: number | Lateness) => {
      if (typeof message === 'number') this.received = message;
    });
  }

  stop(): Promise<Lateness> {
    return new Promise((resolve, reject) => {
      this.worker.once('error', reject);
      this.worker.on('message', (message: number | Lateness) => {
        if (typeof message !== 'number') resolve(message);
      });
      this.worker.postMessage('stop');
    });
  }
}

async function consume({ address, topic, queues }: Task): Promise<Lateness> {
  const connection = await openConnection(address);
  const stored: number[] = [];
  const received: number[] = [];
  parentPort!.once('message', () => connection.close());
  const visit = (bytes: Buffer, at: number): void => {
    const due = bytes.readDoubleBE(bodyOf(bytes, at).start);
    stored.push(storeTimestampOf(bytes, at) - due);
    received.push(Date.now() - due);
  };
  const one = async (queueId: number): Promise<void> => {
    for (const place = { topic, queueId, offset: 0 }; ;) {
      await pullOnce(connection, place, SUSPEND_MS, visit);
      parentPort!.postMessage(received.length);
    }
  };
  try {
    await Promise.all(Array.from({ length: queues }, (_, queueId) => one(queueId)));
  } catch (error) {
    if (!(error instanceof ConnectionClosedError)) throw error;
  }
  parentPort!.unref();
  return { stored, received };
}

if (!isMainThread) parentPort!.postMessage(await consume(workerData as Task));
