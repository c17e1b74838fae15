// A hundred tests of an app, as a user writes them, with node:test, from the build. Each begins with an empty broker. At its end
// it prints what they took, however busy the machine is: ms of processor time, that of loading modules included, and ms for which
// the tests waited for something.
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  RocketMQMessageListener,
  RocketMQModule,
  RocketMQTemplate,
  ROCKETMQ_OPTIONS,
} from '../../packages/nest-rocketmq/dist/esm/index.js';
import { rocketMQTesting } from '../../packages/nest-rocketmq/dist/esm/testing/index.js';

Logger.overrideLogger(['error', 'fatal']);

const seen = [];

class CancelOrder {
  onMessage({ id }) {
    seen.push(id);
    if (id === 'fails' && seen.length < 3) throw new Error('not yet');
  }
}
RocketMQMessageListener({ topic: 'order-cancel', consumerGroup: 'cancel' })(CancelOrder);

/** Its own options would store messages in the working directory. */
class AppModule {}
const appModule = { module: AppModule, imports: [RocketMQModule.forRoot()], providers: [CancelOrder] };

const testing = rocketMQTesting({ group: 'shop' });
let app;
let waited = 0;
const idle = () => performance.eventLoopUtilization().idle;

before(async () => {
  const building = Test.createTestingModule({ imports: [appModule] });
  app = await building.overrideProvider(ROCKETMQ_OPTIONS).useValue(testing.options).compile();
  await app.init();
  waited -= idle();
});

beforeEach(async () => {
  await testing.reset();
  seen.length = 0;
});

after(async () => {
  waited += idle();
  await app.close();
});

process.once('exit', () => {
  const { user, system } = process.cpuUsage();
  process.stdout.write(`took ${Math.round((user + system) / 1_000 + waited)}\n`);
});

for (let number = 1; number <= 100; number++) {
  void test(`order ${number} is cancelled after half an hour, at its third try`, async () => {
    testing.expectNothingSent();
    await app.get(RocketMQTemplate).send('order-cancel', { id: 'fails', number }, { delay: '30m', keys: 'k' });
    const { context } = await testing.expectConsumed(CancelOrder, { number });
    assert.equal(context.reconsumeTimes, 2);
    assert.equal(testing.attempts('k'), 3);
    assert.equal(testing.sent('order-cancel').length, 1);
    assert.deepEqual(seen, ['fails', 'fails', 'fails']);
  });
}
