// Holds the allocation strategies to what Apache's own classes make of the same cases (test/interop/java/src/allocate).
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { MessageQueue, AllocateMessageQueueStrategy } from '@nest-rocketmq/remoting/internal';
import {
  allocateAveragely,
  allocateAveragelyByCircle,
  allocateByConfig,
  compareQueues,
  allocateByConsistentHash,
} from '@nest-rocketmq/remoting/internal';
import { allocateByMachineRoom, allocateByMachineRoomNearby } from './allocate-machine-room.js';
import type { MachineRoomResolver } from './allocate-machine-room.js';

type Row = [
  strategy: string,
  argument: unknown,
  topic: string,
  brokers: [name: string, queues: number][],
  clientIds: string[],
  results: (number[] | null)[],
];

const FILE = join(import.meta.dirname, '../../../../../test/fixtures/allocation/table.jsonl');
const ROWS = readFileSync(FILE, 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Row);
const STRANGER = 'r1-stranger';

const roomOf = (name: string): string => name.slice(0, Math.max(0, name.indexOf('-')));
const resolver: MachineRoomResolver = {
  brokerDeployIn: ({ brokerName }) => roomOf(brokerName),
  consumerDeployIn: roomOf,
};

function strategyOf([name, argument]: Row, queues: MessageQueue[]): AllocateMessageQueueStrategy {
  switch (name) {
    case 'AVG':
      return allocateAveragely;
    case 'AVG_BY_CIRCLE':
      return allocateAveragelyByCircle;
    case 'CONSISTENT_HASH':
      return allocateByConsistentHash(argument as number);
    case 'CONFIG':
      return allocateByConfig((argument as number[]).map((index) => queues[index]!));
    case 'MACHINE_ROOM':
      return allocateByMachineRoom(argument as string[]);
    case 'MACHINE_ROOM_NEARBY-AVG':
      return allocateByMachineRoomNearby('AVG', resolver);
    case 'MACHINE_ROOM_NEARBY-AVG_BY_CIRCLE':
      return allocateByMachineRoomNearby(allocateAveragelyByCircle, resolver);
    default:
      return allocateByMachineRoomNearby('CONSISTENT_HASH', resolver);
  }
}

function resultsOf(row: Row): (number[] | null)[] {
  const [, , topic, brokers, clientIds] = row;
  const queues = brokers
    .flatMap(([brokerName, count]) => Array.from({ length: count }, (_, queueId) => ({ topic, brokerName, queueId })))
    .toSorted(compareQueues);
  const strategy = strategyOf(row, queues);
  expect(strategy.name).toBe(row[0]);
  return [...new Set([...clientIds, STRANGER, ''])].map((clientId) => {
    try {
      return strategy.allocate('stock', clientId, queues, clientIds).map((queue) => queues.indexOf(queue));
    } catch {
      return null;
    }
  });
}

describe("Apache's own classes and ours divide the queues alike", () => {
  const names = [...new Set(ROWS.map(([name]) => name))];
  it.each(names)('T148, T149, T150: %s', (name) => {
    const rows = ROWS.filter((row) => row[0] === name);
    expect(rows).toHaveLength(70);
    for (const row of rows) expect({ row, results: resultsOf(row) }).toEqual({ row, results: row[5] });
  });

  it('T149: nearby, every queue has one owner', () => {
    // Of a client that is listed twice, the second share is nobody's, in Java too.
    const rows = ROWS.filter(
      ([name, , , , clientIds, results]) =>
        name.includes('NEARBY') && !results.slice(0, -1).includes(null) && new Set(clientIds).size === clientIds.length,
    );
    expect(rows.length).toBeGreaterThan(100);
    for (const row of rows) {
      const count = row[3].reduce((sum, [, queues]) => sum + queues, 0);
      const all = resultsOf(row).flatMap((each) => each ?? []);
      expect(all.toSorted((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, index) => index));
    }
  });
});
