// Sends or consumes with ali-ons, over TCP.
import { createRequire } from 'node:module';
import { payloadOf } from './payload.js';
import { Counter, measureBacklog, measureLoad, task } from './task.js';

interface AliOns {
  Producer: new (options: object) => { ready(): Promise<void>; send(message: object): Promise<unknown> };
  Consumer: new (options: object) => {
    subscribe(topic: string, tags: string, listener: () => Promise<void>): void;
    ready(): Promise<void>;
    on(event: 'error', listener: (error: Error) => void): void;
  };
  Message: new (topic: string, tags: string, body: string) => object;
}

const { Producer, Consumer, Message } = createRequire(import.meta.url)('ali-ons') as AliOns;
const body = JSON.stringify(payloadOf(task.size));
const counter = new Counter();
const quiet = { info() {}, warn() {}, debug() {}, error() {} };
// It asks for an HTTP client, and uses it only to look name servers up.
const options = { nameSrv: task.server, httpclient: {}, logger: quiet };
if (task.mode === 'send') {
  const producer = new Producer({ ...options, producerGroup: 'bench-ali-ons' });
  await producer.ready();
  await measureLoad(counter, () => producer.send(new Message('bench-send', 'tag', body)), false);
} else {
  const consumer = new Consumer({
    ...options,
    consumerGroup: `bench-ali-ons-${process.pid}`,
    consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
  });
  consumer.on('error', () => {});
  consumer.subscribe('bench-backlog', '*', async () => counter.received());
  await measureBacklog(counter, () => consumer.ready());
}
process.exit(0);
