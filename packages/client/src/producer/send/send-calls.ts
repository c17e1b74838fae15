// Makes the sends of one message: to any queue or a chosen one, one-way, and of half messages.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import type { Connection, MessageQueue } from '@nest-rocketmq/remoting/internal';
import type { ClientContext } from '../../client-context.js';
import { RoundRobin, chosenQueue, isQueueChosen } from '../queues/choose-queue.js';
import { compressed, prepare } from './outgoing.js';
import type { PrepareOptions, PreparedMessage } from './outgoing.js';
import type { OutgoingMessage, ResolvedProducerOptions, SendOptions, SendResult } from '../options/producer-options.js';
import type { PendingSends } from './pending-sends.js';
import type { Sender } from './send.js';

export interface SendCallsParts {
  context: ClientContext;
  options: ResolvedProducerOptions;
  pending: PendingSends;
  sender: Sender;
  roundRobin: RoundRobin;
}

export class SendCalls {
  readonly #parts: SendCallsParts;
  readonly #checked = { topic: '' };

  constructor(parts: SendCallsParts) {
    this.#parts = parts;
  }

  /** To any queue, or to the one that the options choose. */
  send(message: OutgoingMessage, options: SendOptions): Promise<SendResult> {
    return this.#parts.pending.run({
      prepare: () => this.prepare(message, options),
      send: (prepared) => this.sendPrepared(prepared, message, options),
    });
  }

  /** A message that is checked and has its id, but is not compressed yet. */
  sendMade(made: PreparedMessage, message: OutgoingMessage, options: SendOptions): Promise<SendResult> {
    return this.#parts.pending.run({
      prepare: () => compressed(made, this.#parts.options),
      send: (prepared) => this.sendPrepared(prepared, message, options),
    });
  }

  /** Resolves when the bytes are given to the connection. */
  async sendOneway(message: OutgoingMessage, options: SendOptions): Promise<void> {
    const { pending, sender, roundRobin } = this.#parts;
    await pending.run({
      prepare: () => this.prepare(message, options),
      send: async (prepared): Promise<Connection> => {
        const { writable } = await sender.route(prepared.topic, this.timeoutOf(options));
        const queue = chosenQueue(writable, message, options) ?? roundRobin.choose(prepared.topic, writable);
        return sender.sendOneway(queue, prepared);
      },
      freed: (connection) => connection.written(),
    });
  }

  /** @param half makes a half message of the message */
  sendHalf(
    message: OutgoingMessage,
    options: SendOptions,
    half: (prepared: PreparedMessage) => PreparedMessage,
  ): Promise<SendResult> {
    return this.#parts.pending.run({
      prepare: async () => half(await this.prepare(message, options)),
      send: (prepared) => this.sendPrepared(prepared, message, options),
    });
  }

  /** Checked, with an id and properties, and compressed if it is large. */
  prepare(message: OutgoingMessage, options: SendOptions): PreparedMessage | Promise<PreparedMessage> {
    return compressed(prepare(message, this.prepareOptions(options)), this.#parts.options);
  }

  prepareOptions(options: SendOptions): PrepareOptions {
    mustBeSendOptions(options);
    const { maxMessageSize, maxDelay } = this.#parts.options;
    const { ids, clock } = this.#parts.context;
    const { shardingKey } = options;
    return { ids, now: clock.now(), maxMessageSize, maxDelay, shardingKey, checked: this.#checked };
  }

  sendPrepared(prepared: PreparedMessage, message: OutgoingMessage, options: SendOptions): Promise<SendResult> {
    const timeout = this.timeoutOf(options);
    if (!isQueueChosen(options)) return this.#parts.sender.sendToAny(prepared, timeout);
    return this.#sendToChosen(prepared, message, options, timeout);
  }

  async #sendToChosen(
    prepared: PreparedMessage,
    message: OutgoingMessage,
    options: SendOptions,
    timeout: number,
  ): Promise<SendResult> {
    const { sender, context } = this.#parts;
    const { clock } = context;
    const startedAt = clock.monotonic();
    const { writable } = await sender.route(prepared.topic, timeout);
    const queue = chosenQueue(writable, message, options)!;
    return sender.sendTo(queue, prepared, Math.max(1, Math.ceil(timeout - (clock.monotonic() - startedAt))));
  }

  /** ms */
  timeoutOf({ timeout = this.#parts.options.sendMsgTimeout }: SendOptions): number {
    return timeout;
  }
}

const LONGEST_SEND_MS = 24 * 3_600_000;

/** Callers in JavaScript may give anything. @throws InvalidOptionError */
export function mustBeSendOptions(options: SendOptions): void {
  if (typeof options !== 'object' || options === null) {
    throw new InvalidOptionError('options', options, 'an object, such as { timeout: 5_000 }');
  }
  const { timeout, selector, messageQueue } = options;
  if (timeout !== undefined && !(timeout >= 1 && timeout <= LONGEST_SEND_MS)) {
    throw new InvalidOptionError('timeout', timeout, `a number from 1 to ${LONGEST_SEND_MS} (ms)`);
  }
  if (selector !== undefined && typeof selector !== 'function') {
    throw new InvalidOptionError('selector', selector, 'a function that returns one of the queues that it is given');
  }
  if (messageQueue !== undefined && !isQueue(messageQueue)) {
    throw new InvalidOptionError('messageQueue', messageQueue, '{ topic, brokerName, queueId }');
  }
}

function isQueue(given: MessageQueue): boolean {
  const { topic, brokerName, queueId } = given ?? {};
  return typeof topic === 'string' && typeof brokerName === 'string' && Number.isInteger(queueId);
}
