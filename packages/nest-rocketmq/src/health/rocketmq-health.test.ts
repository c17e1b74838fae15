import { expect, it } from '@jest/globals';
import { ResponseError } from '@nest-rocketmq/client';
import { RocketMQHealth } from './rocketmq-health.js';
import type { HealthReport } from './health-options.js';

const queue = (queueId: number) => ({ topic: 't', brokerName: 'b', queueId });

/** A health of an app with some groups, whose servers say what `admin` does. */
function healthOf(admin: object, groups: readonly string[], client?: () => Promise<object>): RocketMQHealth {
  const usual = {
    clusterInfo: () => Promise.resolve({}),
    fetchSubscribeMessageQueues: () => Promise.resolve([queue(0)]),
    topicRoute: () => Promise.resolve({ queueDatas: [{ brokerName: 'b', readQueueNums: 1 }] }),
    maxOffset: () => Promise.resolve(5),
    minOffset: () => Promise.resolve(0),
    consumerOffset: () => Promise.resolve(3),
  };
  const connection = {
    status: { now: 'up', unreachable: [] },
    backendName: 'cluster',
    client: client ?? (() => Promise.resolve({ admin: { ...usual, ...admin } })),
  };
  const subscribed = groups.map((group) => ({ group, topics: ['t'], messageModel: 'CLUSTERING', offsets: [] }));
  const listeners = { subscribed: () => subscribed };
  return new RocketMQHealth(connection as never, listeners as never, { subscribed: () => [] } as never);
}

const inBrief = ({ status, reasons, groups }: HealthReport) => ({ status, reasons: reasons.length, groups });

it('a server that refuses to tell has answered: it is degraded, and not down', async () => {
  const refuse = () => Promise.reject(new ResponseError(16, 'no permission', 'broker:10911', 'GET_MAX_OFFSET'));
  const report = await healthOf({ clusterInfo: refuse, maxOffset: refuse }, ['g']).check();
  expect(inBrief(report)).toEqual({ status: 'degraded', reasons: 2, groups: {} });
  const away = () => Promise.reject(new Error('nobody is there'));
  expect((await healthOf({ clusterInfo: away, maxOffset: away }, ['g']).check()).status).toBe('down');
});

it('a connection that is closed meanwhile stands in the report', async () => {
  const report = await healthOf({}, ['g'], () => Promise.reject(new Error('the app is closed'))).check();
  expect(report).toMatchObject({
    status: 'down',
    reasons: ['the name server: the app is closed', 'group g: the app is closed'],
  });
});

it('dead letters count, too, where nobody may read them, as on brokers before 4.9.2', async () => {
  const unreadable = {
    fetchSubscribeMessageQueues: () => Promise.resolve([]),
    topicRoute: (topic: string) =>
      Promise.resolve(
        topic === '%DLQ%g' ? { queueDatas: [{ brokerName: 'b', readQueueNums: 2, perm: 2 }] } : undefined,
      ),
  };
  expect((await healthOf(unreadable, ['g']).check()).groups).toMatchObject({ g: { deadLetters: 10 } });
});

it('a look that nobody waits for any more asks no further', async () => {
  const answers: (() => void)[] = [];
  const slow = {
    topicRoute: () => Promise.resolve({ queueDatas: [{ brokerName: 'b', readQueueNums: 100 }] }),
    minOffset: () => new Promise<number>((resolve) => answers.push(() => resolve(0))),
  };
  const health = healthOf({ maxOffset: () => Promise.resolve(5), ...slow }, ['g', 'h', 'i']);
  const report = await health.check({ timeout: 20 });
  expect(report.reasons).toEqual(['the servers have not answered within 20 ms']);
  const asked = answers.length;
  for (const answer of answers) answer();
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect([asked, answers.length]).toEqual([32, 32]);
});
