// Tests what an app says of its health: without Terminus, and as an indicator of Terminus.
import 'reflect-metadata';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Logger } from '@nestjs/common';
import { EventPattern } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import type { TestingModule } from '@nestjs/testing';
import { HealthCheckService, HealthIndicatorService, TerminusModule } from '@nestjs/terminus';
import {
  InjectPullConsumer,
  Outcome,
  RocketMQHealth,
  RocketMQListeners,
  RocketMQMessageListener,
  RocketMQModule,
  RocketMQPullConsumer,
  RocketMQTemplate,
  getRocketMQHealthToken,
} from 'nest-rocketmq';
import type { RocketMQStatus } from 'nest-rocketmq';
import { RocketMQServer } from 'nest-rocketmq/microservices';
import { RocketMQHealthIndicator } from 'nest-rocketmq/terminus';
import { consumed, failed } from 'nest-rocketmq/testing';
import { Breakable } from './breakable-backend.js';
import { PATIENCE_MS, closeApps, startApp, unique } from './nest-harness.js';

const timeout = PATIENCE_MS;
/** For a look at the health, in real time: the longest that is allowed. */
const LOOK = { timeout: '60s' } as const;
const FIRST = { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' } as const;

afterEach(closeApps);

describe('RocketMQHealth', () => {
  it('is up with a cluster that answers, and tells of each group', async () => {
    const [topic, group] = [unique('order'), unique('shop')];
    class Orders {
      @RocketMQMessageListener({ topic, consumerGroup: group, ...FIRST })
      take(): void {}
    }
    const app = await startApp({ providers: [Orders] });
    const health = app.module.get(RocketMQHealth);
    const statuses: RocketMQStatus[] = [];
    health.statuses.subscribe((status) => statuses.push(status));
    expect(await health.check(LOOK)).toEqual({
      status: 'up',
      reasons: [],
      backend: expect.any(String),
      connection: 'up',
      unreachable: [],
      groups: { [group]: { lag: 0, deadLetters: 0 } },
    });
    await app.close();
    expect(statuses).toEqual(['up', 'down']);
    expect(await health.check()).toMatchObject({ status: 'down', connection: 'down' });
  });

  it('is degraded when a group is too far behind', async () => {
    const [topic, group] = [unique('order'), unique('shop')];
    class Orders {
      @RocketMQMessageListener({ topic, consumerGroup: group, ...FIRST })
      take(): void {}
    }
    const app = await startApp({ providers: [Orders] }, { topics: [{ name: topic, queues: 1 }] });
    const health = app.module.get(RocketMQHealth);
    const first = consumed(app.module, { topic }, { timeout });
    await app.template.send(topic, 0);
    await app.elapse(first, '30s');
    app.module.get(RocketMQListeners).pause(group);
    await app.template.sendBatch(topic, [1, 2, 3]);
    expect(await health.check({ ...LOOK, maxLag: 3 })).toMatchObject({ status: 'up', groups: { [group]: { lag: 3 } } });
    expect(await health.check({ ...LOOK, maxLag: 2 })).toMatchObject({
      status: 'degraded',
      reasons: [`group ${group} is 3 messages behind, maxLag is 2`],
    });
  });

  it('counts pull consumers, those of receive, patterns of a microservice and listeners that answer', async () => {
    const topic = unique('order');
    const [pulled, received, pattern, answers] = ['pulled', 'received', 'pattern', 'answers'].map(unique);
    class Orders {
      constructor(@InjectPullConsumer() readonly messages: RocketMQPullConsumer) {}
      @RocketMQMessageListener({ topic: unique('price'), consumerGroup: answers, reply: true })
      answer(): number {
        return 1;
      }
      @EventPattern(topic, { consumerGroup: pattern, ...FIRST })
      take(_order: unknown): void {}
    }
    Controller()(Orders);
    const pullConsumers = [{ group: pulled!, topics: [topic], ...FIRST }];
    const app = await startApp(
      { imports: [RocketMQModule.forFeature({ pullConsumers })], controllers: [Orders] },
      { topics: [{ name: topic, queues: 1 }] },
    );
    const nest = app.module.createNestApplication();
    nest.connectMicroservice({ strategy: new RocketMQServer({ listeners: app.module.get(RocketMQListeners) }) });
    await nest.startAllMicroservices();
    app.module.get(RocketMQListeners).pause(pattern);
    await app.template.sendBatch(topic, [1, 2, 3, 4]);
    await app.module.get(Orders).messages.poll({ max: 1, timeout });
    const { length } = await app.template.receive(topic, { max: 2, group: received!, timeout });
    const { groups } = await app.module.get(RocketMQHealth).check(LOOK);
    expect(new Set(Object.keys(groups))).toEqual(new Set([pulled, received, pattern, answers]));
    expect([groups[pulled!]!.lag, groups[received!]!.lag, groups[answers!]!.lag]).toEqual([3, 4 - length, 0]);
    expect(await app.module.get(RocketMQHealth).check({ ...LOOK, maxLag: 2 })).toMatchObject({ status: 'degraded' });
    await nest.close();
  });

  it('is degraded when a group has too many dead letters', async () => {
    const [topic, group] = [unique('order'), unique('shop')];
    class Orders {
      @RocketMQMessageListener({ topic, consumerGroup: group, ...FIRST })
      take(): Outcome {
        return Outcome.toDeadLetter('no');
      }
    }
    const app = await startApp({ providers: [Orders] });
    const health = app.module.get(RocketMQHealth);
    const dead = failed(app.module, { topic }, { timeout });
    await app.template.send(topic, 0);
    await app.elapse(dead, '30s');
    await app.until(async () => (await health.check(LOOK)).groups[group]?.deadLetters === 1);
    expect((await health.check({ ...LOOK, maxDeadLetters: 1 })).status).toBe('up');
    expect(await health.check({ ...LOOK, maxDeadLetters: 0 })).toMatchObject({
      status: 'degraded',
      reasons: [`group ${group} has 1 dead letters, maxDeadLetters is 0`],
    });
  });

  it.each([{ maxLag: -1 }, { maxDeadLetters: 1.5 }, { timeout: 'soon' }, { lag: 1 }])('refuses %j', async (options) => {
    const app = await startApp({});
    const checking = app.module.get(RocketMQHealth).check(options as never);
    await expect(checking).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });

  it('knows no lag of a group in which each instance has all messages', async () => {
    const [topic, group] = [unique('order'), unique('shop')];
    class Orders {
      @RocketMQMessageListener({ topic, consumerGroup: group, messageModel: 'BROADCASTING' })
      take(): void {}
    }
    const app = await startApp({ providers: [Orders] });
    expect((await app.module.get(RocketMQHealth).check(LOOK)).groups).toEqual({
      [group]: { lag: undefined, deadLetters: 0 },
    });
  });
});

describe('with a cluster that goes away', () => {
  async function broken(backend: Breakable): Promise<TestingModule> {
    Logger.overrideLogger(false);
    const module = await Test.createTestingModule({
      imports: [RocketMQModule.forRoot({ backend, group: 'g', shutdownTimeout: 0 }), TerminusModule],
      providers: [RocketMQHealthIndicator],
    }).compile();
    await module.init();
    return module;
  }

  it('the status is reconnecting, then up again, and the report says down meanwhile', async () => {
    const backend = new Breakable();
    const module = await broken(backend);
    const health = module.get(RocketMQHealth);
    const statuses: RocketMQStatus[] = [];
    health.statuses.subscribe((status) => statuses.push(status));
    await module.get(RocketMQTemplate).send('t', 1);
    backend.cut();
    await backend.clock.advance('31s', { wait: false });
    expect([health.status, health.unreachable.length > 0]).toEqual(['reconnecting', true]);
    const report = await health.check({ timeout: 200 });
    expect(report).toMatchObject({ status: 'down', connection: 'reconnecting' });
    expect(report.reasons.join()).toContain('does not answer');
    expect(await module.get(RocketMQHealthIndicator).isHealthy('mq', { timeout: 200 })).toMatchObject({
      mq: { status: 'down', connection: 'reconnecting' },
    });
    backend.isCut = false;
    for (let at = 0; at < 10 && health.status !== 'up'; at++) await backend.clock.advance('10s', { wait: false });
    expect(statuses).toEqual(['up', 'reconnecting', 'up']);
    expect((await health.check(LOOK)).status).toBe('up');
    await module.close();
  });
});

describe('the indicator of Terminus', () => {
  it('is part of a health check, degraded by a limit without failing it', async () => {
    const [topic, group] = [unique('order'), unique('shop')];
    class Orders {
      @RocketMQMessageListener({ topic, consumerGroup: group, ...FIRST })
      take(): Outcome {
        return Outcome.toDeadLetter('no');
      }
    }
    const app = await startApp({ imports: [TerminusModule], providers: [RocketMQHealthIndicator, Orders] });
    const indicator = app.module.get(RocketMQHealthIndicator);
    const check = (maxDeadLetters: number) =>
      app.module.get(HealthCheckService).check([() => indicator.isHealthy('rocketmq', { ...LOOK, maxDeadLetters })]);
    expect(await check(0)).toMatchObject({
      status: 'ok',
      details: { rocketmq: { status: 'up', connection: 'up', groups: { [group]: { lag: 0, deadLetters: 0 } } } },
    });
    const dead = failed(app.module, { topic }, { timeout });
    await app.template.send(topic, 0);
    await app.elapse(dead, '30s');
    // A dead letter is stored soon after its listener has ended.
    await app.until(async () => (await check(0)).status !== 'ok');
    expect(await check(0)).toMatchObject({
      status: 'degraded',
      info: { rocketmq: { status: 'degraded', groups: { [group]: { deadLetters: 1 } } } },
    });
    await app.close();
    await expect(check(0)).rejects.toMatchObject({ response: { error: { rocketmq: { status: 'down' } } } });
  });

  it('is up with Terminus 11, which knows no degraded, and says so in the details', async () => {
    const app = await startApp({});
    const of11 = {
      check: (key: string) => ({
        up: (details: object) => ({ [key]: { ...details, status: 'up' } }),
        down: (details: object) => ({ [key]: { ...details, status: 'down' } }),
      }),
    };
    const health = app.module.get(RocketMQHealth);
    const degraded = { check: async () => ({ ...(await health.check()), status: 'degraded' }) };
    const indicator = new RocketMQHealthIndicator(of11 as unknown as HealthIndicatorService, degraded as never);
    expect(await indicator.isHealthy('mq')).toMatchObject({ mq: { status: 'up', degraded: true } });
  });
});

it('an indicator in an app whose clusters all have names tells of each, and says how', async () => {
  Logger.overrideLogger(false);
  const module = await Test.createTestingModule({
    imports: [TerminusModule, RocketMQModule.forRoot({ name: 'billing', embedded: { store: 'memory' } })],
    providers: [RocketMQHealthIndicator],
  }).compile();
  await module.init();
  const indicator = module.get(RocketMQHealthIndicator);
  await expect(indicator.isHealthy('rocketmq')).rejects.toThrow(
    /isHealthyOf\(health, key\), with @InjectRocketMQHealth/,
  );
  const health = module.get<RocketMQHealth>(getRocketMQHealthToken('billing'));
  expect(await indicator.isHealthyOf(health, 'billing')).toMatchObject({ billing: { status: 'up' } });
  await module.close();
});
