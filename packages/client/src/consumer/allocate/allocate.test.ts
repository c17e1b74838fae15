import { describe, expect, it } from '@jest/globals';
import {
  InvalidOptionError,
  allocateAveragely,
  allocateAveragelyByCircle,
  allocateByConfig,
  compareQueues,
  allocateByConsistentHash,
} from '@nest-rocketmq/remoting/internal';
import type { AllocateMessageQueueStrategy } from '@nest-rocketmq/remoting/internal';
import { allocateByMachineRoom, allocateByMachineRoomNearby } from './allocate-machine-room.js';
import { checkStrategy } from './allocate-strategies.js';

const queues = (count: number) =>
  Array.from({ length: count }, (_, queueId) => ({ topic: 't', brokerName: 'a', queueId }));
const clients = (count: number) => Array.from({ length: count }, (_, i) => `c${String(i).padStart(2, '0')}`);

function division(strategy: AllocateMessageQueueStrategy, queueCount: number, clientCount: number): number[][] {
  const all = clients(clientCount);
  return all.map((id) => strategy.allocate('g', id, queues(queueCount), all).map(({ queueId }) => queueId));
}

describe('AVG', () => {
  // As Apache's AllocateMessageQueueAveragely divides them.
  it.each([
    [8, 1, [[0, 1, 2, 3, 4, 5, 6, 7]]],
    [
      8,
      2,
      [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
      ],
    ],
    [
      8,
      3,
      [
        [0, 1, 2],
        [3, 4, 5],
        [6, 7],
      ],
    ],
    [6, 4, [[0, 1], [2, 3], [4], [5]]],
    [2, 3, [[0], [1], []]],
    [1, 1, [[0]]],
  ])('divides %i queues among %i consumers', (queueCount, clientCount, expected) => {
    expect(division(allocateAveragely, queueCount, clientCount)).toEqual(expected);
  });
});

describe('every strategy for a whole group', () => {
  it.each([
    ['AVG', allocateAveragely],
    ['AVG_BY_CIRCLE', allocateAveragelyByCircle],
    ['CONSISTENT_HASH', allocateByConsistentHash()],
  ])('%s gives each queue to exactly one consumer', (_name, strategy) => {
    for (let queueCount = 1; queueCount <= 17; queueCount++) {
      for (let clientCount = 1; clientCount <= 9; clientCount++) {
        const all = division(strategy, queueCount, clientCount).flat();
        expect(all.toSorted((a, b) => a - b)).toEqual(queues(queueCount).map(({ queueId }) => queueId));
      }
    }
  });

  it.each([
    ['AVG', allocateAveragely],
    ['AVG_BY_CIRCLE', allocateAveragelyByCircle],
  ])('%s gives nothing to a consumer that is not of the group', (_name, strategy) => {
    expect(strategy.allocate('g', 'stranger', queues(4), clients(2))).toEqual([]);
  });
});

describe('AVG_BY_CIRCLE', () => {
  it('deals the queues out in turn', () => {
    expect(division(allocateAveragelyByCircle, 5, 2)).toEqual([
      [0, 2, 4],
      [1, 3],
    ]);
  });
});

describe('CONFIG', () => {
  it('is always the same queues', () => {
    const mine = queues(2);
    expect(allocateByConfig(mine).allocate('g', 'c', queues(8), clients(3))).toEqual(mine);
  });
});

describe('CONSISTENT_HASH', () => {
  it('T148: leaves most queues where they are when a consumer goes', () => {
    const strategy = allocateByConsistentHash();
    const before = division(strategy, 64, 4);
    const left = clients(4).slice(0, 3);
    for (const [index, id] of left.entries()) {
      const after = strategy.allocate('g', id, queues(64), left).map(({ queueId }) => queueId);
      expect(after).toEqual(expect.arrayContaining(before[index]!));
    }
  });
});

describe('bad arguments', () => {
  const nowhere = { brokerDeployIn: () => 'a', consumerDeployIn: () => '' };
  it.each<[string, () => unknown, RegExp]>([
    ['a negative number of virtual nodes', () => allocateByConsistentHash(-1), /virtualNodes is -1/],
    ['more virtual nodes than a division can take', () => allocateByConsistentHash(1e9), /from 0 to 1000/],
    ['a hash that is none', () => allocateByConsistentHash(10, 'md5' as never), /hash/],
    ['a list of queues that is none', () => allocateByConfig('t' as never), /queues/],
    ['queues without a number', () => allocateByConfig([{ topic: 't', brokerName: 'a' } as never]), /queueId/],
    ['rooms that are no list', () => allocateByMachineRoom('r1' as never), /rooms/],
    ['no resolver', () => allocateByMachineRoomNearby('AVG', {} as never), /brokerDeployIn\(queue\)/],
    [
      'an unknown strategy',
      () => checkStrategy('strategy', 'AVERAGE' as never),
      /'AVG', 'AVG_BY_CIRCLE', 'CONSISTENT_HASH'/,
    ],
    ['a strategy of the object that all have', () => checkStrategy('strategy', 'constructor' as never), /'AVG'/],
    ['a strategy without a name', () => checkStrategy('strategy', { allocate: () => [] } as never), /name, allocate/],
    [
      'a client without a room',
      () => allocateByMachineRoomNearby('AVG', nowhere).allocate('g', 'c', queues(1), ['c']),
      /of c/,
    ],
    ['no client', () => allocateAveragely.allocate('g', '', queues(1), ['c']), /clientId/],
    ['no queues', () => allocateAveragelyByCircle.allocate('g', 'c', [], ['c']), /queues/],
    ['no clients', () => allocateByConsistentHash().allocate('g', 'c', queues(1), []), /clientIds/],
  ])('T148: %s: refused, as in Java', (_what, run, message) => {
    expect(run).toThrow(InvalidOptionError);
    expect(run).toThrow(message);
  });
});

describe('the order of queues', () => {
  it('is topic, broker, number', () => {
    const shuffled = [
      { topic: 't', brokerName: 'b', queueId: 0 },
      { topic: 't', brokerName: 'a', queueId: 10 },
      { topic: 's', brokerName: 'z', queueId: 3 },
      { topic: 't', brokerName: 'a', queueId: 2 },
    ];
    expect(shuffled.toSorted(compareQueues).map((q) => `${q.topic}${q.brokerName}${q.queueId}`)).toEqual([
      'sz3',
      'ta2',
      'ta10',
      'tb0',
    ]);
  });
});
