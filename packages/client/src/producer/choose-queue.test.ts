import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { decodeRouteData } from '@nest-rocketmq/remoting/internal';
import { writableQueues } from '../routes/route-queues.js';
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
  readFileSync(join(import.meta.dirname, '../../../../test/fixtures/sharding/java-5.5.0.json'), 'utf8'),
) as JavaTable[];

const queues = ['a', 'a', 'b', 'b'].map((brokerName, queueId) => ({ topic: 't', brokerName, queueId }));

describe('the choice of a queue', () => {
  it('goes round from a random start', () => {
    const roundRobin = new RoundRobin(() => 0.5);
    expect(Array.from({ length: 5 }, () => roundRobin.choose('t', queues).queueId)).toEqual([2, 3, 0, 1, 2]);
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

  it("each sharding key picks the queue that Java's SelectMessageQueueByHash picks", () => {
    const keys = Object.keys(picked);
    expect(keys.length).toBeGreaterThan(60);
    expect(Object.fromEntries(keys.map((key) => [key, nameOf(queueOfKey(writable, key))]))).toEqual(picked);
  });
});
