// Keeps many sends in flight, records what was acknowledged, and compares it with what is read back. No message is sent
// twice, so each may be stored at most once.
import { crc32 } from 'node:zlib';
import {
  ConnectionClosedError,
  RequestTimeoutError,
  Requests,
  ResponseCode,
  decodeRecords,
} from '@nest-rocketmq/remoting/internal';
import type { Connection } from '@nest-rocketmq/remoting/internal';

export const TOPIC = 'crash';
export const QUEUES = 4;
const FILLER = 'abcdefghijklmnopqrstuvwxyz'.repeat(3_000);
/** Answers that say where to go on. */
const READ: ReadonlySet<number> = new Set([
  ResponseCode.SUCCESS,
  ResponseCode.PULL_NOT_FOUND,
  ResponseCode.PULL_RETRY_IMMEDIATELY,
  ResponseCode.PULL_OFFSET_MOVED,
]);
const PULL_TIMEOUT_MS = 30_000;
/** The default of 3 s is little for hundreds of sends on a busy machine. */
const SEND_TIMEOUT_MS = 60_000;

/** All of them are to be 0. */
export interface Losses {
  lost: number;
  duplicated: number;
  altered: number;
  /** Read, and never sent or refused. */
  ghosts: number;
}

export const NONE: Losses = { lost: 0, duplicated: 0, altered: 0, ghosts: 0 };

interface SendOptions {
  connection: Connection;
  /** Sends in flight. */
  depth: number;
  /** Bytes of a body: at least, at most. */
  sizes?: [number, number];
  /** ms that an answer is waited for. Default: 60 s. */
  timeout?: number;
}

export class Load {
  /** `producer:sequence` of each. */
  readonly acknowledged = new Set<string>();
  /** With the code that came. */
  readonly refused = new Map<string, number>();
  readonly #sent = new Map<string, string>();
  readonly #waiting: { met: () => boolean; resolve: () => void }[] = [];
  #producers = 0;
  #stopped = false;

  /** Sends until `stop`, or until nothing answers any more. Resolves when no answer is outstanding. */
  async send({ connection, depth, sizes = [50, 400], timeout }: SendOptions): Promise<void> {
    this.#stopped = false;
    const producer = this.#producers++;
    let sequence = 0;
    const hand = async (): Promise<void> => {
      while (!this.#stopped && !connection.closed) {
        const id = `${producer}:${sequence++}`;
        const body = bodyOf(id, sizes[0] + ((sequence * 7919) % (sizes[1] - sizes[0] + 1)));
        this.#sent.set(id, body);
        if (!(await this.#one(connection, id, body, sequence % QUEUES, timeout))) return;
      }
    };
    await Promise.all(Array.from({ length: depth }, hand));
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Resolves as soon as so many have been acknowledged in all. */
  untilAcknowledged(count: number): Promise<void> {
    return this.#until(() => this.acknowledged.size >= count);
  }

  untilRefused(count: number): Promise<void> {
    return this.#until(() => this.refused.size >= count);
  }

  /** @param bodies what was read back */
  compare(bodies: readonly string[]): Losses {
    const losses = { ...NONE };
    const seen = new Set<string>();
    for (const body of bodies) {
      const [producer, sequence, crc = ''] = body.split(':', 3);
      const id = `${producer}:${sequence}`;
      const filler = body.slice(id.length + crc.length + 2);
      if (Number(crc) !== crc32(filler)) losses.altered++;
      else if (this.#sent.get(id) !== body || this.refused.has(id)) losses.ghosts++;
      else if (seen.has(id)) losses.duplicated++;
      seen.add(id);
    }
    for (const id of this.acknowledged) if (!seen.has(id)) losses.lost++;
    return losses;
  }

  /** Whether to go on. */
  async #one(connection: Connection, id: string, body: string, queueId: number, timeout?: number): Promise<boolean> {
    const code = await sendOne(connection, body, { queueId, timeout }).catch((error: unknown) => {
      // Nobody knows what became of it.
      if (error instanceof ConnectionClosedError || error instanceof RequestTimeoutError) return undefined;
      throw error;
    });
    if (code === ResponseCode.SUCCESS) this.acknowledged.add(id);
    else if (code !== undefined) this.refused.set(id, code);
    for (const one of this.#waiting.filter(({ met }) => met())) {
      this.#waiting.splice(this.#waiting.indexOf(one), 1);
      one.resolve();
    }
    return code !== undefined;
  }

  #until(met: () => boolean): Promise<void> {
    if (met()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ met, resolve }));
  }
}

export function bodyOf(id: string, length: number): string {
  const filler = FILLER.slice(length % 26, (length % 26) + length);
  return `${id}:${crc32(filler)}:${filler}`;
}

export interface SendOneOptions {
  topic?: string;
  queueId?: number;
  /** Encoded. */
  properties?: string;
  timeout?: number;
}

/** Resolves with the code of the answer. */
export async function sendOne(connection: Connection, body: string, options: SendOneOptions = {}): Promise<number> {
  const { topic = TOPIC, queueId = 0, properties = '', timeout = SEND_TIMEOUT_MS } = options;
  const header = {
    a: 'crash-producers',
    b: topic,
    c: 'TBW102',
    d: QUEUES,
    e: queueId,
    f: 0,
    g: 0,
    h: 0,
    i: properties,
  };
  const reply = await connection.request(Requests.SEND_MESSAGE_V2, header, { body: Buffer.from(body), timeout });
  return reply.code;
}

export interface PullOptions {
  topic?: string;
  queueId?: number;
  offset: number;
  /** ms that the broker may wait for a message. */
  suspend?: number;
}

/** What one pull of a queue gives. */
export function pull(connection: Connection, { topic = TOPIC, queueId = 0, offset, suspend = 0 }: PullOptions) {
  const header = {
    consumerGroup: 'crash-readers',
    topic,
    queueId,
    queueOffset: offset,
    maxMsgNums: 1_024,
    sysFlag: 4 | (suspend > 0 ? 2 : 0),
    commitOffset: 0,
    suspendTimeoutMillis: suspend,
    subVersion: 0,
    subscription: '*',
  };
  return connection.request(Requests.PULL_MESSAGE, header, { timeout: PULL_TIMEOUT_MS + suspend });
}

/** The bodies of all messages, read as a consumer does. */
export async function readBack(connection: Connection, topic = TOPIC): Promise<string[]> {
  const bodies: string[] = [];
  for (let queueId = 0; queueId < QUEUES; queueId++) {
    for (let offset = 0; ;) {
      const reply = await pull(connection, { topic, queueId, offset });
      if (!READ.has(reply.code)) throw new Error(`a pull of queue ${queueId} got ${reply.code}: ${reply.remark}`);
      const { nextBeginOffset = 0, maxOffset = 0 } = reply.header;
      for (const { body } of decodeRecords(reply.body)) bodies.push(body.toString());
      if (nextBeginOffset >= maxOffset) break;
      if (nextBeginOffset <= offset) throw new Error(`queue ${queueId} has no way on from ${offset}: ${reply.remark}`);
      offset = nextBeginOffset;
    }
  }
  return bodies;
}
