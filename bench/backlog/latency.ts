// Owns a producer that sends one message after the other, and how long each send took. On a thread of its own: the
// reader of the backlog would else hold up its clock.
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { Requests } from '@nest-rocketmq/remoting';
import { openConnection } from '../load/connection.js';

/** Between two sends, so that the producer measures and does not load. ms */
const PAUSE_MS = 2;

interface Target {
  address: string;
  topic: string;
}

export interface Latencies {
  count: number;
  /** ms */
  p50: number;
  p99: number;
}

export class LatencyProbe {
  private readonly worker: Worker;

  constructor(target: Target) {
    this.worker = new Worker(new URL(import.meta.url), { workerData: target });
  }

  stop(): Promise<Latencies> {
    return new Promise((resolve, reject) => {
      this.worker.once('error', reject);
      this.worker.once('message', resolve);
      this.worker.postMessage('stop');
    });
  }
}

async function send({ address, topic }: Target): Promise<Latencies> {
  const connection = await openConnection(address);
  const times: number[] = [];
  const body = Buffer.alloc(128, 'x');
  let ending = false;
  parentPort?.once('message', () => (ending = true));
  for (let i = 0; !ending; i++) {
    const start = performance.now();
    const header = { a: 'probe', b: topic, c: 'TBW102', d: 4, e: i % 4, f: 0, g: Date.now(), h: 0, i: '', j: 0 };
    await connection.request(Requests.SEND_MESSAGE_V2, header, { body, timeout: 60_000 });
    times.push(performance.now() - start);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  connection.close();
  times.sort((a, b) => a - b);
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? NaN;
  return { count: times.length, p50: at(0.5), p99: at(0.99) };
}

if (!isMainThread) parentPort?.postMessage(await send(workerData as Target));
