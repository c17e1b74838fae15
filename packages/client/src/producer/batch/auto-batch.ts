// Collects sends for a moment and sends those that go together in one request, with `autoBatch` (Apache: ProduceAccumulator).
import { MessageProperty, isRetryTopic } from '@nest-rocketmq/remoting/internal';
import type { Clock, MessageQueue, TimerHandle } from '@nest-rocketmq/remoting/internal';
import type { AutoBatchOptions } from '../options/auto-batch-options.js';
import { isDelayed, splitIntoRuns, toMember, waitOf } from './batch.js';
import type { BatchMember } from './batch.js';
import type { BatchSender } from './batch-sender.js';
import { chosenQueue, isQueueChosen } from '../queues/choose-queue.js';
import { prepare } from '../send/outgoing.js';
import type { PreparedMessage } from '../send/outgoing.js';
import type { PendingSends } from '../send/pending-sends.js';
import type { OutgoingMessage, ResolvedProducerOptions, SendOptions, SendResult } from '../options/producer-options.js';
import type { Sender } from '../send/send.js';
import type { SendCalls } from '../send/send-calls.js';

export interface AutoBatchParts {
  clock: Clock;
  options: ResolvedProducerOptions;
  pending: PendingSends;
  sender: Sender;
  calls: SendCalls;
  batches: BatchSender;
}

/** A send that waits for others. */
interface HeldSend {
  readonly member: BatchMember;
  readonly resolve: (result: SendResult) => void;
  readonly reject: (error: unknown) => void;
}

/** Sends that go into one request: those of one topic, queue, waitStoreMsgOk and tag (Apache: AggregateKey). */
interface Aggregate {
  readonly queue: MessageQueue | undefined;
  readonly held: HeldSend[];
  /** Of the bodies. */
  bytes: number;
  timer: TimerHandle | undefined;
}

export class AutoBatch {
  readonly #parts: AutoBatchParts;
  readonly #limits: Required<AutoBatchOptions>;
  readonly #aggregates = new Map<string, Aggregate>();
  /** Of the bodies that are held or under way. */
  #bytes = 0;
  #isClosed = false;

  constructor(parts: AutoBatchParts, limits: Required<AutoBatchOptions>) {
    this.#parts = parts;
    this.#limits = limits;
  }

  /** Resolves and rejects as a send of its own would. */
  send(message: OutgoingMessage, options: SendOptions): Promise<SendResult> {
    return this.#parts.pending.track(async () => {
      const { calls } = this.#parts;
      const prepared = prepare(message, calls.prepareOptions(options));
      if (!this.#mayWait(prepared, options)) return calls.sendMade(prepared, message, options);
      const bytes = prepared.body.length;
      this.#bytes += bytes;
      try {
        const member = toMember(prepared, 'the message');
        const queue = await this.#queueOf(prepared, message, options);
        return await new Promise<SendResult>((resolve, reject) => this.#add({ member, resolve, reject }, queue));
      } finally {
        this.#bytes -= bytes;
      }
    });
  }

  /** Sends what is held now. */
  flush(): void {
    for (const [key, aggregate] of this.#aggregates) this.#sendOff(key, aggregate);
  }

  /** Sends what is held, and holds nothing any more. */
  close(): void {
    this.#isClosed = true;
    this.flush();
  }

  /** As Apache's `canBatch`. A send with a timeout of its own goes by itself, since a request has only one. */
  #mayWait(prepared: PreparedMessage, { timeout }: SendOptions): boolean {
    const fits = this.#bytes + prepared.body.length <= this.#limits.totalBytes;
    return fits && timeout === undefined && !isDelayed(prepared) && !isRetryTopic(prepared.topic);
  }

  async #queueOf(
    { topic }: PreparedMessage,
    message: OutgoingMessage,
    options: SendOptions,
  ): Promise<MessageQueue | undefined> {
    if (!isQueueChosen(options)) return undefined;
    const { sender, calls } = this.#parts;
    const { writable } = await sender.route(topic, calls.timeoutOf(options));
    return chosenQueue(writable, message, options);
  }

  #add(send: HeldSend, queue: MessageQueue | undefined): void {
    const { prepared } = send.member;
    const key = keyOf(prepared, queue);
    const aggregate = this.#aggregates.get(key) ?? this.#open(key, queue);
    aggregate.held.push(send);
    aggregate.bytes += prepared.body.length;
    if (aggregate.bytes > this.#limits.holdBytes || this.#isClosed) this.#sendOff(key, aggregate);
  }

  #open(key: string, queue: MessageQueue | undefined): Aggregate {
    const { holdMs } = this.#limits;
    const aggregate: Aggregate = { queue, held: [], bytes: 0, timer: undefined };
    this.#aggregates.set(key, aggregate);
    const sendOff = (): void => this.#sendOff(key, aggregate);
    if (holdMs === 0) setImmediate(sendOff);
    else aggregate.timer = this.#parts.clock.setTimeout(sendOff, holdMs);
    return aggregate;
  }

  #sendOff(key: string, aggregate: Aggregate): void {
    // It may have been sent off already, for its size or by a flush.
    if (this.#aggregates.get(key) !== aggregate) return;
    this.#aggregates.delete(key);
    this.#parts.clock.clearTimeout(aggregate.timer);
    for (const run of splitIntoRuns(aggregate.held, this.#parts.options.maxMessageSize)) {
      void this.#sendRun(run, aggregate.queue);
    }
  }

  async #sendRun(run: readonly HeldSend[], queue: MessageQueue | undefined): Promise<void> {
    const { batches, options } = this.#parts;
    try {
      const members = run.map(({ member }) => member);
      const results = await batches.sendRun(members, queue, options.sendMsgTimeout);
      for (const [index, { resolve }] of run.entries()) resolve(results[index]!);
    } catch (error) {
      for (const { reject } of run) reject(error);
    }
  }
}

function keyOf(prepared: PreparedMessage, queue: MessageQueue | undefined): string {
  const { topic, properties } = prepared;
  const tag = properties.get(MessageProperty.TAGS) ?? '';
  return JSON.stringify([topic, queue?.brokerName, queue?.queueId, waitOf(prepared), tag]);
}
