// Checks the topics that the module's options declare.
import { InvalidOptionError } from '@nest-rocketmq/remoting/internal';
import { checkTopic } from '../message/destination.js';
import { checkInteger, checkKeys } from '../option-checks.js';

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
}

/** A checked declaration. */
export interface CheckedTopic {
  readonly name: string;
  readonly queues: number;
  readonly brokers: string[] | undefined;
}

const TOPIC_OPTIONS = ['name', 'queues', 'brokers'] as const satisfies readonly (keyof TopicOptions)[];
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
  const { name, queues = DEFAULT_QUEUES, brokers } = given;
  return {
    name: checkTopic(`${option}.name`, name),
    queues: checkInteger(`${option}.queues`, queues, 1, MOST_QUEUES),
    brokers: brokers === undefined ? undefined : checkBrokers(`${option}.brokers`, brokers),
  };
}

function checkBrokers(option: string, given: unknown): string[] {
  const isList = Array.isArray(given) && given.length > 0;
  if (isList && given.every((name) => typeof name === 'string' && name !== '')) return given as string[];
  throw new InvalidOptionError(option, given, `names of brokers, such as ['broker-a']`);
}
