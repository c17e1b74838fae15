// What keeps an app from starting on the embedded broker, how it says so, and that it leaves nothing behind.
import 'reflect-metadata';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Logger, Module } from '@nestjs/common';
import type { INestApplicationContext, ModuleMetadata } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { RocketMQMessageListener, RocketMQTemplate } from 'nest-rocketmq';
import { rocketMQTesting } from 'nest-rocketmq/testing';

const apps: INestApplicationContext[] = [];

beforeEach(() => Logger.overrideLogger(['error']));

afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()));
});

async function start(metadata: ModuleMetadata): Promise<INestApplicationContext> {
  const app = await Test.createTestingModule(metadata).compile();
  apps.push(app);
  return app.init();
}

describe('a condition in SQL92, which the embedded broker does not have,', () => {
  class Rich {
    @RocketMQMessageListener({ topic: 'order', selectorType: 'SQL92', selectorExpression: 'amount > 100' })
    take(): void {}
  }

  test.each([
    ['is there', true],
    ['is not there yet', false],
  ])('is refused at start, by the name of the listener, when its topic %s', async (_topic, exists) => {
    const testing = rocketMQTesting({ group: 'g', autoStart: false });
    const app = await start({ imports: [testing.module], providers: [Rich] });
    if (exists) await app.get(RocketMQTemplate).send('order', 1);
    const { RocketMQListeners } = await import('nest-rocketmq');
    const listening = app.get(RocketMQListeners).start();
    await expect(listening).rejects.toMatchObject({ code: 'INVALID_LISTENER' });
    await expect(listening).rejects.toThrow(/Rich\.take: .*topic order, 'amount > 100'.*SQL92.*tags/);
  });

  test('keeps the app from starting, and nothing is left behind', async () => {
    const testing = rocketMQTesting({ group: 'g' });
    await expect(start({ imports: [testing.module], providers: [Rich] })).rejects.toThrow(/Rich\.take/);
    expect(testing.clock.pending).toBe(0);
  });
});
