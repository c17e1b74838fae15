import { afterEach, expect, it } from '@jest/globals';
import { Requests, decodeProperties, dlqTopic, encodeRecallHandle } from '@nest-rocketmq/remoting/internal';
import type { MessageExt } from '@nest-rocketmq/remoting/internal';
import { FakeCluster, NAME_SERVER } from '../../test-kit/fake-cluster.js';
import { RocketMQClient } from '../client.js';
import type { BatchSendFailedError } from '../producer/batch/batch-errors.js';
import type { ClientOptions } from '../config/options.js';

let cluster: FakeCluster;
let client: RocketMQClient;

function connect(options: Partial<ClientOptions>): void {
  cluster = new FakeCluster({ topics: { t: 1, 'ns%t': 2, RMQ_SYS_TRACE_TOPIC: 1, '%RETRY%ns%g': 1 } });
  client = new RocketMQClient({ nameServer: NAME_SERVER, dial: cluster.dial, clock: cluster.clock, ...options });
}

afterEach(async () => {
  await client.shutdown();
  await cluster.close();
  expect(cluster.clock.pending).toBe(0);
});

it('T178 a producer sends to the topics of its namespace, and shows none of it', async () => {
  connect({ namespace: 'ns' });
  const chosen: string[] = [];
  const producer = client.createProducer({
    group: 'g',
    topics: ['t'],
    enableMsgTrace: true,
    transactionListener: {
      executeLocalTransaction: ({ topic }) => (chosen.push(topic), 'COMMIT_MESSAGE'),
      checkLocalTransaction: ({ topic }) => (chosen.push(topic), 'COMMIT_MESSAGE'),
    },
  });
  await producer.start();
  const results = [
    await producer.send({ topic: 't', body: 'x' }),
    ...(await producer.sendBatch(['a', 'b'].map((body) => ({ topic: 't', body })))),
    await producer.send(
      { topic: 't', body: 'x' },
      { selector: (queues, message) => (chosen.push(message.topic, queues[0]!.topic), queues[1]!) },
    ),
    await producer.send(
      { topic: 't', body: 'x' },
      { messageQueue: { topic: 't', brokerName: 'broker-a', queueId: 1 } },
    ),
    await producer.sendMessageInTransaction({ topic: 't', body: 'x' }),
    (await producer.beginTransaction({ topic: 't', body: 'x' })).sendResult,
  ];
  await producer.sendOneway({ topic: 't', body: 'x' });
  await producer.transaction({ topic: 't', body: 'x' }, ({ topic }) => void chosen.push(topic));
  expect(results.map(({ messageQueue }) => messageQueue.topic)).toEqual(Array.from({ length: 7 }, () => 't'));
  expect(chosen).toEqual(['t', 't', 't', 't']);
  expect(await producer.fetchPublishMessageQueues('t')).toMatchObject([{ topic: 't' }, { topic: 't' }]);
  const sends = cluster.broker.requests('SEND_MESSAGE_V2').map(({ header }) => header);
  expect(new Set(sends.map(({ a, b }) => `${String(a)} ${String(b)}`))).toEqual(new Set(['ns%g ns%t']));
  expect(sends.map(({ i }) => decodeProperties(String(i)).get('INSTANCE_ID'))).toEqual(sends.map(() => 'ns'));
  expect(cluster.broker.requests('SEND_BATCH_MESSAGE')).toMatchObject([{ header: { b: 'ns%t' } }]);
  expect(new Set(cluster.broker.requests('END_TRANSACTION').map(({ header }) => header['topic']))).toEqual(
    new Set(['ns%t']),
  );
  expect(cluster.broker.heartbeats.at(-1)!.producerGroups).toEqual(['ns%g']);
  await producer.shutdown();
  const traced = cluster.broker.stored
    .filter(({ topic }) => topic === 'RMQ_SYS_TRACE_TOPIC')
    .map(({ body }) => body.toString());
  expect(traced.join('')).toContain('\u0001g\u0001t\u0001');
  expect(traced.join('')).not.toContain('ns%');
});

