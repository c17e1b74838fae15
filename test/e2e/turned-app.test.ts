// Holds that a whole Nest app goes through a day and a half by the clock that its test turns in next to no real time: a delay of
// 36 hours, the pauses of an ordered queue, and the broker's questions about a transaction.
import 'reflect-metadata';
import { expect, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  RocketMQLocalTransactionState,
  RocketMQMessageListener,
  RocketMQTemplate,
  RocketMQTransactionListener,
} from 'nest-rocketmq';
import { rocketMQTesting } from 'nest-rocketmq/testing';

const { COMMIT, UNKNOWN } = RocketMQLocalTransactionState;
const ROUNDS = 8;
const SUSPENSIONS = 10;
const CHECKS = 3;
const MOST_MS = 50;

/** Real ms for all three. */
async function round(): Promise<number> {
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
  await template.send('reminder', { id: 'o1' }, { delay: '36h' });
  await template.transaction('payment', { id: 'o1' }, () => UNKNOWN);
  const began = performance.now();
  await testing.advance('36h');
  const took = performance.now() - began;
  await testing.advance('1m');
  expect(seen).toEqual({ reminders: 1, failures: SUSPENSIONS + 1, checks: CHECKS, paid: 1 });
  await app.close();
  return took;
}

test(`36 hours, ${SUSPENSIONS} suspensions and ${CHECKS} check-backs take less than ${MOST_MS} ms`, async () => {
  Logger.overrideLogger(false);
  const times: number[] = [];
  for (let index = 0; index < ROUNDS; index++) times.push(await round());
  process.stdout.write(`${times.map(Math.round).join(' ')}\n`);
  // The machine may be busy with something else in any of them.
  expect(Math.min(...times)).toBeLessThan(MOST_MS);
}, 60_000);
