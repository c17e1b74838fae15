import { describe, expect, it } from '@jest/globals';
import { RoundRobin, queueOfKey } from './choose-queue.js';

const queues = ['a', 'a', 'b', 'b'].map((brokerName, queueId) => ({ topic: 't', brokerName, queueId }));

describe('the choice of a queue', () => {
  it('goes round from a random start', () => {
    const roundRobin = new RoundRobin(() => 0.5);
    expect(Array.from({ length: 5 }, () => roundRobin.choose('t', queues).queueId)).toEqual([2, 3, 0, 1, 2]);
  });

  it('leaves out the broker that has just failed', () => {
    const roundRobin = new RoundRobin(() => 0);
    expect(roundRobin.choose('t', queues, 'a').brokerName).toBe('b');
  });

  it('takes that broker again when there is no other', () => {
    const roundRobin = new RoundRobin(() => 0);
    expect(roundRobin.choose('t', queues.slice(0, 2), 'a').brokerName).toBe('a');
  });

  it('goes on when a topic has fewer queues than before', () => {
    const roundRobin = new RoundRobin(() => 0.99);
    roundRobin.choose('t', queues);
    expect(roundRobin.choose('t', queues.slice(0, 1)).queueId).toBe(0);
  });

  // Java: Math.abs("order-4711".hashCode() % 4), and a key whose hash code is negative.
  it.each([
    ['a', 97 % 4],
    ['Aa', 2112 % 4],
    ['polygenelubricants', Math.abs(-2147483648 % 4)],
  ])("by key %s is the one that Java's hash selector chooses", (key, queueId) => {
    expect(queueOfKey(queues, key).queueId).toBe(queueId);
  });
});
