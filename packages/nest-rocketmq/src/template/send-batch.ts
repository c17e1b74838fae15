// Turns the arguments of the template's `sendBatch` into the messages that the client sends.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import type { BatchMessage, SendOptions as ClientSendOptions } from '@nest-rocketmq/client';
import { DELAY_OPTIONS } from '../message/delay.js';
import type { DelayOptions } from '../message/delay.js';
import { compose } from '../message/outgoing-message.js';
import type { Composer, MessageOptions } from '../message/outgoing-message.js';
import { MessageEncodeError, MessageValidationError } from '../errors.js';
import { checkPayload, isTopic } from '../message/topic.js';
import type { AnyDestination } from '../message/topic.js';
import { checkKeys, inside } from '../option-checks.js';
import { SEND_OPTIONS, settingsOf } from './send-options.js';
import type { QueueOptions, SendOptions } from './send-options.js';

/** Marks messages with options. In the global registry, so that both module formats know it. */
const WITH_OPTIONS: unique symbol = Symbol.for('nest-rocketmq:message-with-options');

/** A message of `RocketMQTemplate.sendBatch` with options of its own. `batchMessage` makes it. */
export interface MessageWithOptions<T = unknown> {
  readonly payload: T;
  /** @internal */
  readonly [WITH_OPTIONS]: BatchMessageOptions;
}

/** Options of one message of a batch. They come before those of the batch. */
export interface BatchMessageOptions extends MessageOptions, QueueOptions {
  /** Where this message goes, if not to the destination of the batch. */
  destination?: AnyDestination;
}

/** Options of `RocketMQTemplate.sendBatch`: for all messages that do not say otherwise. A batch has no delay. */
export type BatchOptions = Omit<SendOptions, keyof DelayOptions>;

/** A message of a batch with options of its own: `sendBatch('order', [order1, batchMessage(order2, { keys: '2' })])`. */
export function batchMessage<T>(payload: T, options: BatchMessageOptions = {}): MessageWithOptions<T> {
  return { payload, [WITH_OPTIONS]: options };
}

/** What the client sends, and how. */
export interface ComposedBatch {
  readonly messages: BatchMessage[];
  readonly settings: ClientSendOptions;
}

/**
 * Validates the payloads of typed topics.
 * @returns undefined if there is nothing to validate, so that the batch is not overtaken by a later send
 * @throws MessageValidationError that says which payload does not fit its schema: nothing of the batch is sent then
 */
export function checkBatchPayloads(
  destination: AnyDestination,
  payloads: readonly unknown[],
): Promise<void> | undefined {
  if (!Array.isArray(payloads)) return undefined; // composeBatch refuses it
  const hasSchema = (to: unknown): boolean => isTopic(to) && to.schema !== undefined;
  const isOwn = (given: unknown): boolean => hasOptions(given) && hasSchema(given[WITH_OPTIONS]?.destination);
  return hasSchema(destination) || payloads.some(isOwn) ? checkEach(destination, payloads) : undefined;
}

async function checkEach(destination: AnyDestination, payloads: readonly unknown[]): Promise<void> {
  for (const [index, given] of payloads.entries()) {
    const [payload, to]: [unknown, AnyDestination] = hasOptions(given)
      ? [given.payload, given[WITH_OPTIONS]?.destination ?? destination]
      : [given, destination];
    try {
      const checked = checkPayload(to, payload);
      if (checked) await checked;
    } catch (cause) {
      if (!(cause instanceof MessageValidationError)) throw cause;
      throw new MessageValidationError(`payload ${index} of the batch: ${cause.message}`, { cause });
    }
  }
}

/** @throws InvalidOptionError, MessageEncodeError: nothing of the batch is sent then */
export function composeBatch(
  composer: Composer,
  destination: AnyDestination,
  payloads: readonly unknown[],
  options: BatchOptions,
): ComposedBatch {
  const where = 'RocketMQTemplate.sendBatch';
  const shared = inside(where, undefined, () => {
    checkKeys('options', options, [...SHARED_OPTIONS, ...DELAY_OPTIONS]);
    refuseDelay(options);
    if (!Array.isArray(payloads)) throw new InvalidOptionError('payloads', payloads, 'an array of payloads');
    return settingsOf(options);
  });
  const messages = Array.from(payloads, (given: unknown, index) =>
    inside(where, `payloads[${index}]`, () => composeOne(composer, destination, given, options, index)),
  );
  return { messages, settings: shared };
}

const MESSAGE_OPTIONS = ['keys', 'tags', 'properties'] as const satisfies readonly (keyof MessageOptions)[];
const SHARED_OPTIONS = [...MESSAGE_OPTIONS, ...SEND_OPTIONS];
const QUEUE_OPTIONS = ['shardingKey', 'selector', 'messageQueue'] as const satisfies readonly (keyof QueueOptions)[];
const OWN_OPTIONS = [...MESSAGE_OPTIONS, ...QUEUE_OPTIONS, 'destination', ...DELAY_OPTIONS];

function composeOne(
  composer: Composer,
  destination: AnyDestination,
  given: unknown,
  batch: BatchOptions,
  index: number,
): BatchMessage {
  const [payload, own]: [unknown, BatchMessageOptions] = hasOptions(given)
    ? [given.payload, given[WITH_OPTIONS]]
    : [given, {}];
  checkKeys('options', own, OWN_OPTIONS);
  refuseDelay(own);
  const { keys = batch.keys, properties = batch.properties } = own;
  // A destination of its own may have a tag of its own.
  const tags = own.tags ?? (own.destination === undefined ? batch.tags : undefined);
  const message: MessageOptions = {
    ...(keys !== undefined && { keys }),
    ...(properties !== undefined && { properties }),
    ...(tags !== undefined && { tags }),
  };
  const { shardingKey, selector, messageQueue } = settingsOf(own);
  return {
    ...encoded(index, () => compose(composer, own.destination ?? destination, payload, message, [])),
    ...(shardingKey !== undefined && { shardingKey }),
    ...(selector && { selector }),
    ...(messageQueue && { messageQueue }),
  };
}

function encoded<T>(index: number, encode: () => T): T {
  try {
    return encode();
  } catch (cause) {
    if (!(cause instanceof MessageEncodeError)) throw cause;
    throw new MessageEncodeError(`payload ${index} of the batch: ${cause.message}`, { cause });
  }
}

function hasOptions(given: unknown): given is MessageWithOptions {
  return typeof given === 'object' && given !== null && WITH_OPTIONS in given;
}

/** @throws InvalidOptionError for a delay, which no broker takes in a batch */
function refuseDelay(given: object): void {
  const options: DelayOptions = given;
  const option = DELAY_OPTIONS.find((each) => options[each] !== undefined);
  if (option === undefined) return;
  throw new InvalidOptionError(option, options[option], 'no delay in a batch; send delayed messages one by one');
}
