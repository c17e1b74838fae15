// Turns a destination, a payload and options into the message that the client sends.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import type { OutgoingMessage } from '@nest-rocketmq/client';
import { DELAY_OPTIONS, checkDelay } from './delay.js';
import type { DelayOptions } from './delay.js';
import { checkTag } from './destination.js';
import type { MessageConverter } from './message-converter.js';
import { checkKeys } from '../option-checks.js';
import { destinationOf, isTopic } from './topic.js';
import type { AnyDestination } from './topic.js';

/** Options of all sends. */
export interface MessageOptions {
  /** Business keys, by which the message can be found later. Without spaces: RocketMQ separates keys with them. */
  keys?: string | string[];
  /** One tag, the same as in 'topic:tag'. */
  tags?: string;
  /** The app's own properties, for its consumers. Names that RocketMQ uses itself are refused. */
  properties?: Record<string, string>;
}

const MESSAGE_OPTIONS = ['keys', 'tags', 'properties'];

export interface Composer {
  readonly converter: MessageConverter;
  /** Of the cluster's table of delay levels. */
  readonly highestDelayLevel: number;
}

/** @param others options that the caller handles @throws InvalidOptionError, MessageEncodeError */
export function compose(
  composer: Composer,
  destination: AnyDestination,
  payload: unknown,
  options: MessageOptions & DelayOptions,
  others: readonly string[],
): OutgoingMessage {
  if (!isEmpty(options)) checkKeys('options', options, [...MESSAGE_OPTIONS, ...DELAY_OPTIONS, ...others]);
  const { topic, tag } = destinationOf(destination);
  const { body, properties } = converterOf(composer, destination).encode(payload);
  return {
    topic,
    body,
    tags: tagOf(tag, options.tags),
    keys: keysOf(options.keys),
    ...checkDelay(options, composer.highestDelayLevel),
    properties: options.properties === undefined ? properties : { ...properties, ...propertiesOf(options.properties) },
  };
}

/** A typed topic may have a converter of its own. */
function converterOf({ converter }: Composer, destination: AnyDestination): MessageConverter {
  return isTopic(destination) ? (destination.converter ?? converter) : converter;
}

/** Most sends have no options. */
function isEmpty(options: object): boolean {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) return false;
  for (const _ in options) return false;
  return true;
}

/** Checks what a reply carries beside its body. @throws InvalidOptionError */
export function checkReplyOptions(options: MessageOptions): MessageOptions {
  checkKeys('options', options, MESSAGE_OPTIONS);
  const tags = tagOf(undefined, options.tags);
  const keys = keysOf(options.keys);
  return { ...(tags !== undefined && { tags }), ...(keys && { keys }), properties: propertiesOf(options.properties) };
}

function tagOf(inDestination: string | undefined, inOptions: string | undefined): string | undefined {
  if (inOptions === undefined) return inDestination;
  if (inDestination === undefined || inDestination === inOptions) return checkTag('tags', inOptions);
  throw new InvalidOptionError('tags', inOptions, `the tag of the destination, '${inDestination}', or none`);
}

function keysOf(keys: string | string[] | undefined): string[] | undefined {
  if (keys === undefined) return undefined;
  const list = [keys].flat();
  if (list.every((key) => typeof key === 'string' && key !== '' && !/\s/.test(key))) return list;
  throw new InvalidOptionError('keys', keys, 'a non-empty string without spaces, or an array of such');
}

function propertiesOf(properties: Record<string, string> | undefined): Record<string, string> {
  if (
    properties !== undefined &&
    (typeof properties !== 'object' || properties === null || Array.isArray(properties))
  ) {
    throw new InvalidOptionError('properties', properties, 'an object whose values are strings');
  }
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (typeof value !== 'string') throw new InvalidOptionError(`properties.${name}`, value, 'a string');
  }
  return properties ?? {};
}

/** @throws InvalidOptionError for a delay: Apache's broker 5.5.0 takes one in a transaction, and may lose the message */
export function refuseDelay(given: object): void {
  const options: DelayOptions = given;
  const option = DELAY_OPTIONS.find((each) => options[each] !== undefined);
  if (option === undefined) return;
  const instead = 'no delay in a transaction; let a listener of its message send the delayed one';
  throw new InvalidOptionError(option, options[option], instead);
}
