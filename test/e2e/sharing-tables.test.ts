// Runs the rows of Apache's own test suite on broadcasting and on groups that change on our broker, by a clock that is turned
// by hand; test/interop/sharing has the same on Apache's.
import { afterAll, beforeAll, describe } from '@jest/globals';
import { declareBalanceTests, declareBroadcastTests } from '../tables/sharing.js';
import { virtualStage } from '../tables/stage.js';
import type { Stage } from '../tables/stage.js';

describe('on our broker', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await virtualStage();
  });
  afterAll(() => stage.end());
  declareBroadcastTests(() => stage);
  declareBalanceTests(() => stage);
});
