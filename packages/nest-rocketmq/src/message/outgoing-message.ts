// Turns a destination, a payload and options into the message that the client sends.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import type { OutgoingMessage } from '@nest-rocketmq/client';
import type { DelayLevels, Duration } from './delay.js';
import { checkTag, parseDestination } from './destination.js';
import type { Destination } from './destination.js';
import type { MessageConverter } from './message-converter.js';
import { checkInteger, checkKeys } from '../option-checks.js';

/** Options of all sends. */
export interface MessageOptions {
  /** Business keys, by which the message can be found later. Without spaces: RocketMQ separates keys with them. */
  keys?: string | string[];
  /** One tag, the same as in 'topic:tag'. */
  tags?: string;
  /** The app's own properties, for its consumers. Names that RocketMQ uses itself are refused. */
  properties?: Record<string, string>;
}

/** When a message is delivered. Default: at once. */
export interface DelayOptions {
  /** How much later it is delivered: ms, or '10s', '30m', '2h'. Must be the length of one of the broker's delay levels. */
  delay?: Duration;
  /** The delay as a level. In Apache's default table 1 is 1s and 18 is 2h. */
  delayLevel?: number;
}

const MESSAGE_OPTIONS = ['keys', 'tags', 'properties'];
const DELAY_OPTIONS = ['delay', 'delayLevel'];

export interface Composer {
  readonly converter: MessageConverter;
  readonly levels: DelayLevels;
}

/** @param others options that the caller handles @throws InvalidOptionError, MessageEncodeError */
export function compose(
  composer: Composer,
  destination: Destination,
  payload: unknown,
  options: MessageOptions & DelayOptions,
  others: readonly string[],
  delayable: boolean,
): OutgoingMessage {
  checkKeys('options', options, [...MESSAGE_OPTIONS, ...(delayable ? DELAY_OPTIONS : []), ...others]);
  const { topic, tag } = parseDestination(destination);
  const { body, properties } = composer.converter.encode(payload);
  return {
    topic,
    body,
    tags: tagOf(tag, options.tags),
    keys: keysOf(options.keys),
    delayLevel: levelOf(composer.levels, options),
    properties: { ...properties, ...propertiesOf(options.properties) },
  };
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

function levelOf(levels: DelayLevels, { delay, delayLevel }: DelayOptions): number | undefined {
  if (delay !== undefined && delayLevel !== undefined) {
    throw new InvalidOptionError('delayLevel', delayLevel, 'delay or delayLevel, not both');
  }
  if (delayLevel !== undefined) return checkInteger('delayLevel', delayLevel, 1, levels.max);
  return delay === undefined ? undefined : levels.levelOf(delay);
}
