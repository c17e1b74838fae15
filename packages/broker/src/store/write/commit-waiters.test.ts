import { describe, expect, it } from '@jest/globals';
import { CommitWaiters } from './commit-waiters.js';

function made(...ends: number[]): { waiters: CommitWaiters; settled: string[] } {
  const waiters = new CommitWaiters();
  const settled: string[] = [];
  for (const end of ends) waiters.add({ end, settle: (failure) => settled.push(`${end} ${failure?.message ?? 'ok'}`) });
  return { waiters, settled };
}

describe('those who wait for a commit', () => {
  it('are settled in the order of the log, each once, as far as the commit reaches', () => {
    const { waiters, settled } = made(10, 20, 30);
    waiters.settle(20);
    waiters.settle(25);
    expect(settled).toEqual(['10 ok', '20 ok']);
    waiters.settle(30);
    expect(settled).toEqual(['10 ok', '20 ok', '30 ok']);
  });

  it('are told why everything behind the commit was refused', () => {
    const { waiters, settled } = made(10, 20, 30);
    waiters.settle(10, new Error('full'));
    waiters.settle(30);
    expect(settled).toEqual(['10 ok', '20 full', '30 full']);
  });

  it('may wait for more while they are settled', () => {
    const { waiters, settled } = made(20);
    const again = { end: 30, settle: () => settled.push('again') };
    waiters.add({ end: 20, settle: () => waiters.add(again) });
    waiters.settle(20);
    expect(settled).toEqual(['20 ok']);
    waiters.settle(30);
    expect(settled).toEqual(['20 ok', 'again']);
  });

  it('may wait for more while they are refused', () => {
    const { waiters, settled } = made();
    waiters.add({ end: 20, settle: () => waiters.add({ end: 20, settle: () => settled.push('again') }) });
    waiters.settle(10, new Error('full'));
    waiters.settle(20);
    expect(settled).toEqual(['again']);
  });

  it('are all settled, and once, when one of them fails', () => {
    const { waiters, settled } = made(10);
    waiters.add({
      end: 10,
      settle: () => {
        throw new Error('broken');
      },
    });
    waiters.add({ end: 10, settle: () => settled.push('last') });
    expect(() => waiters.settle(10)).toThrow('broken');
    waiters.settle(10);
    expect(settled).toEqual(['10 ok', 'last']);
  });
});
