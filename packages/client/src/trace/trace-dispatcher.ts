// Sends trace records in batches, behind the back of what is traced: it slows nothing down, and its failures fail nothing.
import { describe } from '@nest-rocketmq/remoting/internal';
import type { Clock, Logger, TimerHandle } from '@nest-rocketmq/remoting/internal';
import { encodeTraceRecord, renamed, traceKeysOf, tracedTopicOf } from './trace-record.js';
import type { TraceRecord } from './trace-record.js';

/** Apache's sizes: of the queue before records are dropped, of a batch, of a message in bytes; and its pause, ms. */
export const MOST_WAITING_RECORDS = 2_048;
export const RECORDS_IN_A_BATCH = 10;
export const MOST_TRACE_BYTES = 128_000;
export const FLUSH_INTERVAL_MS = 5_000;
/** Java sends by so many threads at most. */
const MOST_SENDS_UNDER_WAY = 4;

export interface TraceDispatcherParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly traceTopic: string;
  /** The name of a topic or group as the application knows it, out of its namespace. Default: as it is. */
  readonly nameOf?: (name: string) => string;
  /** Sends one message of records. It is itself not traced. */
  readonly send: (keys: string[], body: string) => Promise<void>;
}

export class TraceDispatcher {
  readonly #parts: TraceDispatcherParts;
  #waiting: TraceRecord[] = [];
  readonly #sending = new Set<Promise<void>>();
  #timer: TimerHandle | undefined;
  #dropped = 0;
  #failing = false;
  #closed = false;

  constructor(parts: TraceDispatcherParts) {
    this.#parts = parts;
  }

  get clock(): Clock {
    return this.#parts.clock;
  }

  /** Records that were dropped, since more came than could be sent. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Whether messages of the topic are traced: those of the trace topic are not. */
  traces(topic: string): boolean {
    return !topic.startsWith(this.#parts.traceTopic);
  }

  /** Takes a record. Returns at once. */
  append(record: TraceRecord): void {
    if (this.#closed) return;
    if (this.#waiting.length >= MOST_WAITING_RECORDS) {
      if (this.#dropped++ === 0) {
        this.#parts.logger.warn(`trace records are dropped: ${this.#parts.traceTopic} takes less than there are`);
      }
      return;
    }
    this.#waiting.push(record);
    if (this.#waiting.length >= RECORDS_IN_A_BATCH) this.#flush();
    else this.#timer ??= this.#parts.clock.setTimeout(() => this.#flush(), FLUSH_INTERVAL_MS);
  }

  /** Sends what waits, and takes no more. Resolves when it is sent, or one message of it could not be. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#flush();
    while (this.#sending.size > 0) await Promise.all(this.#sending);
  }

  #flush(): void {
    this.#parts.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    while (this.#waiting.length > 0 && this.#sending.size < MOST_SENDS_UNDER_WAY) {
      const batch = this.#waiting.splice(0, RECORDS_IN_A_BATCH);
      const sending = this.#send(batch).finally(() => {
        this.#sending.delete(sending);
        // What has come meanwhile need not wait for the timer, if it fills a batch or nothing comes after it.
        if (this.#closed || this.#waiting.length >= RECORDS_IN_A_BATCH) this.#flush();
        else if (this.#waiting.length > 0)
          this.#timer ??= this.#parts.clock.setTimeout(() => this.#flush(), FLUSH_INTERVAL_MS);
      });
      this.#sending.add(sending);
    }
  }

  /** Never rejects. */
  async #send(batch: readonly TraceRecord[]): Promise<void> {
    const { logger, send, traceTopic, nameOf } = this.#parts;
    try {
      const records = nameOf ? batch.map((record) => renamed(record, nameOf)) : batch;
      for (const { keys, body } of messagesOf(records)) await send(keys, body);
      this.#failing = false;
    } catch (error) {
      if (!this.#failing)
        logger.warn(`the trace could not be sent to topic ${traceTopic}, and is lost: ${describe(error)}`);
      this.#failing = true;
      // Nobody waits for what may take minutes to fail.
      if (this.#closed) this.#waiting = [];
    }
  }
}

/** The records by the topic of their messages, in messages that are not too large. */
function messagesOf(batch: readonly TraceRecord[]): { keys: string[]; body: string }[] {
  const messages: { topic: string; keys: Set<string>; body: string }[] = [];
  for (const record of batch) {
    const topic = tracedTopicOf(record);
    const text = encodeTraceRecord(record);
    let message = messages.findLast((each) => each.topic === topic);
    if (!message || Buffer.byteLength(message.body) + Buffer.byteLength(text) > MOST_TRACE_BYTES) {
      messages.push((message = { topic, keys: new Set(), body: '' }));
    }
    message.body += text;
    for (const key of traceKeysOf(record)) message.keys.add(key);
  }
  return messages.map(({ keys, body }) => ({ keys: [...keys], body }));
}