it('T178 a check of a transaction comes with the topic as the application knows it', async () => {
  connect({ namespace: 'ns' });
  let seen: MessageExt | undefined;
  const producer = client.createProducer({
    group: 'g',
    topics: ['t'],
    transactionListener: {
      executeLocalTransaction: () => 'UNKNOW',
      checkLocalTransaction: (message) => ((seen = message), 'COMMIT_MESSAGE'),
    },
  });
  await producer.start();
  await producer.send({ topic: 't', body: 'x' });
  const record = cluster.broker.put('ns%t', 0, 'half', { properties: { UNIQ_KEY: 'ABC', PGROUP: 'ns%g' } });
  const asked = {
    tranStateTableOffset: 7,
    commitLogOffset: 1234,
    msgId: 'ABC',
    transactionId: 'ABC',
    offsetMsgId: 'X',
  };
  cluster.broker.connection.oneway(Requests.CHECK_TRANSACTION_STATE, asked, { body: record });
  await cluster.until('it is answered', () => cluster.broker.requests('END_TRANSACTION').length === 1);
  expect(seen!.topic).toBe('t');
  expect(cluster.broker.requests('END_TRANSACTION')[0]!.header).toMatchObject({ topic: 'ns%t', producerGroup: 'ns%g' });
});

it('T178 a recall names the topic of the namespace', async () => {
  connect({ namespace: 'ns' });
  const producer = client.createProducer({ group: 'g', topics: ['t'] });
  await producer.start();
  const timestamp = Date.UTC(2030, 1);
  const handle = encodeRecallHandle({ topic: 'ns%t', brokerName: 'broker-a', timestamp, uniqKey: 'ID' });
  expect(await producer.recall('t', handle)).toBe('recalled');
  expect(cluster.broker.requests('RECALL_MESSAGE')[0]!.header).toMatchObject({ topic: 'ns%t', producerGroup: 'ns%g' });
});

it('T178 a consumer shares the topics of its namespace; retries and dead letters have it too', async () => {
  connect({ namespace: 'ns' });
  const topics: string[] = [];
  const consumer = client.createPushConsumer({
    group: 'g',
    subscriptions: [{ topic: 't' }],
    consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
    maxReconsumeTimes: 1,
    listener: ([message]) => {
      topics.push(message!.topic);
      return message!.reconsumeTimes === 0 ? 'RECONSUME_LATER' : 'CONSUME_SUCCESS';
    },
  });
  cluster.broker.put('ns%t', 0, 'x');
  cluster.broker.put('%RETRY%ns%g', 0, 'x', { properties: { RETRY_TOPIC: 'ns%t' }, reconsumeTimes: 1 });
  await consumer.start();
  await cluster.until('both are consumed', () => topics.length === 2);
  await cluster.until('it is given back', () => cluster.broker.requests('CONSUMER_SEND_MSG_BACK').length === 1);
  expect(topics).toEqual(['t', 't']);
  const { groupName, subscriptionDataSet } = cluster.broker.heartbeats.at(-1)!.consumers[0]!;
  expect(groupName).toBe('ns%g');
  expect(subscriptionDataSet.map(({ topic }) => topic).toSorted()).toEqual(['%RETRY%ns%g', 'ns%t']);
  const back = cluster.broker.requests('CONSUMER_SEND_MSG_BACK')[0]!.header;
  expect(back).toMatchObject({ group: 'ns%g', originTopic: 'ns%t' });
  expect(dlqTopic(String(back['group']))).toBe('%DLQ%ns%g');
  await consumer.unsubscribe('t');
  expect(cluster.broker.heartbeats.at(-1)!.consumers[0]!.subscriptionDataSet.map(({ topic }) => topic)).toEqual([
    '%RETRY%ns%g',
  ]);
});

