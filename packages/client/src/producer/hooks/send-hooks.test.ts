import { afterEach, describe, expect, it } from '@jest/globals';
import { FakeCluster, NAME_SERVER } from '../../../test-kit/fake-cluster.js';
import { RocketMQClient } from '../../client.js';
import type { ClientOptions } from '../../config/options.js';
import type { Producer } from '../producer.js';
import type { EndTransactionContext, ProducerHook, SentMessageContext } from '../options/producer-hooks.js';
import type { ProducerOptions } from '../options/producer-options.js';

let cluster: FakeCluster;
let client: RocketMQClient;
let warnings: string[];
let events: string[];
let sent: SentMessageContext[];
let ends: EndTransactionContext[];

const spy: ProducerHook = {
  hookName: 'spy',
  sendMessageBefore: ({ call, topic, communicationMode, messages }) => {
    events.push(`before ${call} ${topic} ${communicationMode}`);
    for (const message of messages) message.properties['seen'] = 'yes';
  },
  sendMessageAfter: (context) => {
    events.push(`after ${context.call} ${context.topic} ${context.communicationMode}`);
    sent.push(context);
  },
  endTransaction: (context) => void ends.push(context),
};

async function producing(
  hooks: readonly ProducerHook[] = [spy],
  options: Partial<ProducerOptions> = {},
  more: Partial<ClientOptions> = {},
): Promise<Producer> {
  cluster = new FakeCluster({ topics: { t: 1, u: 1 } });
  [warnings, events, sent, ends] = [[], [], [], []];
  const logger = { log: () => undefined, warn: (line: string) => void warnings.push(line), error: () => undefined };
  client = new RocketMQClient({ nameServer: NAME_SERVER, dial: cluster.dial, clock: cluster.clock, logger, ...more });
  const producer = client.createProducer({ group: 'orders', hooks, ...options });
  await producer.start();
  return producer;
}

const stored = (): (string | undefined)[] => cluster.broker.stored.map(({ properties }) => properties.get('seen'));

afterEach(async () => {
  await client.shutdown();
  await cluster.clock.advance(0);
});

