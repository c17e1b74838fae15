// Runs the rows of Apache's own test suite on our broker, by a clock that is turned by hand; test/interop has the same on
// Apache's.
import { afterAll, beforeAll, describe } from '@jest/globals';
import { declareBatchTests } from '../tables/batch.js';
import { declareDelayTests, declareRecallTests } from '../tables/delay.js';
import { declareOrderTests } from '../tables/order.js';
import { virtualStage } from '../tables/stage.js';
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
});
