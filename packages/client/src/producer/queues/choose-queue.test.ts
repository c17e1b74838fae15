import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { decodeRouteData, javaHashCode } from '@nest-rocketmq/remoting/internal';
import { writableQueues } from '../../routes/route-queues.js';
import { RoundRobin, queueOfKey } from './choose-queue.js';

/** What Java's own classes made: see test/fixtures/sharding/README.md. */
interface JavaTable {
  name: string;
  /** Body of the name server's answer. */
  route: string;
  /** 'broker:queueId', in Java's order. */
  queues: string[];
  /** By sharding key. */
  picked: Record<string, string>;
}

const javaTables = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../../../../test/fixtures/sharding/java-5.5.0.json'), 'utf8'),
) as JavaTable[];

const queues = ['a', 'a', 'b', 'b'].map((brokerName, queueId) => ({ topic: 't', brokerName, queueId }));

describe('the choice of a queue', () => {
  it('T034, T035: goes round from a random start, which differs from topic to topic', () => {
    const randoms = [0.5, 0.25];
    const roundRobin = new RoundRobin(() => randoms.shift()!);
    expect(Array.from({ length: 5 }, () => roundRobin.choose('t', queues).queueId)).toEqual([2, 3, 0, 1, 2]);
    expect(Array.from({ length: 5 }, () => roundRobin.choose('u', queues).queueId)).toEqual([1, 2, 3, 0, 1]);
  });

  it('T034, T035: stays within the queues, whatever the start and however often it goes round', () => {
    for (const start of [0, 0.249_999, 0.999_999_999]) {
      for (const count of [1, 2, 3, 4]) {
        const roundRobin = new RoundRobin(() => start);
        const chosen = Array.from({ length: 10_000 }, () => roundRobin.choose('t', queues.slice(0, count)).queueId);
        expect(chosen.every((queueId) => queueId >= 0 && queueId < count)).toBe(true);
        expect(new Set(chosen).size).toBe(count);
      }
    }
  });

  it('T030: leaves out the broker that has just failed', () => {
    const roundRobin = new RoundRobin(() => 0);
    expect(roundRobin.choose('t', queues, 'a').brokerName).toBe('b');
  });

  it('T030: takes that broker again when there is no other', () => {
    const roundRobin = new RoundRobin(() => 0);
    expect(roundRobin.choose('t', queues.slice(0, 2), 'a').brokerName).toBe('a');
  });

  it('goes on when a topic has fewer queues than before', () => {
    const roundRobin = new RoundRobin(() => 0.99);
    roundRobin.choose('t', queues);
    expect(roundRobin.choose('t', queues.slice(0, 1)).queueId).toBe(0);
  });
});

describe.each(javaTables)('on $name', ({ route, queues: names, picked }) => {
  const writable = writableQueues('orders', decodeRouteData(Buffer.from(route)));
  const nameOf = ({ brokerName, queueId }: { brokerName: string; queueId: number }): string =>
    `${brokerName}:${queueId}`;

  it("the queues stand in Java's order", () => {
    expect(writable.map(nameOf)).toEqual(names);
  });

  it("T033: each sharding key picks the queue that Java's SelectMessageQueueByHash picks", () => {
    const keys = Object.keys(picked);
    expect(keys.length).toBeGreaterThan(60);
    expect(keys.some((key) => javaHashCode(key) < 0)).toBe(true);
    expect(Object.fromEntries(keys.map((key) => [key, nameOf(queueOfKey(writable, key))]))).toEqual(picked);
  });
});
