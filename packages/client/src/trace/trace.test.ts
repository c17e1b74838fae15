import { afterEach, expect, it } from '@jest/globals';
import { Requests, ResponseCode, encodeRecallHandle } from '@nest-rocketmq/remoting/internal';
import { FakeCluster, NAME_SERVER } from '../../test-kit/fake-cluster.js';
import { RocketMQClient } from '../client.js';
import type { ProducerOptions, TransactionListener } from '../producer/options/producer-options.js';
import type { Producer } from '../producer/producer.js';

let cluster: FakeCluster;
let client: RocketMQClient;

async function tracing(options: Partial<ProducerOptions> = {}): Promise<Producer> {
  cluster = new FakeCluster({ topics: { t: 1, RMQ_SYS_TRACE_TOPIC: 1, mine: 1 } });
  client = new RocketMQClient({ nameServer: NAME_SERVER, dial: cluster.dial, clock: cluster.clock });
  const producer = client.createProducer({ group: 'g', topics: ['t'], enableMsgTrace: true, ...options });
  await producer.start();
  return producer;
}

afterEach(async () => {
  await client.shutdown();
  await cluster.close();
  expect(cluster.clock.pending).toBe(0);
});

/** The records that a topic has, each as its fields. */
const records = (topic = 'RMQ_SYS_TRACE_TOPIC'): string[][] =>
  cluster.broker.stored
    .filter((each) => each.topic === topic)
    .flatMap(({ body }) => body.toString().split('\u0002').slice(0, -1))
    .map((text) => text.split('\u0001'));

it('T044 traces what a producer sends, with its keys, and nothing of the trace itself', async () => {
  const producer = await tracing();
  const { msgId, offsetMsgId } = await producer.send({ topic: 't', body: 'four', tags: 'TagA', keys: ['k1', 'k2'] });
  await producer.send({ topic: 't', body: 'later', delayLevel: 3 });
  await producer.shutdown();
  const address = 'broker-a:10911';
  expect(records()).toEqual([
    [
      'Pub',
      expect.stringMatching(/^\d+$/),
      'DefaultRegion',
      'g',
      't',
      msgId,
      'TagA',
      'k1 k2',
      address,
      '4',
      '0',
      '0',
      offsetMsgId,
      'true',
    ],
    [
      'Pub',
      expect.any(String),
      'DefaultRegion',
      'g',
      't',
      expect.any(String),
      'null',
      'null',
      address,
      '5',
      '0',
      '3',
      expect.any(String),
      'true',
    ],
  ]);
  const trace = cluster.broker.stored.find(({ topic }) => topic === 'RMQ_SYS_TRACE_TOPIC')!;
  expect(trace.properties.get('KEYS')!.split(' ')).toEqual(expect.arrayContaining([msgId, 'k1', 'k2']));
  const groups = cluster.broker.requests('SEND_MESSAGE_V2').map(({ header }) => header['a']);
  expect(groups).toEqual(['g', 'g', '_INNER_TRACE_PRODUCER-g-PRODUCE-1']);
});

it('T044 sends the trace to a topic of your own', async () => {
  const producer = await tracing({ customizedTraceTopic: 'mine' });
  await producer.send({ topic: 't', body: 'x' });
  await producer.send({ topic: 'mine', body: 'not traced' });
  await producer.shutdown();
  expect(records('mine').filter(([type]) => type === 'Pub')).toHaveLength(1);
  expect(records()).toEqual([]);
});

it('T044 traces nothing by default, for a broker that has it off, or of a send that failed', async () => {
  const off = await tracing({ enableMsgTrace: false });
  await off.send({ topic: 't', body: 'x' });
  await client.shutdown();
  expect(records()).toEqual([]);
  await cluster.close();

  const producer = await tracing();
  cluster.broker.next('SEND_MESSAGE_V2', () => ({
    header: { msgId: '7F00000100002A9F0000000000000000', queueId: 0, queueOffset: 0 },
    extFields: { TRACE_ON: 'false' },
  }));
  await producer.send({ topic: 't', body: 'x' });
  cluster.broker.next('SEND_MESSAGE_V2', () => ({ code: ResponseCode.MESSAGE_ILLEGAL, remark: 'no' }));
  await expect(producer.send({ topic: 't', body: 'x' })).rejects.toThrow('no');
  await producer.shutdown();
  expect(records()).toEqual([]);
});

