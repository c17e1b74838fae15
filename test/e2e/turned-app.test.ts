// Holds that a whole Nest app passes delays, the pauses of an ordered queue and the broker's questions about a transaction by the
// clock that its test turns, in next to no real time.
import 'reflect-metadata';
import { beforeAll, expect, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  RocketMQLocalTransactionState,
  RocketMQMessageListener,
  RocketMQTemplate,
  RocketMQTransactionListener,
} from 'nest-rocketmq';
import { rocketMQTesting } from 'nest-rocketmq/testing';
import { leastTime } from './least-time.js';

const { COMMIT, UNKNOWN } = RocketMQLocalTransactionState;
const SUSPENSIONS = 10;
const CHECKS = 3;
const LIMIT_MS = 50;

/** ms of real time in which the clock turns through the delay, and through all else. */
async function round(delay: string): Promise<number> {
  const seen = { reminders: 0, failures: 0, checks: 0, paid: 0 };

  @RocketMQTransactionListener({ topic: 'payment' })
  class Payments {
    checkLocalTransaction(): RocketMQLocalTransactionState {
      return ++seen.checks < CHECKS ? UNKNOWN : COMMIT;
    }
  }

  class Shop {
    @RocketMQMessageListener({ topic: 'reminder', consumerGroup: 'reminders' })
    remind(): void {
      seen.reminders++;
    }
    @RocketMQMessageListener({ topic: 'order', consumerGroup: 'timeline', consumeMode: 'ORDERLY' })
    order(): void {
      if (++seen.failures <= SUSPENSIONS) throw new Error('not yet');
    }
    @RocketMQMessageListener({ topic: 'payment', consumerGroup: 'accounts' })
    pay(): void {
      seen.paid++;
    }
  }

  const testing = rocketMQTesting({ group: 'shop' });
  const app = await Test.createTestingModule({ imports: [testing.module], providers: [Shop, Payments] }).compile();
  await app.init();
  const template = app.get(RocketMQTemplate);
  await template.send('order', { id: 'o1' }, { shardingKey: 'o1' });
  await template.send('reminder', { id: 'o1' }, { delay });
  await template.transaction('payment', { id: 'o1' }, () => UNKNOWN);
  const began = performance.now();
  await testing.advance(delay, { timeout: '20s' });
  const took = performance.now() - began;
  // A topic that was new may have been found a moment after its message was sent.
  await testing.advance('2s', { timeout: '20s' });
  expect(seen).toEqual({ reminders: 1, failures: SUSPENSIONS + 1, checks: CHECKS, paid: 1 });
  await app.close();
  return took;
}

beforeAll(() => Logger.overrideLogger(false));

test(`a delay of 36 hours, ${SUSPENSIONS} suspensions and ${CHECKS} check-backs take less than ${LIMIT_MS} ms`, async () => {
  expect(await leastTime(LIMIT_MS, () => round('36h'))).toBeLessThan(LIMIT_MS);
});
