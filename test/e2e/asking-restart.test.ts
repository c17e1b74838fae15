// Tests a request whose broker is restarted before the reply: its requester makes itself known again and gets the reply.
import { afterEach, expect, test } from '@jest/globals';
import { startBroker } from '@nest-rocketmq/broker';
import type { Broker } from '@nest-rocketmq/broker';
import { memoryFileSystem } from '@nest-rocketmq/broker/internal';
import { RocketMQClient } from '@nest-rocketmq/client';
import { ManualClock, type MessageExt } from '@nest-rocketmq/remoting/internal';

const clock = new ManualClock(Date.UTC(2026, 0, 1));
const fileSystem = memoryFileSystem();
const clients: RocketMQClient[] = [];
let broker: Broker;

const start = async (): Promise<void> => {
  broker = await startBroker({ store: '/store', fileSystem, clock });
};

function newClient(): RocketMQClient {
  const dial = (address: string) => broker.dial(address);
  const client = new RocketMQClient({ nameServer: broker.nameServerAddress, dial, clock });
  clients.push(client);
  return client;
}

afterEach(async () => {
  for (const client of clients) await client.shutdown();
  await broker.stop();
  expect(clock.pending).toBe(0);
});

test('a reply finds its requester after the broker was restarted in between', async () => {
  await start();
  const answering = newClient();
  const replier = answering.createProducer({ group: 'answering' });
  await replier.start();
  await answering.admin.createTopic({ topic: 't', queues: 1 });
  let take: (message: MessageExt) => void = () => undefined;
  const asked = new Promise<MessageExt>((resolve) => (take = resolve));
  const subscriptions = [{ topic: 't' }];
  const listener = ([message]: MessageExt[]): void => take(message!);
  await answering.createPushConsumer({ group: 'answering', subscriptions, listener }).start();
  const requester = newClient().createProducer({ group: 'asking' });
  await requester.start();
  const reply = requester.request({ topic: 't', body: 'question' }, { timeout: 60_000 });
  const request = await asked;
  await broker.stop();
  await clock.advance(2_000);
  await start();
  await clock.advance(10_000);
  await replier.replyTo(request, 'answer');
  expect((await reply).body.toString()).toBe('answer');
});
