// Runs our client and a Nest app on an Apache broker before 5.0, which delays by levels only, and knows neither recalls
// nor LITE_PULL_MESSAGE.
import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Producer } from '@nest-rocketmq/client';
import { Test } from '@nestjs/testing';
import { RocketMQContext, RocketMQMessageListener, RocketMQModule, RocketMQTemplate } from 'nest-rocketmq';
import { consumed } from 'nest-rocketmq/testing';
import { declareBatchTests } from '../../tables/batch.js';
import { declareOrderTests } from '../../tables/order.js';
import { Reader } from '../../tables/reader.js';
import { DELAY_LEVELS, stageOn } from '../../tables/stage.js';
import type { Stage } from '../../tables/stage.js';
import { declarePullTests } from '../client/pulling.js';
import { declaredPeer } from '../client/peer.js';
import { startApache } from '../harness/apache.js';
import { cleanUp } from '../harness/clean-up.js';
import type { Cluster } from '../harness/cluster.js';
import { type RocketMQVersion, has } from '../harness/versions.js';

/** A cold JVM takes its time for the first sends. */
const PATIENT = { sendMsgTimeout: '20s' } as const;

/** Starts a cluster of that version. */
export function describeBefore5(version: RocketMQVersion): void {
  let stage: Stage;
  let cluster: Cluster;
  let producer: Producer;
  beforeAll(async () => {
    cluster = await startApache({ version, settings: { messageDelayLevel: DELAY_LEVELS } });
    stage = stageOn(cluster);
    const client = await stage.newClient();
    producer = client.createProducer({ group: 'producer', sendMsgTimeout: 20_000 });
    await producer.start();
  });
  afterAll(async () => {
    await stage?.end();
    await cleanUp();
  });

  test('a delay of the length of a level goes by that level', async () => {
    const topic = 'level_delay';
    await producer.send({ topic, body: 'first' });
    const reader = await Reader.start(stage, { group: 'level_delay_reader', topic, consumeMode: 'CONCURRENTLY' });
    const sent = await producer.send({ topic, body: 'delayed', delay: 2_000 });
    expect(sent.recallHandle).toBeUndefined();
    await stage.until('it', () => reader.bodies.includes('delayed'));
    const got = reader.got.find(({ body }) => body === 'delayed')!;
    expect(got.message.properties.get('DELAY')).toBe('2');
    expect(got.at - got.message.bornTimestamp).toBeGreaterThanOrEqual(1_950);
  });

  test('any other length is refused, and the two nearest levels are named', async () => {
    await expect(producer.send({ topic: 'level_delay', body: 'x', delay: 2_500 })).rejects.toMatchObject({
      code: 'DELAY_NOT_SUPPORTED',
      nearest: ['2s', '3s'],
    });
    await expect(producer.send({ topic: 'level_delay', body: 'x', delay: 129_600_000 })).rejects.toThrow(
      'a delay of 129600000 ms for topic level_delay is not possible: broker broker-a is of a version before 5.0',
    );
  });

  test('a recall is not known', async () => {
    const handle = Buffer.from(`v1 level_delay broker-a ${Date.now() + 60_000} ABCDEF`).toString('base64url');
    await expect(producer.recall('level_delay', handle)).rejects.toMatchObject({ reason: 'not enabled' });
  });

  test('a topic is created without its attributes, of which brokers before 5.0 say nothing', async () => {
    const { admin } = await stage.newClient();
    await admin.createTopic({ topic: 'typed', queues: 3, attributes: { 'message.type': 'FIFO' } });
    expect((await admin.topicRoute('typed'))?.queueDatas.map(({ writeQueueNums }) => writeQueueNums)).toEqual([3]);
    await expect(admin.topicConfigs('typed')).resolves.toEqual([]);
  });

  test("a Nest app's topics are created, its delays go by level, and any other is refused with the two nearest", async () => {
    const waited: number[] = [];

    class Reminders {
      @RocketMQMessageListener({ topic: 'nest_delay', consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' })
      take(_payload: unknown, { queueId, storeTimestamp, bornTimestamp }: RocketMQContext): void {
        expect(queueId).toBe(0);
        waited.push(storeTimestamp - bornTimestamp);
      }
    }

    const options = {
      nameServer: cluster.nameServer,
      group: 'nest_on_4',
      topics: [{ name: 'nest_delay', queues: 1 }],
      producer: PATIENT,
    };
    const imports = [RocketMQModule.forRoot(options)];
    const app = await Test.createTestingModule({ imports, providers: [Reminders] }).compile();
    await app.init();
    try {
      const template = app.get(RocketMQTemplate);
      const arrival = consumed(app, { topic: 'nest_delay' }, { times: 2, timeout: 60_000 });
      await template.send('nest_delay', 'x', { delay: '2s' });
      await template.send('nest_delay', 'x', { deliverAt: new Date(Date.now() - 1) });
      await expect(template.send('nest_delay', 'x', { delay: '90m' })).rejects.toMatchObject({
        code: 'DELAY_NOT_SUPPORTED',
        nearest: ['3s', '4s'],
      });
      await arrival;
    } finally {
      await app.close();
    }
    expect(Math.max(...waited)).toBeGreaterThanOrEqual(1_950);
  });

  test("a Nest app's template receives", async () => {
    const options = {
      nameServer: cluster.nameServer,
      group: 'nest_pull_on_4',
      topics: [{ name: 'nest_pull' }],
      producer: PATIENT,
    };
    const app = await Test.createTestingModule({ imports: [RocketMQModule.forRoot(options)] }).compile();
    await app.init();
    try {
      const template = app.get(RocketMQTemplate);
      await template.send('nest_pull', { id: 'o1' });
      const [received] = await template.receive('nest_pull', { max: 1, timeout: '60s' });
      expect(received?.payload).toEqual({ id: 'o1' });
    } finally {
      await app.close();
    }
  });

  declareBatchTests(() => stage, has(version, 'full batches'));
  declareOrderTests(() => stage);

  describe('a lite pull consumer', () => {
    declarePullTests(declaredPeer('pulling_on_4', () => cluster));
  });
}
