// Sends a list of messages in as few requests as their topics, queues and sizes allow.
import { InvalidOptionError, NotRunningError } from '@nest-rocketmq/remoting/internal';
import type { Clock, MessageQueue } from '@nest-rocketmq/remoting/internal';
import { InvalidMessageError } from '../../errors.js';
import { splitIntoRuns, toBatch, toMember, waitOf } from './batch.js';
import type { BatchMember } from './batch.js';
import { SendSkippedError } from './batch-errors.js';
import { BatchResults, resultsOf } from './batch-results.js';
import { checkQueueTopic, chosenQueue, isQueueChosen } from '../queues/choose-queue.js';
import { compressed, prepare } from '../send/outgoing.js';
import type { PreparedMessage } from '../send/outgoing.js';
import type { PendingSends } from '../send/pending-sends.js';
import type { BatchMessage, ResolvedProducerOptions, SendOptions, SendResult } from '../options/producer-options.js';
import type { Sender } from '../send/send.js';
import type { SendCalls } from '../send/send-calls.js';

export interface BatchSenderParts {
  clock: Clock;
  options: ResolvedProducerOptions;
  pending: PendingSends;
  sender: Sender;
  calls: SendCalls;
  /** Aborts when nothing more may be sent. */
  closing: AbortSignal;
}

/** One message of the list. */
interface Entry {
  readonly index: number;
  readonly message: BatchMessage;
  /** Of this message: its own, and else those of the call. */
  readonly options: SendOptions;
  readonly member: BatchMember;
}

export class BatchSender {
  readonly #parts: BatchSenderParts;

  constructor(parts: BatchSenderParts) {
    this.#parts = parts;
  }

