// Runs the rows of Apache's own test suite on our broker, by a clock that is turned by hand; test/interop has the same on
// Apache's.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { declareBatchTests } from '../tables/batch.js';
import { declareDelayTests, declareRecallTests } from '../tables/delay.js';
import { declareMembershipTests } from '../tables/membership.js';
import { declareOrderTests } from '../tables/order.js';
import { declareQueryTests } from '../tables/query.js';
import { declareBrokerChoiceTests, declareSendTests } from '../tables/send.js';
import { threeBrokersStage, virtualStage } from '../tables/stage.js';
import type { Stage } from '../tables/stage.js';
import { declareTransactionTests } from '../tables/transaction.js';

/** The steps in which the clock is turned, and the turns of the event loop between. ms */
const LATENESS_MS = 100;

describe('on our broker', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await virtualStage();
  });
  afterAll(() => stage.end());
  declareBatchTests(() => stage);
  declareOrderTests(() => stage);
  declareTransactionTests(() => stage);
  declareDelayTests(() => stage, LATENESS_MS);
  declareRecallTests(() => stage);
  declareSendTests(() => stage);
  declareQueryTests(() => stage);
  declareMembershipTests(() => stage);
});

describe('on three brokers of ours', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await threeBrokersStage();
  });
  afterAll(() => stage.end());
  declareBrokerChoiceTests(() => stage);

  test('T171: a topic that is created has a route to all three', async () => {
    const client = await stage.newClient();
    await client.admin.createTopic({ topic: 'T171', queues: 2 });
    const route = await client.admin.topicRoute('T171');
    const queues = route!.queueDatas.map(({ brokerName, writeQueueNums }) => `${brokerName} ${writeQueueNums}`);
    expect(queues.toSorted()).toEqual(['broker-a 2', 'broker-b 2', 'broker-c 2']);
  });
});
