// Tests a manual clock under a whole app: it waits for listeners, and half an hour costs next to nothing.
import 'reflect-metadata';
import { readFile } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Injectable, Logger } from '@nestjs/common';
import type { INestApplicationContext, Provider } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  RocketMQLocalTransactionState,
  RocketMQMessageListener,
  RocketMQTemplate,
  RocketMQTransactionListener,
} from 'nest-rocketmq';
import type { RocketMQLocalTransactionListener } from 'nest-rocketmq';
import { ClockHeldError, consumed, rocketMQTesting } from 'nest-rocketmq/testing';
import type { RocketMQTesting } from 'nest-rocketmq/testing';

/** Listeners read files, which may take long on a busy machine. */
const PATIENT = { timeout: '60s' };

let testing: RocketMQTesting;
const apps: INestApplicationContext[] = [];

beforeEach(() => {
  Logger.overrideLogger(['error']);
  testing = rocketMQTesting({ group: 'shop', shutdownTimeout: 50 });
});

afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()));
});

async function start(...providers: Provider[]): Promise<RocketMQTemplate> {
  const app = await Test.createTestingModule({ imports: [testing.module], providers }).compile();
  apps.push(app);
  await app.init();
  return app.get(RocketMQTemplate);
}

/** Asynchronous work of a real listener: reading files, queries, timers. */
async function realWork(): Promise<void> {
  for (let round = 0; round < 3; round++) {
    await readFile(import.meta.filename);
    for (let turn = 0; turn < 3; turn++) await setImmediate();
  }
}

describe('the clock waits', () => {
  test('for a listener that does real work before it sends what is due later', async () => {
    const cancelled: [string, number][] = [];

    @Injectable()
    class Orders {
      constructor(private readonly rocketmq: RocketMQTemplate) {}
      @RocketMQMessageListener({ topic: 'order', consumerGroup: 'schedule' })
      async schedule({ id }: { id: string }): Promise<void> {
        await realWork();
        await this.rocketmq.send('order-cancel', { id }, { delay: '30m' });
      }
      @RocketMQMessageListener({ topic: 'order-cancel', consumerGroup: 'cancel' })
      async cancel({ id }: { id: string }): Promise<void> {
        await realWork();
        cancelled.push([id, testing.clock.now()]);
      }
    }

    const template = await start(Orders);
    const sent = testing.clock.now();
    const ids = ['o1', 'o2', 'o3', 'o4', 'o5'];
    for (const id of ids) await template.send('order', { id });
    // One second for topics that are new, and half an hour.
    await testing.advance('30m', PATIENT);
    await testing.advance('1s', PATIENT);
    expect(cancelled.map(([id]) => id).sort()).toEqual(ids);
    for (const [, at] of cancelled) expect(at - sent).toBeLessThanOrEqual(1_801_000);
  });

  test('for a send that nobody awaits, and for the check of a transaction', async () => {
    const checked: number[] = [];

    @RocketMQTransactionListener({ topic: 'payment' })
    class Payments implements RocketMQLocalTransactionListener {
      executeLocalTransaction(): RocketMQLocalTransactionState {
        return RocketMQLocalTransactionState.UNKNOWN;
      }
      async checkLocalTransaction(): Promise<RocketMQLocalTransactionState> {
        const asked = testing.clock.now();
        await realWork();
        checked.push(testing.clock.now() - asked);
        return RocketMQLocalTransactionState.COMMIT;
      }
    }

    const template = await start(Payments);
    const sending = template.sendMessageInTransaction('payment', 1);
    await testing.advance('5m', PATIENT);
    await sending;
    expect(checked).toEqual([0]);
  });

  test('for a listener that hangs no longer than a bound, and the error names it', async () => {
    class Hanging {
      @RocketMQMessageListener({ topic: 'order', consumerGroup: 'hanging' })
      take(): Promise<void> {
        return new Promise(() => {});
      }
    }
    const template = await start(Hanging);
    await template.send('order', 1);
    const turned = testing.advance('1m', { timeout: 50 });
    await expect(turned).rejects.toThrow(ClockHeldError);
    await expect(turned).rejects.toThrow(/Hanging\.take.* \(message \w+ of topic order\)/);
    await testing.advance('1m', { wait: false });
  });
});

test('a wait for a delivery with a misspelt match is refused: it would match any', async () => {
  const template = await start();
  await expect(consumed(apps[0]!, { tags: 'paid' } as never)).rejects.toThrow(/match\.tags of consumed.*called tag/);
  await expect(consumed(apps[0]!, {}, { time: 2 } as never)).rejects.toThrow(/time of consumed.*called times/);
  await expect(consumed(apps[0]!, {}, { timeout: '20ms' })).rejects.toThrow(/within 20 ms/);
  await template.send('order', 1);
});

test('an app closes while the clock stands still and a listener hangs', async () => {
  let called!: () => void;
  const running = new Promise<void>((resolve) => (called = resolve));
  class Hanging {
    @RocketMQMessageListener({ topic: 'order', consumerGroup: 'hanging' })
    take(): Promise<void> {
      called();
      return new Promise(() => {});
    }
  }
  const template = await start(Hanging);
  await template.send('order', 1);
  await testing.advance('1s', { wait: false });
  await running;
  await apps.pop()!.close();
  expect(testing.clock.pending).toBe(0);
});

/**
 * The cost of half an hour is the number of timers that fire in it, of requests and repeated tasks. 570 take some 15 ms on a
 * quiet machine; 4,860 of them, without what manual-clock-settings.ts sets, took over 100.
 */
const MOST_TIMERS_IN_HALF_AN_HOUR = 800;

test('half an hour costs next to nothing', async () => {
  class Listeners {
    @RocketMQMessageListener({ topic: 'order', consumerGroup: 'one' })
    one(): void {}
    @RocketMQMessageListener({ topic: 'order-cancel', consumerGroup: 'two' })
    two(): void {}
  }
  const template = await start(Listeners);
  await template.send('order', 1);
  await template.send('order-cancel', 1);
  await testing.advance('1m');
  const armed = jest.spyOn(testing.clock, 'setTimeout');
  await testing.advance('30m');
  expect(armed.mock.calls.length).toBeLessThan(MOST_TIMERS_IN_HALF_AN_HOUR);
});
