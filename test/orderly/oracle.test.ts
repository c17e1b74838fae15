// Holds what the oracle of orderly groups finds, and what it allows.
import { describe, expect, test } from '@jest/globals';
import { faultsOf } from './oracle.js';
import type { CallEvent } from './oracle.js';

/** 'a 0 10-20': member a was at message 0 from 10 ms to 20 ms; '10-': it was killed in it. */
function calls(...texts: string[]): CallEvent[] {
  return texts.flatMap((text) => {
    const [member, seq, times] = text.split(' ') as [string, string, string];
    const [from, to] = times.split('-');
    const call = { member, queue: 'q', seq: Number(seq) };
    return [
      { ...call, what: 'begin', at: Number(from) } as const,
      ...(to ? [{ ...call, what: 'end', at: Number(to) } as const] : []),
    ];
  });
}

const judged = (sent: number, ...texts: string[]): string[] => faultsOf(calls(...texts), new Map([['q', sent]]));

describe('the oracle of order', () => {
  test.each([
    [['a 0 1-2', 'a 1 3-4', 'b 2 5-6']],
    [['a 0 1-1', 'a 1 1-1', 'b 2 2-2']],
    [['a 0 1-2', 'a 1 3-4', 'a 2 5-6', 'b 1 7-8', 'b 2 9-10']],
  ])('finds nothing wrong with %j', (texts) => {
    expect(judged(3, ...texts)).toEqual([]);
  });

  test.each<[string, number, string[]]>([
    ['q: b began 1 while a was at 0', 2, ['a 0 1-5', 'b 1 4-6']],
    ['q: a was at 0 and 1 at one time', 2, ['a 0 1-5', 'a 1 4-6']],
    ['q: a began 2 before 1 was consumed', 3, ['a 0 1-2', 'a 2 3-4', 'a 1 5-6']],
    ['q: b began 1 before 0 was consumed', 2, ['b 1 1-2', 'a 0 3-4']],
    ['q: 1 were not consumed, 1 the first', 2, ['a 0 1-2']],
  ])('finds that %s', (fault, sent, texts) => {
    expect(judged(sent, ...texts)).toContain(fault);
  });

  test('allows that a call is cut by a kill, or stands still with its process, and no more', () => {
    const sent = new Map([['q', 2]]);
    const cut = calls('a 0 1-', 'b 0 9-10', 'b 1 11-12');
    expect(faultsOf(cut, sent, { killed: new Map([['a', 5]]) })).toEqual([]);
    expect(faultsOf(cut, sent)).toEqual(['q: b began 0 while a was at 0', 'q: b began 1 while a was at 0']);
    const frozen = calls('a 0 1-30', 'b 0 9-10', 'b 1 11-12');
    expect(faultsOf(frozen, sent, { freezes: [{ member: 'a', from: 5, to: 29 }] })).toEqual([]);
    const goesOn = calls('a 0 1-30', 'b 0 9-10', 'b 1 31-35', 'a 1 32-33');
    expect(faultsOf(goesOn, sent, { freezes: [{ member: 'a', from: 5, to: 29 }] })).toEqual([
      'q: a began 1 while b was at 1',
    ]);
  });
});
