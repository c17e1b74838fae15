// Runs the rows of Apache's own test suite with our client on Apache 5.5.0; test/e2e has the same on our broker.
import { afterAll, beforeAll, describe, jest } from '@jest/globals';
import { declareDelayTests, declareRecallTests } from '../tables/delay.js';
import { declareOrderTests } from '../tables/order.js';
import { declareTransactionTests } from '../tables/transaction.js';
import { DELAY_LEVELS, stageOn } from '../tables/stage.js';
import type { Stage } from '../tables/stage.js';
import { startApache } from './harness/apache.js';
import { cleanUp } from './harness/clean-up.js';

jest.setTimeout(180_000);

/** Apache's timer wheel turns once a second, and a level's queue is looked at as often; a busy machine adds to it. ms */
const LATENESS_MS = 10_000;

describe("on Apache's own name server and broker 5.5.0", () => {
  let stage: Stage;
  beforeAll(async () => {
    const cluster = await startApache({
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
  declareOrderTests(() => stage);
  declareDelayTests(() => stage, LATENESS_MS);
  declareRecallTests(() => stage);
  declareTransactionTests(() => stage);
});
