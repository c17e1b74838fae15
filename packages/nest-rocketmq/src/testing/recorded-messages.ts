// Keeps the messages that the broker of a test has stored, and tells which of them wait for their time.
import type { StoredMessage } from '@nest-rocketmq/broker/internal';
import {
  MessageProperty,
  dlqTopic,
  groupOfRetryTopic,
  isDLQTopic,
  isRetryTopic,
  withoutNamespace,
} from '@nest-rocketmq/remoting/internal';
import type { IncomingBody, MessageConverter } from '../message/message-converter.js';
import { DEFAULT_CLUSTER } from '../rocketmq.tokens.js';
import { keysOf } from './matching.js';
import type { MessageMatch } from './matching.js';

/** A message that the app has sent, or that a group has given up. */
export interface SentMessage<P = unknown> {
  readonly topic: string;
  /** Where it was sent to: `name` of the cluster's forRoot; 'default' for the one without. */
  readonly cluster: string;
  /** The message's tag. */
  readonly tags: string | undefined;
  readonly keys: readonly string[];
  readonly msgId: string;
  /** Decoded as the app does, by the converter of a typed topic that was asked for, too; else the body's text. */
  readonly payload: P;
  readonly body: Buffer;
  readonly properties: ReadonlyMap<string, string>;
  /** When it was stored, by the test's clock. */
  readonly sentAt: Date;
  /** When it is delivered, by the test's clock: the same as `sentAt` without a delay. */
  readonly deliverAt: Date;
}

/** Which of the messages that were sent. */
export type SentMatch<P> = MessageMatch<P, SentMessage<P>>;

/** A message that waits. */
export interface WaitingMessage {
  readonly message: SentMessage;
  /** The topic that it was sent to. */
  readonly origin: string;
  /** The group that gets it again; undefined for a delayed message. */
  readonly retryOf: string | undefined;
}

const OF_THE_SYSTEM = /^(rmq_sys_|%)|_REPLY_TOPIC$/i;

/** @param own the converter of a typed topic */
export type Decode = (message: IncomingBody, cluster: string, own?: MessageConverter) => unknown;

/** Which messages are asked for: those of a topic, or of one tag of it. */
export interface ChosenTopic {
  readonly topic: string;
  readonly tag?: string | undefined;
  readonly converter?: MessageConverter | undefined;
}

/** A message, and where it was stored. */
interface Recorded extends StoredMessage {
  readonly cluster: string;
}

export class RecordedMessages {
  #messages: Recorded[] = [];
  readonly #recalled = new Set<Recorded>();

  /** @param namespaceOf a cluster's option `namespace`: a test knows topics by the names of the app */
  constructor(
    private readonly decode: Decode,
    private readonly namespaceOf: (cluster: string) => string | undefined = () => undefined,
  ) {}

  add(message: StoredMessage, cluster: string = DEFAULT_CLUSTER): void {
    const recalled = message.properties.get(MessageProperty.TIMER_DEL_UNIQKEY);
    if (recalled === undefined) return void this.#messages.push({ ...message, cluster });
    for (const each of this.#messages) {
      if (each.cluster === cluster && isRecalledBy(each, recalled)) this.#recalled.add(each);
    }
  }

  clear(): void {
    this.#messages = [];
    this.#recalled.clear();
  }

  /** What was sent to the topic, or to any, of one cluster, or of all. */
  sent(chosen?: ChosenTopic, cluster?: string): SentMessage[] {
    return this.#messages
      .filter((each) => cluster === undefined || each.cluster === cluster)
      .map((each) => this.#inApp(each))
      .filter((each) => (chosen === undefined ? isOfTheApp(each.topic) : isIn(chosen, each)))
      .map((each) => this.#described(each, chosen?.converter));
  }

  deadLetters(group: string, cluster?: string): SentMessage[] {
    return this.sent({ topic: dlqTopic(group) }, cluster);
  }

  /** What is due after `now` (ms since the epoch), the next one first. */
  waiting(now: number): WaitingMessage[] {
    return this.#messages
      .filter((each) => each.due > now && !this.#recalled.has(each))
      .toSorted((a, b) => a.due - b.due)
      .map((each) => {
        const shown = this.#inApp(each);
        const { topic, cluster, properties } = shown;
        const origin = properties.get(MessageProperty.RETRY_TOPIC);
        return {
          message: this.#described(shown),
          origin: origin === undefined ? topic : this.#nameInApp(origin, cluster),
          retryOf: isRetryTopic(topic) ? groupOfRetryTopic(topic) : undefined,
        };
      });
  }

  #inApp(message: Recorded): Recorded {
    const topic = this.#nameInApp(message.topic, message.cluster);
    return topic === message.topic ? message : { ...message, topic };
  }

  #nameInApp(topic: string, cluster: string): string {
    const namespace = this.namespaceOf(cluster);
    return namespace === undefined ? topic : withoutNamespace(topic, namespace);
  }

  #described(message: Recorded, converter?: MessageConverter): SentMessage {
    const { topic, cluster, properties, body, storeTimestamp, due } = message;
    return {
      topic,
      cluster,
      tags: properties.get(MessageProperty.TAGS),
      keys: keysOf(properties),
      msgId: properties.get(MessageProperty.UNIQ_KEY) ?? '',
      payload: this.decode(message, cluster, converter),
      body,
      properties,
      sentAt: new Date(storeTimestamp),
      deliverAt: new Date(due),
    };
  }
}

/** Decodes as the app does, and falls back to the text. */
export function decodeWith(converter: (cluster: string) => MessageConverter): Decode {
  return (message, cluster, own) => {
    try {
      return (own ?? converter(cluster)).decode(message, 'json');
    } catch {
      return message.body.toString('utf8');
    }
  };
}

const isIn = ({ topic, tag }: ChosenTopic, message: StoredMessage): boolean =>
  message.topic === topic && (tag === undefined || message.properties.get(MessageProperty.TAGS) === tag);

/** Retries, dead letters, replies and traces are not what an app sends of itself. */
function isOfTheApp(topic: string): boolean {
  return !isRetryTopic(topic) && !isDLQTopic(topic) && !OF_THE_SYSTEM.test(topic);
}

/** @param recalled the unique key, in newer clients behind the topic and a '+' */
function isRecalledBy({ properties, topic }: StoredMessage, recalled: string): boolean {
  const key = properties.get(MessageProperty.UNIQ_KEY) ?? '';
  return key !== '' && (recalled === key || recalled === `${topic}+${key}`);
}