it('T178 a consumer that pulls, and the admin, know queues by the names of the application', async () => {
  connect({ namespace: 'ns' });
  const consumer = client.createLitePullConsumer({
    group: 'g',
    subscriptions: [{ topic: 't' }],
    consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
  });
  for (const body of ['1', '2']) cluster.broker.put('ns%t', 0, body);
  await consumer.start();
  const queue = { topic: 't', brokerName: 'broker-a', queueId: 0 };
  expect(consumer.assignment()).toContainEqual(queue);
  expect(await consumer.fetchMessageQueues('t')).toContainEqual(queue);
  expect((await consumer.poll({ max: 1 }))[0]).toMatchObject({ topic: 't', queueOffset: 0 });
  await consumer.seek(queue, 0);
  for await (const message of consumer) {
    expect(message).toMatchObject({ topic: 't', queueOffset: 0 });
    break;
  }
  expect(consumer.position(queue)).toBe(1);
  consumer.pause([queue]);
  consumer.resume([queue]);
  await consumer.commit([{ queue, offset: 1 }]);
  expect(await consumer.committed(queue)).toBe(1);
  expect(cluster.broker.offsets.get('ns%g@ns%t@0')).toBe(1);
  await consumer.seekToEnd(queue);
  await consumer.seekToBegin(queue);
  expect(await client.admin.maxOffset(queue)).toBe(2);
  expect(await client.admin.consumerOffset('g', queue)).toBe(1);
  expect(await client.admin.fetchSubscribeMessageQueues('t')).toContainEqual(queue);
  cluster.broker.put('ns%t', 0, '3', { properties: { UNIQ_KEY: 'ID3' } });
  expect(await client.admin.queryMessageByUniqKey('t', 'ID3')).toMatchObject({ topic: 't', msgId: 'ID3' });
  // A 4.x broker leaves it to the client where no consumer runs.
  const reset = await client.admin.resetOffsetByTime({ group: 'g', topic: 't', time: 0 });
  expect(reset).toContainEqual({ queue, offset: 0 });
  expect(cluster.broker.offsets.get('ns%g@ns%t@0')).toBe(0);
  await client.admin.createTopic({ topic: 'new' }).catch(() => undefined);
  expect(cluster.broker.requests('UPDATE_AND_CREATE_TOPIC')[0]!.header).toMatchObject({ topic: 'ns%new' });
});

it('T178 who listens to the division of queues is told of them by the names of the application', async () => {
  connect({ namespace: 'ns' });
  const told: unknown[] = [];
  const consumer = client.createPushConsumer({
    group: 'g',
    subscriptions: [{ topic: 't' }],
    listener: () => undefined,
    messageQueueListener: (topic, all, mine) =>
      told.push([topic, ...new Set([...all, ...mine].map((queue) => queue.topic))]),
  });
  await consumer.start();
  expect(told).toContainEqual(['t', 't']);
});

it('T178 hooks, batches that fail and the context of a listener name what the application knows', async () => {
  connect({ namespace: 'ns' });
  const seen: string[] = [];
  const note = (...topics: (string | undefined)[]): void => void seen.push(...topics.map(String));
  const met = new Set<MessageExt>();
  const producer = client.createProducer({
    group: 'g',
    topics: ['t'],
    hooks: [
      {
        hookName: 'p',
        sendMessageBefore: ({ topic, messages }) => note(topic, ...messages.map((each) => each.topic)),
        sendMessageAfter: ({ sendResults }) => note(...sendResults.map((each) => each?.messageQueue.topic)),
      },
    ],
  });
  const consumer = client.createPushConsumer({
    group: 'g',
    subscriptions: [{ topic: 't' }],
    consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
    hooks: [
      {
        hookName: 'c',
        consumeMessageBefore: ({ topic, messageQueue, messages }) =>
          note(topic, messageQueue.topic, ...messages.map((each) => (met.add(each), each.topic))),
        settleMessageBefore: ({ topic, message }) => (met.add(message), note(topic, message.topic)),
      },
    ],
    listener: ([message], { messageQueue }) => (met.add(message!), note(messageQueue.topic), 'RECONSUME_LATER'),
  });
  await producer.start();
  await producer.send({ topic: 't', body: 'x' });
  await consumer.start();
  await cluster.until('it is given back', () => cluster.broker.requests('CONSUMER_SEND_MSG_BACK').length === 1);
  expect(seen).toEqual(Array.from({ length: 9 }, () => 't'));
  expect(met.size).toBe(1);
  expect(cluster.broker.requests('SEND_MESSAGE_V2')[0]!.header).toMatchObject({ b: 'ns%t' });
  cluster.broker.next('SEND_BATCH_MESSAGE', () => ({ code: 13, remark: 'illegal' }));
  const given = ['a', 'b'].map((body) => ({ topic: 't', body }));
  const failure = await producer.sendBatch(given).catch((error: unknown) => error as BatchSendFailedError);
  expect((failure as BatchSendFailedError).failures.map(({ message }) => message)).toEqual(given);
});

