// Provides the topics that rows send to, and producers for them.
import type { OutgoingMessage, Producer, RocketMQClient, SendOptions, SendResult } from '@nest-rocketmq/client';
import type { MessageQueue } from '@nest-rocketmq/remoting/internal';
import { Reader } from './reader.js';
import type { Stage } from './stage.js';

/** A cold JVM takes its time for the first sends. */
export const SEND_TIMEOUT_MS = 20_000;

export interface Topic {
  topic: string;
  client: RocketMQClient;
  producer: Producer;
  queues: MessageQueue[];
  send: (message: Omit<OutgoingMessage, 'topic'>, options?: SendOptions) => Promise<SendResult>;
  /** A reader of the topic in a group of its own. */
  read: () => Promise<Reader>;
}

/** Resolves with the promise's value; time passes meanwhile. */
export async function passing<T>(stage: Stage, what: string, promise: Promise<T>): Promise<T> {
  let done = false;
  const end = (): void => void (done = true);
  promise.then(end, end);
  await stage.until(what, () => done);
  return promise;
}

/** A new topic with as many queues on each broker. */
export async function topicOf(stage: Stage, topic: string, queues = 4): Promise<Topic> {
  const client = await stage.newClient();
  await passing(stage, 'the topic', client.admin.createTopic({ topic, queues }));
  const producer = client.createProducer({ group: `${topic}_producer`, sendMsgTimeout: SEND_TIMEOUT_MS });
  await producer.start();
  return {
    topic,
    client,
    producer,
    queues: await producer.fetchPublishMessageQueues(topic),
    send: (message, options) => producer.send({ topic, ...message }, options),
    read: () => Reader.start(stage, { group: `${topic}_reader`, topic, consumeMode: 'CONCURRENTLY' }),
  };
}

/** 'name-0' to 'name-9' for 10. */
export const numbered = (name: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${name}-${i}`);