  /**
   * @returns a result for each message, in their order
   * @throws InvalidMessageError, InvalidOptionError, InvalidNameError, MessageTooLargeError: then nothing was sent;
   * BatchSendFailedError
   */
  async send(messages: readonly BatchMessage[], options: SendOptions): Promise<SendResult[]> {
    const entries = this.#entriesOf(messages, options);
    const results = new BatchResults(messages);
    const timeout = this.#parts.calls.timeoutOf(options);
    const topics = groupBy(entries, ({ member }) => member.prepared.topic);
    await Promise.all([...topics].map(([topic, list]) => this.#sendTopic(topic, list, timeout, results)));
    return results.all();
  }

  /** Sends members of one topic, queue rule and waitStoreMsgOk in one request. @param timeout ms */
  async sendRun(
    members: readonly BatchMember[],
    queue: MessageQueue | undefined,
    timeout: number,
  ): Promise<SendResult[]> {
    const { pending, sender, closing, options } = this.#parts;
    const [first, ...others] = members;
    if (closing.aborted) throw new NotRunningError(`producer ${options.group}`, 'shut down, and this was not sent yet');
    const sent = await pending.run({
      prepare: (): PreparedMessage | Promise<PreparedMessage> =>
        others.length > 0 ? toBatch(members, this.#parts.clock.now()) : compressed(first!.prepared, options),
      send: (prepared) => (queue ? sender.sendTo(queue, prepared, timeout) : sender.sendToAny(prepared, timeout)),
    });
    return resultsOf(
      sent,
      members.map(({ prepared }) => prepared.msgId),
    );
  }

  #entriesOf(messages: readonly BatchMessage[], options: SendOptions): Entry[] {
    if (!Array.isArray(messages)) {
      throw new InvalidOptionError('messages', messages, 'an array of messages, [{ topic, body }]');
    }
    if (messages.length === 0) throw new InvalidMessageError('the batch is empty; give at least one message');
    // Not `map`: it would leave out the holes of an array.
    return Array.from(messages, (message: BatchMessage, index) => {
      const what = `message ${index} of the batch`;
      if (typeof message !== 'object' || message === null) {
        throw new InvalidMessageError(`${what} is missing; give { topic, body }`);
      }
      const own = ownOptions(message, options);
      const prepared = prepare(message, this.#parts.calls.prepareOptions(own));
      checkQueueTopic(message, own);
      return { index, message, options: own, member: toMember(prepared, what) };
    });
  }

  async #sendTopic(topic: string, entries: readonly Entry[], timeout: number, results: BatchResults): Promise<void> {
    const chosen = entries.filter(({ options }) => isQueueChosen(options));
    const others = entries.filter(({ options }) => !isQueueChosen(options));
    await Promise.all([this.#sendToAny(others, timeout, results), this.#sendToChosen(topic, chosen, timeout, results)]);
  }

  /** No order is asked for: the requests are made at the same time. */
  async #sendToAny(entries: readonly Entry[], timeout: number, results: BatchResults): Promise<void> {
    const groups = groupBy(entries, ({ member }) => waitOf(member.prepared));
    const runs = [...groups.values()].flatMap((list) => splitIntoRuns(list, this.#parts.options.maxMessageSize));
    await Promise.all(runs.map((run) => this.#sendEntries(run, undefined, timeout, results)));
  }

  async #sendToChosen(topic: string, entries: readonly Entry[], timeout: number, results: BatchResults): Promise<void> {
    if (entries.length === 0) return;
    let writable: readonly MessageQueue[];
    try {
      ({ writable } = await this.#parts.sender.route(topic, timeout));
    } catch (error) {
      for (const { index } of entries) results.fail(index, error);
      return;
    }
    const queues = new Map<string, { queue: MessageQueue; list: Entry[] }>();
    for (const entry of entries) {
      try {
        const queue = chosenQueue(writable, entry.message, entry.options)!;
        const key = `${queue.brokerName}:${queue.queueId}`;
        const found = queues.get(key);
        if (found) found.list.push(entry);
        else queues.set(key, { queue, list: [entry] });
      } catch (error) {
        results.fail(entry.index, error);
      }
    }
    await Promise.all([...queues.values()].map(({ queue, list }) => this.#sendInOrder(queue, list, timeout, results)));
  }

  /** One request after the other, so that the messages of a key stay in order. None follows one that failed. */
  async #sendInOrder(
    queue: MessageQueue,
    entries: readonly Entry[],
    timeout: number,
    results: BatchResults,
  ): Promise<void> {
    const runs = splitIntoRuns(entries, this.#parts.options.maxMessageSize);
    for (const [at, run] of runs.entries()) {
      const failure = await this.#sendEntries(run, queue, timeout, results);
      if (failure === undefined) continue;
      const { topic, brokerName, queueId } = queue;
      const error = new SendSkippedError(topic, brokerName, queueId, { cause: failure.error });
      for (const { index } of runs.slice(at + 1).flat()) results.fail(index, error);
      return;
    }
  }

  /** @returns the failure, if it failed */
  async #sendEntries(
    run: readonly Entry[],
    queue: MessageQueue | undefined,
    timeout: number,
    results: BatchResults,
  ): Promise<{ error: unknown } | undefined> {
    try {
      const members = run.map(({ member }) => member);
      const sent = await this.sendRun(members, queue, timeout);
      for (const [at, { index }] of run.entries()) results.store(index, sent[at]!);
      return undefined;
    } catch (error) {
      for (const { index } of run) results.fail(index, error);
      return { error };
    }
  }
}

/** A message that names its queue in any way follows its own options alone. */
function ownOptions(message: BatchMessage, options: SendOptions): SendOptions {
  if (!isQueueChosen(message)) return options;
  const { shardingKey, messageQueue, selector } = message;
  return {
    ...(options?.timeout !== undefined && { timeout: options.timeout }),
    ...(shardingKey !== undefined && { shardingKey }),
    ...(messageQueue !== undefined && { messageQueue }),
    ...(selector !== undefined && { selector }),
  };
}

function groupBy<T, K>(list: readonly T[], keyOf: (each: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const each of list) {
    const key = keyOf(each);
    const group = groups.get(key);
    if (group) group.push(each);
    else groups.set(key, [each]);
  }
  return groups;
}
