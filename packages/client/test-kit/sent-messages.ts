// Takes the messages out of a send or of a batch.
import { decodeBatch, decodeProperties } from '@nest-rocketmq/remoting/internal';
import type { HeaderOf, Requests } from '@nest-rocketmq/remoting/internal';

export interface StoredMessage {
  readonly topic: string;
  readonly queueId: number;
  readonly body: Buffer;
  readonly properties: ReadonlyMap<string, string>;
  readonly sysFlag: number;
  readonly reconsumeTimes: number;
}

export function sentMessages(header: HeaderOf<typeof Requests.SEND_MESSAGE_V2>, body: Buffer): StoredMessage[] {
  const { b: topic, e: queueId, f: sysFlag, j: reconsumeTimes = 0 } = header;
  const all = header.m ? decodeBatch(body) : [{ body, properties: Buffer.from(header.i ?? '') }];
  return all.map((item) => {
    const properties = decodeProperties(item.properties.toString('utf8'));
    return { topic, queueId, body: item.body, properties, sysFlag, reconsumeTimes };
  });
}
