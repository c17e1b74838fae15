// Checks the topics that the module's options declare.
import { isDeepStrictEqual } from 'node:util';
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import { checkTopic } from '../message/destination.js';
import { checkInteger, checkKeys, checkOneOf } from '../option-checks.js';

/** A topic that is created when the app starts, unless it exists. */
export interface TopicOptions {
  name: string;
  /**
   * Queues on each broker, 1 to 65535. Default 8. With 1, and without `brokers`, the topic has one queue in all, and so all its
   * messages are in one order.
   */
  queues?: number;
  /** Names of the brokers to create it on. Default: all; with `queues: 1` the first by name. */
  brokers?: string[];
  /** Whether clients may read it, write to it, or both. Default 'RW'. */
  permissions?: TopicPermissions;
  /**
   * What its messages are: the attribute message.type of RocketMQ 5, which its proxies and gRPC clients insist on. Brokers
   * before 5.0 have none. Default: none, for messages of all kinds.
   */
  type?: TopicType;
  /** Other attributes of RocketMQ 5, such as `{ 'reserve.time': '3600000' }`. Default: none. */
  attributes?: Readonly<Record<string, string>>;
}

/** Whether clients may read a topic ('R'), write to it ('W'), or both. */
export type TopicPermissions = 'R' | 'W' | 'RW';
/** The kinds of messages that RocketMQ 5 knows. */
export type TopicType = 'NORMAL' | 'FIFO' | 'DELAY' | 'TRANSACTION';

/** The bits of permissions in the protocol. */
export const PERM = { R: 4, W: 2, RW: 6 } as const satisfies Record<TopicPermissions, number>;

/** As mqadmin takes them: '+message.type=FIFO'. */
export function attributesText(attributes: Readonly<Record<string, string>>): string {
  return Object.entries(attributes)
    .map(([name, value]) => `+${name}=${value}`)
    .join(',');
}

/** A checked declaration. */
export interface CheckedTopic {
  readonly name: string;
  readonly queues: number;
  readonly brokers: string[] | undefined;
  readonly permissions?: TopicPermissions;
  /** With the type. */
  readonly attributes?: Readonly<Record<string, string>>;
}

/** Topics, and where they are declared: 'RocketMQModule.forFeature'. */
export interface TopicDeclaration {
  readonly where: string;
  readonly topics: readonly CheckedTopic[];
}

const TOPIC_OPTIONS = [
  'name',
  'queues',
  'brokers',
  'permissions',
  'type',
  'attributes',
] as const satisfies readonly (keyof TopicOptions)[];
const PERMISSIONS = ['R', 'W', 'RW'] as const;
const TYPES = ['NORMAL', 'FIFO', 'DELAY', 'TRANSACTION'] as const;
const MESSAGE_TYPE = 'message.type';
const MOST_ATTRIBUTES = 64;
const LONGEST_ATTRIBUTE = 1_024;
const DEFAULT_QUEUES = 8;
const MOST_QUEUES = 65_535;

/** @throws InvalidOptionError */
export function checkTopics(given: unknown): CheckedTopic[] {
  if (!Array.isArray(given)) throw new InvalidOptionError('topics', given, 'an array of { name, queues }');
  const topics = given.map((topic: TopicOptions, at) => checkOne(topic, `topics.${at}`));
  const twice = topics.findIndex(({ name }, at) => topics.findIndex((other) => other.name === name) !== at);
  if (twice < 0) return topics;
  throw new InvalidOptionError(`topics.${twice}.name`, topics[twice]!.name, 'each topic once');
}

function checkOne(given: TopicOptions, option: string): CheckedTopic {
  checkKeys(option, given, TOPIC_OPTIONS);
  const { name, queues = DEFAULT_QUEUES, brokers, permissions } = given;
  const attributes = checkAttributes(option, given);
  return {
    name: checkTopic(`${option}.name`, name),
    queues: checkInteger(`${option}.queues`, queues, 1, MOST_QUEUES),
    brokers: brokers === undefined ? undefined : checkBrokers(`${option}.brokers`, brokers),
    ...(permissions !== undefined && { permissions: checkOneOf(`${option}.permissions`, permissions, PERMISSIONS) }),
    ...(attributes && { attributes }),
  };
}

/** The topics of all declarations. Two may declare the same one, if they agree. @throws InvalidOptionError */
export function mergeTopics(declarations: readonly TopicDeclaration[]): CheckedTopic[] {
  const found = new Map<string, { topic: CheckedTopic; where: string }>();
  for (const { where, topics } of declarations) {
    for (const topic of topics) {
      const other = found.get(topic.name);
      if (!other) found.set(topic.name, { topic, where });
      else if (!isDeepStrictEqual(other.topic, topic)) {
        const allowed = `the same settings for topic ${topic.name} as in ${other.where}: ${JSON.stringify(other.topic)}`;
        throw new InvalidOptionError('topics', topic, allowed, where);
      }
    }
  }
  return [...found.values()].map(({ topic }) => topic);
}

function checkAttributes(option: string, { type, attributes }: TopicOptions): CheckedTopic['attributes'] {
  if (type === undefined && attributes === undefined) return undefined;
  const given: unknown = attributes ?? {};
  const isObject = typeof given === 'object' && given !== null && !Array.isArray(given);
  const entries = isObject ? Object.entries(given) : [];
  if (!isObject || entries.length > MOST_ATTRIBUTES || !entries.every(isAttribute)) {
    const allowed = `an object of at most ${MOST_ATTRIBUTES} texts without ',' and '=', such as { 'reserve.time': '3600000' }`;
    throw new InvalidOptionError(`${option}.attributes`, given, allowed);
  }
  if (type === undefined) return Object.fromEntries(entries) as Record<string, string>;
  if (entries.some(([name]) => name === MESSAGE_TYPE)) {
    throw new InvalidOptionError(`${option}.attributes`, given, `without ${MESSAGE_TYPE}, which the option type sets`);
  }
  return { [MESSAGE_TYPE]: checkOneOf(`${option}.type`, type, TYPES), ...Object.fromEntries(entries) };
}

function isAttribute([name, value]: [string, unknown]): boolean {
  const isText = (text: unknown): boolean =>
    typeof text === 'string' && text.length > 0 && text.length <= LONGEST_ATTRIBUTE && !/[,=]/.test(text);
  return isText(name) && !/[+-]/.test(name) && isText(value);
}

function checkBrokers(option: string, given: unknown): string[] {
  const isList = Array.isArray(given) && given.length > 0;
  if (isList && given.every((name) => typeof name === 'string' && name !== '')) return given as string[];
  throw new InvalidOptionError(option, given, `names of brokers, such as ['broker-a']`);
}
