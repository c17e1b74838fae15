// Sends and recalls messages with a time of their own, and sees when they come, on any broker.
import {
  Connection,
  Requests,
  decodeRecords,
  dialTcp,
  encodeProperties,
  handlerTable,
  silentLogger,
  systemClock,
} from '@nest-rocketmq/remoting/internal';
import type { MessageExt, Reply } from '@nest-rocketmq/remoting/internal';
import type { Cluster } from '../harness/cluster.js';

/** ms that a pull waits for a message, at most. */
const SUSPEND_MS = 500;
const PATIENCE_MS = 60_000;
const NO_FIELDS = { f: 0, h: 0 };

export interface Sent {
  body: string;
  /** UNIQ_KEY; default: the body. */
  key?: string;
  properties: Readonly<Record<string, string>>;
}

export class TimerPeer {
  private constructor(
    private readonly connection: Connection,
    readonly topic: string,
  ) {}

  static async connect({ brokerAddress }: Cluster, topic: string): Promise<TimerPeer> {
    const stream = await dialTcp(brokerAddress);
    const options = { address: brokerAddress, handlers: handlerTable(), clock: systemClock, logger: silentLogger };
    return new TimerPeer(new Connection(stream, options), topic);
  }

  send({ body, key = body, properties }: Sent): Promise<Reply<typeof Requests.SEND_MESSAGE_V2>> {
    const pairs: [string, string][] = [['UNIQ_KEY', key], ...Object.entries(properties)];
    const place = { a: 'timer-peer', b: this.topic, c: 'TBW102', d: 1, e: 0, g: Date.now() };
    const header = { ...NO_FIELDS, ...place, i: encodeProperties(pairs) };
    return this.connection.request(Requests.SEND_MESSAGE_V2, header, { body: Buffer.from(body) });
  }

  recall(recallHandle: string): Promise<Reply<typeof Requests.RECALL_MESSAGE>> {
    const header = { producerGroup: 'timer-peer', topic: this.topic, recallHandle };
    return this.connection.request(Requests.RECALL_MESSAGE, header);
  }

  /**
   * All messages of the topic that have come until `time`, ms since the epoch.
   * @param count of messages that are waited for longer, on a busy machine
   */
  async until(time: number, count: number): Promise<MessageExt[]> {
    const messages: MessageExt[] = [];
    const isOver = (): boolean => Date.now() >= (messages.length < count ? time + PATIENCE_MS : time);
    for (let offset = 0; !isOver();) {
      const header = {
        consumerGroup: 'timer-readers',
        topic: this.topic,
        queueId: 0,
        queueOffset: offset,
        maxMsgNums: 32,
        sysFlag: 6,
        commitOffset: 0,
        suspendTimeoutMillis: SUSPEND_MS,
        subVersion: 0,
        subscription: '*',
      };
      const reply = await this.connection.request(Requests.PULL_MESSAGE, header, { timeout: 30_000 });
      messages.push(...decodeRecords(reply.body));
      offset = Math.max(offset, reply.header.nextBeginOffset ?? 0);
    }
    return messages;
  }

  close(): void {
    this.connection.close();
  }
}

export const bodiesOf = (messages: readonly MessageExt[]): string[] =>
  messages.map(({ body }) => body.toString()).sort();