it('T178 dead letters have the topics that the application knows, and are replayed in the namespace', async () => {
  connect({ namespace: 'ns' });
  cluster.topics.set('%DLQ%ns%g', 1);
  cluster.broker.put('%DLQ%ns%g', 0, 'x', { properties: { RETRY_TOPIC: 'ns%t' } });
  const letters = client.admin.deadLetters('g');
  expect([letters.group, letters.topic]).toEqual(['g', '%DLQ%g']);
  const found = [];
  for await (const letter of letters) found.push(letter);
  expect(found).toMatchObject([{ topic: 't', message: { topic: '%DLQ%g' } }]);
  await letters.replay(found);
  await letters.replay(() => true, { to: 'topic' });
  expect(cluster.broker.requests('SEND_MESSAGE_V2').map(({ header }) => header['b'])).toEqual(['%RETRY%ns%g', 'ns%t']);
  const replayed = decodeProperties(String(cluster.broker.requests('SEND_MESSAGE_V2')[0]!.header['i']));
  expect(replayed.get('RETRY_TOPIC')).toBe('ns%t');
});

it('T178 namespaceV2 goes with each request, and changes no name', async () => {
  connect({ namespaceV2: 'ns' });
  const producer = client.createProducer({ group: 'g' });
  await producer.start();
  await producer.send({ topic: 't', body: 'x' });
  const { received } = cluster.broker;
  expect(received.map(({ name }) => name)).toEqual(expect.arrayContaining(['HEART_BEAT', 'SEND_MESSAGE_V2']));
  expect(received.map(({ extFields }) => [extFields['nsd'], extFields['ns']])).toEqual(
    received.map(() => ['true', 'ns']),
  );
  expect(cluster.broker.requests('SEND_MESSAGE_V2')[0]!.header).toMatchObject({ a: 'g', b: 't' });
});

it('T178 without a namespace no request has its fields', async () => {
  connect({});
  const producer = client.createProducer({ group: 'g' });
  await producer.start();
  await producer.send({ topic: 't', body: 'x' });
  expect(cluster.broker.received.filter(({ extFields }) => 'nsd' in extFields || 'ns' in extFields)).toEqual([]);
});

it('T178 the signature covers the fields of the namespace', async () => {
  connect({ namespaceV2: 'ns', accessKey: 'key', secretKey: 'secret' });
  const producer = client.createProducer({ group: 'g' });
  await producer.start();
  await producer.send({ topic: 't', body: 'x' });
  const signed = cluster.broker.requests('SEND_MESSAGE_V2')[0]!.extFields;
  expect(signed).toMatchObject({ ns: 'ns', nsd: 'true', AccessKey: 'key', Signature: expect.any(String) });
});

it('T014 T015 a group has one member of a kind in a client, and one in each of several clients', async () => {
  connect({});
  await client.createProducer({ group: 'g' }).start();
  await expect(client.createProducer({ group: 'g' }).start()).rejects.toMatchObject({ code: 'GROUP_IN_USE' });
  const other = new RocketMQClient({ nameServer: NAME_SERVER, dial: cluster.dial, clock: cluster.clock });
  await other.createProducer({ group: 'g' }).start();
  await other.shutdown();
});

it('U09 clients of one host and process have ids of their own: so have containers of one address and pid', () => {
  connect({ clientIP: '10.0.0.1' });
  const ids = Array.from(
    { length: 50 },
    () => new RocketMQClient({ nameServer: NAME_SERVER, clientIP: '10.0.0.1' }).clientId,
  );
  expect(new Set(ids).size).toBe(50);
  expect(ids[0]).toMatch(new RegExp(`^10\\.0\\.0\\.1@${process.pid}#[0-9a-f]{12}$`));
  expect(new RocketMQClient({ nameServer: NAME_SERVER, clientIP: 'h', instanceName: 'mine' }).clientId).toBe('h@mine');
});