it('T163 traces how transactions ended, also when a broker asks', async () => {
  const listener: TransactionListener = {
    executeLocalTransaction: () => 'UNKNOW',
    checkLocalTransaction: () => 'COMMIT_MESSAGE',
  };
  const producer = await tracing({ transactionListener: listener });
  const { msgId } = await producer.sendMessageInTransaction({ topic: 't', body: 'x', tags: 'TagT', keys: 'k' });
  const begun = await producer.beginTransaction({ topic: 't', body: 'x' });
  await begun.rollback();
  const record = cluster.broker.put('t', 0, 'half', {
    properties: { UNIQ_KEY: 'ABC', PGROUP: 'g', TRAN_MSG: 'true', TAGS: 'TagC', MSG_REGION: 'north' },
  });
  const asked = {
    tranStateTableOffset: 7,
    commitLogOffset: 1234,
    msgId: 'ABC',
    transactionId: 'ABC',
    offsetMsgId: 'X',
  };
  cluster.broker.connection.oneway(Requests.CHECK_TRANSACTION_STATE, asked, { body: record });
  await cluster.until('the check is answered', () => cluster.broker.requests('END_TRANSACTION').length === 3);
  await producer.shutdown();
  const address = 'broker-a:10911';
  expect(records().filter(([type]) => type === 'EndTransaction')).toEqual([
    [
      'EndTransaction',
      expect.any(String),
      'DefaultRegion',
      'g',
      't',
      msgId,
      'TagT',
      'k',
      address,
      '2',
      msgId,
      'UNKNOW',
      'false',
    ],
    [
      'EndTransaction',
      expect.any(String),
      'DefaultRegion',
      'g',
      't',
      expect.any(String),
      'null',
      'null',
      address,
      '2',
      begun.transactionId,
      'ROLLBACK_MESSAGE',
      'false',
    ],
    [
      'EndTransaction',
      expect.any(String),
      'north',
      'g',
      't',
      'ABC',
      'TagC',
      'null',
      address,
      '2',
      'ABC',
      'COMMIT_MESSAGE',
      'true',
    ],
  ]);
  expect(
    records()
      .filter(([type]) => type === 'Pub')
      .map((fields) => fields[11]),
  ).toEqual(['1', '1']);
});

it('T082 traces a recall, and one that failed', async () => {
  const producer = await tracing();
  const handle = encodeRecallHandle({
    topic: 't',
    brokerName: 'broker-a',
    timestamp: Date.UTC(2030, 1),
    uniqKey: 'ID1',
  });
  await producer.recall('t', handle);
  cluster.broker.next('RECALL_MESSAGE', () => ({ code: ResponseCode.NO_PERMISSION, remark: 'off' }));
  await expect(producer.recall('t', handle)).rejects.toMatchObject({ code: 'RECALL_FAILED' });
  await producer.shutdown();
  expect(records()).toEqual([
    ['Recall', expect.any(String), 'DefaultRegion', 'g', 't', 'ID1', 'true'],
    ['Recall', expect.any(String), 'DefaultRegion', 'g', 't', 'ID1', 'false'],
  ]);
});

it('a trace topic that nobody has fails no send', async () => {
  const producer = await tracing();
  cluster.topics.delete('RMQ_SYS_TRACE_TOPIC');
  cluster.topics.delete('TBW102');
  expect((await producer.send({ topic: 't', body: 'x' })).sendStatus).toBe('SEND_OK');
  await producer.shutdown();
  expect(records()).toEqual([]);
});

it('wrong options are refused', async () => {
  await expect(tracing({ enableMsgTrace: 'yes' as never })).rejects.toThrow('enableMsgTrace');
  await expect(tracing({ customizedTraceTopic: 'no topic' })).rejects.toThrow('no topic');
});

it('traces each call of a listener: before it, and how it ended', async () => {
  await tracing();
  let calls = 0;
  const consumer = client.createPushConsumer({
    group: 'eaters',
    enableMsgTrace: true,
    subscriptions: [{ topic: 't' }],
    consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
    listener: () => {
      calls++;
      if (calls === 1) throw new Error('bad');
      return calls === 2 ? 'RECONSUME_LATER' : 'CONSUME_SUCCESS';
    },
  });
  const properties = { UNIQ_KEY: 'ID1', KEYS: 'k', MSG_REGION: 'north', TRACE_ON: 'true' };
  for (let i = 0; i < 3; i++) cluster.broker.put('t', 0, 'x', { properties });
  cluster.broker.put('t', 0, 'x', { properties: { ...properties, TRACE_ON: 'false' } });
  await consumer.start();
  await cluster.until('all are consumed', () => calls === 4);
  await consumer.shutdown();
  const before = records().filter(([type]) => type === 'SubBefore');
  const after = records().filter(([type]) => type === 'SubAfter');
  expect(before).toEqual(
    before.map(([, , , , id]) => ['SubBefore', expect.stringMatching(/^\d+$/), 'north', 'eaters', id, 'ID1', '0', 'k']),
  );
  expect(before).toHaveLength(3);
  const endOf = (success: string, code: string) => [
    'SubAfter',
    expect.any(String),
    'ID1',
    '0',
    success,
    'k',
    code,
    expect.any(String),
    'eaters',
  ];
  expect(after).toEqual([endOf('false', '2'), endOf('false', '4'), endOf('true', '0')]);
  expect(after.map(([, id]) => id)).toEqual(before.map(([, , , , id]) => id));
});

it('traces what a consumer that pulls has handed out', async () => {
  await tracing();
  cluster.broker.put('t', 0, 'x', { properties: { UNIQ_KEY: 'ID1', MSG_REGION: 'north' } });
  const consumer = client.createLitePullConsumer({
    group: 'pullers',
    enableMsgTrace: true,
    subscriptions: [{ topic: 't' }],
    consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
  });
  await consumer.start();
  expect(await consumer.poll()).toHaveLength(1);
  await consumer.shutdown();
  expect(records().map(([type, ...rest]) => [type, rest.includes('ID1')])).toEqual([
    ['SubBefore', true],
    ['SubAfter', true],
  ]);
});
