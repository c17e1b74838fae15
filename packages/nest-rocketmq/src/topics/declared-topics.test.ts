import { beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { Admin, CreateTopicOptions } from '@nest-rocketmq/client';
import { createDeclaredTopics } from './declared-topics.js';
import type { CheckedTopic } from '../options/topic-options.js';

let created: CreateTopicOptions[];
let warnings: string[];

beforeEach(() => {
  created = [];
  warnings = [];
  jest.spyOn(Logger.prototype, 'warn').mockImplementation((line: unknown) => void warnings.push(String(line)));
});

/** A cluster of broker-b and broker-a. @param queues of the topic on each broker; without, there is no topic */
function admin(queues?: Record<string, number>, refuse?: Error): Admin {
  const queueDatas = Object.entries(queues ?? {}).map(([brokerName, writeQueueNums]) => ({
    brokerName,
    writeQueueNums,
  }));
  return {
    topicRoute: () => Promise.resolve(queues && { queueDatas }),
    clusterInfo: () =>
      Promise.resolve({
        brokerAddrTable: new Map([
          ['broker-b', {}],
          ['broker-a', {}],
        ]),
      }),
    createTopic: (options: CreateTopicOptions) => {
      created.push(options);
      return refuse ? Promise.reject(refuse) : Promise.resolve();
    },
  } as unknown as Admin;
}

const topic = (queues: number, brokers?: string[]): CheckedTopic => ({ name: 'order', queues, brokers });

/** The topic exists on broker-a with these attributes and permissions. */
function adminOf(attributes: Record<string, string>, perm = 6): Admin {
  return {
    topicRoute: () => Promise.resolve({ queueDatas: [{ brokerName: 'broker-a', writeQueueNums: 4, perm }] }),
    topicConfigs: () => Promise.resolve([{ broker: 'broker-a', attributes }]),
  } as unknown as Admin;
}

describe('a declared topic', () => {
  const typed: CheckedTopic = { ...topic(4), permissions: 'R', attributes: { 'message.type': 'FIFO' } };

  test('is created with its permissions and attributes', async () => {
    await createDeclaredTopics(admin(), [typed]);
    expect(created).toEqual([{ topic: 'order', queues: 4, perm: 4, attributes: { 'message.type': 'FIFO' } }]);
  });

  test('that exists with other permissions or attributes is left alone, with a warning that has the command', async () => {
    await createDeclaredTopics(adminOf({ 'message.type': 'NORMAL' }), [typed]);
    await createDeclaredTopics(adminOf({}, 4), [typed]);
    await createDeclaredTopics(adminOf({ 'message.type': 'FIFO', 'reserve.time': '1' }, 4), [typed]);
    expect(warnings).toEqual([
      expect.stringMatching(/other permissions .*: RW on broker-a, not R\. /),
      expect.stringMatching(/message\.type is NORMAL on broker-a, not FIFO\..* -t order -a \+message\.type=FIFO$/),
      expect.stringMatching(/message\.type is not set on broker-a, not FIFO/),
    ]);
  });

  test('that cannot be created is an error whose command has its permissions and attributes', async () => {
    const creating = createDeclaredTopics(admin(undefined, new Error('no permission.')), [typed]);
    await expect(creating).rejects.toThrow(/updateTopic -c CLUSTER -t order -r 4 -w 4 -p 4 -a \+message\.type=FIFO;/);
  });

  test('is created with its queues on all brokers, or on those that it names', async () => {
    await createDeclaredTopics(admin(), [topic(4)]);
    await createDeclaredTopics(admin(), [topic(4, ['broker-b'])]);
    expect(created).toEqual([
      { topic: 'order', queues: 4 },
      { topic: 'order', queues: 4, brokers: ['broker-b'] },
    ]);
  });

  test('of one queue is created on one broker only, whatever the order in which brokers are named', async () => {
    await createDeclaredTopics(admin(), [topic(1)]);
    expect(created).toEqual([{ topic: 'order', queues: 1, brokers: ['broker-a'] }]);
  });

  test.each([
    [4, { 'broker-a': 4, 'broker-b': 4 }],
    [1, { 'broker-a': 1 }],
  ])('that exists as declared is left alone: %i', async (queues, existing) => {
    await createDeclaredTopics(admin(existing), [topic(queues)]);
    expect([created, warnings]).toEqual([[], []]);
  });

  test.each<[number, Record<string, number>, RegExp]>([
    [4, { 'broker-a': 4, 'broker-b': 8 }, /4 on broker-a, 8 on broker-b, not 4\. It is left/],
    [1, { 'broker-a': 1, 'broker-b': 1 }, /not 1 in all, so its messages are not in one order/],
  ])('that exists with other queues is left alone, with a warning: %i', async (queues, existing, warning) => {
    await createDeclaredTopics(admin(existing), [topic(queues)]);
    expect(created).toEqual([]);
    expect(warnings).toEqual([expect.stringMatching(warning)]);
  });

  test.each<[string, Record<string, number>, RegExp | undefined]>([
    ['all of them', { 'broker-b': 4, 'broker-a': 4 }, undefined],
    ['fewer', { 'broker-a': 4 }, /: 4 on broker-a, not 4 on broker-a and broker-b\. It is left/],
    ['more', { 'broker-a': 4, 'broker-b': 4, 'broker-c': 4 }, /4 on broker-c, not 4 on broker-a and broker-b\./],
  ])('that exists on %s of the brokers that it names', async (_which, existing, warning) => {
    await createDeclaredTopics(admin(existing), [topic(4, ['broker-a', 'broker-b'])]);
    expect(warnings).toEqual(warning ? [expect.stringMatching(warning)] : []);
  });

  test.each<[string, CheckedTopic, RegExp]>([
    ['on all brokers', topic(4), /updateTopic -c CLUSTER -t order -r 4 -w 4;/],
    ['on one of them', topic(1), /updateTopic -b HOST:PORT -t order -r 1 -w 1, where .* of one broker;/],
    ['on two', topic(4, ['a', 'b']), /updateTopic -b HOST:PORT -t order -r 4 -w 4, where .* of a and then of b;/],
  ])('that cannot be created %s is an error with the command for that', async (_where, declared, command) => {
    const creating = createDeclaredTopics(admin(undefined, new Error('no permission.')), [declared]);
    await expect(creating).rejects.toThrow(command);
  });

  test('that cannot be created is an error that says what an administrator has to do', async () => {
    const creating = createDeclaredTopics(admin(undefined, new Error('no permission.')), [topic(4, ['broker-a'])]);
    await expect(creating).rejects.toMatchObject({
      code: 'TOPIC_NOT_CREATED',
      message: expect.stringMatching(
        /order .*: no permission\. Have an administrator .*updateTopic.*-t order -r 4 -w 4/,
      ),
    });
  });
});
