// Sends one message after another and measures each send. Runs in a worker thread, since the benchmark's other work would
// delay its clock.
import { once } from 'node:events';
import { connect } from 'node:net';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { expectSuccess, Requests } from '@nest-rocketmq/remoting/internal';
import { openConnection } from '../load/connection.js';
import { percentile } from '../table.js';

/** The pause between two sends, ms: the producer measures, and must not be a load. */
const PAUSE_MS = 2;
const PATIENCE_MS = 60_000;
const QUEUES = 4;
/** As large as a send. */
const ECHOED_BYTES = 300;

interface Task {
  /** host:port of the broker, or of the echo process */
  address: string;
  /** Undefined: bytes are sent to the echo process. */
  topic: string | undefined;
  sends: number;
}

/** ms */
export interface Latencies {
  p50: number;
  p99: number;
}

/** Runs so many sends, one after another. */
export async function sendLatencies(task: Task): Promise<Latencies> {
  const worker = new Worker(new URL(import.meta.url), { workerData: task });
  const [latencies] = (await once(worker, 'message')) as [Latencies];
  return latencies;
}

interface Peer {
  /** One send to the topic, or one round of bytes. */
  exchange(turn: number): Promise<void>;
  close(): void;
}

async function peerAt(address: string, topic: string | undefined): Promise<Peer> {
  if (topic === undefined) {
    const [host, port] = address.split(':');
    const socket = connect({ host, port: Number(port), noDelay: true });
    await once(socket, 'connect');
    const bytes = Buffer.alloc(ECHOED_BYTES);
    const exchange = async (): Promise<void> => {
      socket.write(bytes);
      await once(socket, 'data');
    };
    return { exchange, close: () => socket.destroy() };
  }
  const connection = await openConnection(address);
  const body = Buffer.alloc(128, 'x');
  const exchange = async (turn: number): Promise<void> => {
    const header = {
      a: 'probe',
      b: topic,
      c: 'TBW102',
      d: 4,
      e: turn % QUEUES,
      f: 0,
      g: Date.now(),
      h: 0,
      i: '',
      j: 0,
    };
    expectSuccess(await connection.request(Requests.SEND_MESSAGE_V2, header, { body, timeout: PATIENCE_MS }), address);
  };
  return { exchange, close: () => connection.close() };
}

async function measure({ address, topic, sends }: Task): Promise<Latencies> {
  const peer = await peerAt(address, topic);
  const times: number[] = [];
  for (let i = 0; i < sends; i++) {
    const start = performance.now();
    await peer.exchange(i);
    times.push(performance.now() - start);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  peer.close();
  return { p50: percentile(times, 50), p99: percentile(times, 99) };
}

if (!isMainThread) parentPort!.postMessage(await measure(workerData as Task));
