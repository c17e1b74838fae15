// Creates topics on brokers, and reads how they are set up there.
import {
  AUTO_CREATE_TOPIC_KEY,
  InvalidOptionError,
  Permission,
  MQVersion,
  Requests,
  ResponseCode,
  decodeTopicConfig,
  expectSuccess,
  parseJsonObject,
} from '@nest-rocketmq/remoting/internal';
import type { ClientContext } from '../client-context.js';
import { checkSendTopic } from '../config/names.js';
import { integerIn } from '../config/options.js';

/** The topic to create, for `Admin.createTopic`. */
export interface CreateTopicOptions {
  topic: string;
  /** Queues on each broker, 1 to 65535. Default 8. */
  queues?: number;
  /**
   * Names of the brokers to create it on. Default: all. A topic whose messages are to be in one order has one queue on one
   * broker: `{ queues: 1, brokers: ['broker-a'] }`.
   */
  brokers?: string[];
  /** 2 write, 4 read, 6 both. Default 6. */
  perm?: number;
  /** Attributes of RocketMQ 5, such as `{ 'message.type': 'FIFO' }`. Brokers before 5.0 ignore them. Default: none. */
  attributes?: Readonly<Record<string, string>>;
}

/** How a topic is set up on one broker. */
export interface BrokerTopic {
  readonly broker: string;
  /** Attributes of RocketMQ 5, such as 'message.type' to 'FIFO'. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** What a broker is asked to create. */
export interface TopicToCreate {
  readonly topic: string;
  readonly queues: number;
  readonly perm: number;
  /** As brokers take them: '+message.type=FIFO'. */
  readonly attributes: string | undefined;
}

/** @throws InvalidNameError, InvalidOptionError */
export function checkTopicToCreate(options: CreateTopicOptions): TopicToCreate {
  checkSendTopic(options.topic);
  return {
    topic: options.topic,
    queues: integerIn('queues', options.queues, 8, 1, 65_535),
    perm: integerIn('perm', options.perm, Permission.READ | Permission.WRITE, 0, 7),
    attributes: attributesText(options.attributes),
  };
}

/** @param address of a master */
export async function createTopicOn(
  { brokers }: ClientContext,
  address: string,
  { topic, queues, perm, attributes }: TopicToCreate,
  timeout: number,
): Promise<void> {
  const reply = await brokers.request(
    address,
    Requests.UPDATE_AND_CREATE_TOPIC,
    {
      topic,
      defaultTopic: AUTO_CREATE_TOPIC_KEY,
      readQueueNums: queues,
      writeQueueNums: queues,
      perm,
      topicFilterType: 'SINGLE_TAG',
      topicSysFlag: 0,
      order: false,
      ...(attributes !== undefined && { attributes }),
    },
    { timeout },
  );
  expectSuccess(reply, address);
}

/** Undefined where the broker does not have the topic, or is too old to say. */
export async function readTopicOn(
  { brokers }: ClientContext,
  broker: string,
  address: string,
  topic: string,
  timeout: number,
): Promise<BrokerTopic | undefined> {
  // Brokers before 4.9.1 would never answer.
  if (!(await brokers.isFrom(MQVersion.V5_0_0, address))) return undefined;
  const reply = await brokers.request(address, Requests.GET_TOPIC_CONFIG, { topic }, { timeout });
  if (reply.code === ResponseCode.TOPIC_NOT_EXIST || reply.code === ResponseCode.REQUEST_CODE_NOT_SUPPORTED) {
    return undefined;
  }
  expectSuccess(reply, address);
  return { broker, attributes: decodeTopicConfig(parseJsonObject(reply.body, 'a topic')).attributes };
}

function attributesText(given: CreateTopicOptions['attributes']): string | undefined {
  if (given === undefined) return undefined;
  const entries = Object.entries(given);
  const wrong = entries.find(([name, value]) => !/^[^,=+-]+$/.test(name) || !/^[^,=]+$/.test(value));
  if (wrong) {
    throw new InvalidOptionError(
      `attributes.${wrong[0]}`,
      wrong[1],
      "a text without ',' and '=', and a name without '+' and '-'",
    );
  }
  return entries.length === 0 ? undefined : entries.map(([name, value]) => `+${name}=${value}`).join(',');
}
