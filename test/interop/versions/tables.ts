// Runs the rows of Apache's own test suite with our client on an Apache broker of a version.
import { afterAll, beforeAll, describe } from '@jest/globals';
import { declareBatchTests } from '../../tables/batch.js';
import { declareDelayTests, declareRecallTests } from '../../tables/delay.js';
import { declareMembershipTests } from '../../tables/membership.js';
import { declareOrderTests } from '../../tables/order.js';
import { declareQueryTests } from '../../tables/query.js';
import { declareBrokerChoiceTests, declareSendTests } from '../../tables/send.js';
import { declareTagTests } from '../../tables/tags.js';
import type { TagStage } from '../../tables/tags.js';
import { declareTransactionTests } from '../../tables/transaction.js';
import { DELAY_LEVELS, stageOn } from '../../tables/stage.js';
import type { Stage } from '../../tables/stage.js';
import { startApache } from '../harness/apache.js';
import { cleanUp } from '../harness/clean-up.js';
import type { Cluster } from '../harness/cluster.js';
import { type RocketMQVersion, has } from '../harness/versions.js';

/** Apache's timer wheel turns once a second, and a level's queue is looked at as often; a busy machine adds to it. ms */
const LATENESS_MS = 30_000;

/** Starts a cluster of that version, and declares the rows of all that it knows. */
export function describeTables(version: RocketMQVersion): void {
  let stage: Stage;
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startApache({
      version,
      settings: {
        messageDelayLevel: DELAY_LEVELS,
        recallMessageEnable: 'true',
        // Without it Apache recalls a message by its id alone, whatever the topic of the handle.
        appendTopicForTimerDeleteKey: 'true',
      },
    });
    stage = stageOn(cluster);
  });
  afterAll(async () => {
    await stage?.end();
    await cleanUp();
  });
  declareBatchTests(() => stage, has(version, 'full batches'));
  declareOrderTests(() => stage);
  if (has(version, 'delays of any length')) declareDelayTests(() => stage, LATENESS_MS);
  if (has(version, 'recall')) declareRecallTests(() => stage);
  declareTransactionTests(() => stage);
  declareSendTests(() => stage);
  declareQueryTests(() => stage);
  declareMembershipTests(() => stage, has(version, 'groups without offsets are told so'));

  describe('with tags', () => {
    let tags: TagStage;
    beforeAll(async () => {
      const client = await stage.newClient();
      const producer = client.createProducer({ group: 'tags_producer', sendMsgTimeout: 20_000 });
      await producer.start();
      tags = { client, producer, otherClient: () => stage.newClient() };
    });
    declareTagTests(() => tags);
  });

  describe('and a second broker', () => {
    beforeAll(async () => {
      await startApache({ version, join: cluster.nameServer, settings: { brokerName: 'broker-b' } });
      const { admin } = await stage.newClient();
      // It boots before the name server knows it.
      while (!(await admin.clusterInfo()).brokerAddrTable.has('broker-b')) await stage.pass(200);
    });
    declareBrokerChoiceTests(() => stage);
  });
}