describe('a hook around sends', () => {
  it('T027: sees each send before and after it, with topic, mode and result', async () => {
    const producer = await producing();
    const message = { topic: 't', body: 'x', properties: { own: '1' } };
    const result = await producer.send(message);
    await producer.sendOneway({ topic: 'u', body: 'x' });
    expect(events).toEqual(['before send t SYNC', 'after send t SYNC', 'before send u ONEWAY', 'after send u ONEWAY']);
    expect(sent[0]).toMatchObject({
      producerGroup: 'orders',
      clientId: client.clientId,
      namespace: '',
      messageType: 'NORMAL',
      sendResults: [result],
      brokerAddr: cluster.broker.address,
      exception: undefined,
    });
    expect(sent[1]!.sendResults).toEqual([undefined]);
    await cluster.until('stored', () => stored().length === 2);
    expect(stored()).toEqual(['yes', 'yes']);
    expect(message.properties).toEqual({ own: '1' });
  });

  it.each([{}, { autoBatch: true }])('is told of each message of a batch, with %j', async (options) => {
    const producer = await producing([spy], options);
    const results = await producer.sendBatch([
      { topic: 't', body: 'a' },
      { topic: 't', body: 'b' },
    ]);
    expect(events).toEqual(['before sendBatch t SYNC', 'after sendBatch t SYNC']);
    expect(sent[0]!.sendResults).toEqual(results);
    expect(sent[0]!.messages.map(({ body }) => body)).toEqual(['a', 'b']);
  });

  it('is told of a failed send, whose error stays as it is', async () => {
    const producer = await producing();
    await expect(producer.send({ topic: 't', body: '' })).rejects.toMatchObject({ code: 'MESSAGE_ILLEGAL' });
    expect(sent[0]!.exception).toMatchObject({ code: 'MESSAGE_ILLEGAL' });
    await expect(producer.send(undefined as never)).rejects.toMatchObject({ code: 'MESSAGE_ILLEGAL' });
    await expect(producer.sendBatch(null as never)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    await expect(producer.sendBatch([null as never])).rejects.toMatchObject({ code: 'MESSAGE_ILLEGAL' });
  });

  it('gives the application its own message back among the failures of a batch', async () => {
    const producer = await producing();
    const mine = { topic: 't', body: 'a', selector: () => ({ topic: 'u', brokerName: 'b', queueId: 0 }) };
    const failed = producer.sendBatch([mine, { topic: 't', body: 'b' }]);
    await expect(failed).rejects.toMatchObject({ code: 'BATCH_SEND_FAILED' });
    const error = (await failed.catch((thrown: unknown) => thrown)) as { failures: { message: unknown }[] };
    expect(error.failures[0]!.message).toBe(mine);
    expect(sent[0]!.sendResults.map((result) => result?.sendStatus)).toEqual([undefined, 'SEND_OK']);
  });

  it.each([
    [{ delay: 5 }, {}, 'DELAY'],
    [{ delayLevel: 2 }, {}, 'DELAY'],
    [{}, { shardingKey: 'k' }, 'FIFO'],
  ])('is told the type of a message %j %j: %s', async (message, options, type) => {
    const producer = await producing();
    await producer.send({ topic: 't', body: 'x', ...message }, options).catch(() => undefined);
    expect(sent[0]!.messageType).toBe(type);
  });

  it('has no say by a throw of its own, which is logged', async () => {
    const bad: ProducerHook = {
      hookName: 'bad',
      sendMessageBefore: () => {
        throw new Error('broken');
      },
    };
    const producer = await producing([bad, spy]);
    expect((await producer.send({ topic: 't', body: 'x' })).sendStatus).toBe('SEND_OK');
    expect(warnings).toEqual([expect.stringContaining('hook bad failed: broken')]);
    expect(events).toHaveLength(2);
  });

  it('that is not enabled is not called, and the message goes out as it was given', async () => {
    let isOn = false;
    const switched: ProducerHook = { ...spy, isEnabled: () => isOn };
    const producer = await producing([switched]);
    await producer.send({ topic: 't', body: 'x' });
    await producer.sendBatch([{ topic: 't', body: 'x' }]);
    expect([events, stored()]).toEqual([[], [undefined, undefined]]);
    isOn = true;
    await producer.send({ topic: 't', body: 'x' });
    expect([events.length, stored().at(-1)]).toEqual([2, 'yes']);
  });

  it('sees the names of a namespace as the application does', async () => {
    const producer = await producing([spy], {}, { namespace: 'ns' });
    cluster.topics.set('ns%t', 1);
    await producer.send({ topic: 't', body: 'x' });
    expect(sent[0]).toMatchObject({ topic: 't', producerGroup: 'orders', namespace: 'ns' });
  });

  it('is told how a transaction ended', async () => {
    const producer = await producing();
    await producer.transaction({ topic: 't', body: 'x' }, () => 1);
    const begun = await producer.beginTransaction({ topic: 't', body: 'y' });
    await begun.rollback();
    expect(sent.map(({ messageType }) => messageType)).toEqual(['TRANSACTION', 'TRANSACTION']);
    expect(ends).toMatchObject([
      {
        topic: 't',
        transactionState: 'COMMIT_MESSAGE',
        fromTransactionCheck: false,
        msgId: sent[0]!.sendResults[0]!.msgId,
      },
      { topic: 't', transactionState: 'ROLLBACK_MESSAGE', brokerAddr: cluster.broker.address, exception: undefined },
    ]);
  });
});

describe('T037: a hook that forbids', () => {
  const forbids: ProducerHook = {
    hookName: 'quota',
    checkForbidden: ({ topic }) => {
      if (topic === 't') throw new Error('not today');
    },
  };

  it('has the send reject with what it says, and nothing is sent', async () => {
    const producer = await producing([forbids, spy]);
    const error = { code: 'SEND_FORBIDDEN', hookName: 'quota', cause: new Error('not today') };
    await expect(producer.send({ topic: 't', body: 'x' })).rejects.toMatchObject(error);
    await expect(producer.sendOneway({ topic: 't', body: 'x' })).rejects.toMatchObject(error);
    await expect(producer.sendBatch([{ topic: 't', body: 'x' }])).rejects.toMatchObject(error);
    await expect(producer.beginTransaction({ topic: 't', body: 'x' })).rejects.toMatchObject(error);
    await expect(producer.request({ topic: 't', body: 'x' })).rejects.toMatchObject(error);
    expect([events, cluster.broker.stored]).toEqual([[], []]);
    expect((await producer.send({ topic: 'u', body: 'x' })).sendStatus).toBe('SEND_OK');
  });

  it.each([
    ['a number', 7],
    ['without a name', [{}]],
    ['of an empty name', [{ hookName: '' }]],
    ['one of 101', Array.from({ length: 101 }, () => spy)],
  ])('cannot be %s', async (_what, hooks) => {
    await producing();
    const options = { group: 'g', hooks: hooks as never };
    expect(() => client.createProducer(options)).toThrow('option hooks');
    const consumer = { ...options, subscriptions: [{ topic: 't' }], listener: () => undefined };
    expect(() => client.createPushConsumer(consumer)).toThrow('option hooks');
    expect(() => client.createLitePullConsumer(options)).toThrow('option hooks');
  });
});
