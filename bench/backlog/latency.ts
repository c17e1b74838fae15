// Owns a producer that sends one message after the other, and how long each send took. On a thread of its own: whatever
// else the benchmark does would hold up its clock.
import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { expectSuccess, Requests } from '@nest-rocketmq/remoting';
import { openConnection } from '../load/connection.js';
import { percentile } from '../table.js';

/** Between two sends, so that the producer measures and does not load. ms */
const PAUSE_MS = 2;
const PATIENCE_MS = 60_000;
const QUEUES = 4;

interface Task {
  /** host:port of the broker */
  address: string;
  topic: string;
  sends: number;
}

/** ms */
export interface Latencies {
  p50: number;
  p99: number;
}

/** So many sends, one after the other. */
export async function sendLatencies(task: Task): Promise<Latencies> {
  const worker = new Worker(new URL(import.meta.url), { workerData: task });
  const [latencies] = (await once(worker, 'message')) as [Latencies];
  return latencies;
}

async function measure({ address, topic, sends }: Task): Promise<Latencies> {
  const connection = await openConnection(address);
  const times: number[] = [];
  const body = Buffer.alloc(128, 'x');
  for (let i = 0; i < sends; i++) {
    const header = { a: 'probe', b: topic, c: 'TBW102', d: 4, e: i % QUEUES, f: 0, g: Date.now(), h: 0, i: '', j: 0 };
    const start = performance.now();
    expectSuccess(await connection.request(Requests.SEND_MESSAGE_V2, header, { body, timeout: PATIENCE_MS }), address);
    times.push(performance.now() - start);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  connection.close();
  return { p50: percentile(times, 50), p99: percentile(times, 99) };
}

if (!isMainThread) parentPort!.postMessage(await measure(workerData as Task));
