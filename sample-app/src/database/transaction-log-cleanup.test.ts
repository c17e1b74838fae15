// Tests the hourly clean-up of the transaction log.
import { afterEach, expect, jest, test } from '@jest/globals';
import type { PostgresTransactionLog } from 'nest-rocketmq';
import { TransactionLogCleanup } from './transaction-log-cleanup.js';

const HOUR_MS = 3_600_000;

afterEach(() => {
  jest.useRealTimers();
});

test('old records are deleted every hour until the app closes', () => {
  jest.useFakeTimers();
  const deleted: number[] = [];
  const deleteOld = (olderThan: number): Promise<void> => Promise.resolve(void deleted.push(olderThan));
  const cleanup = new TransactionLogCleanup({ deleteOld } as PostgresTransactionLog);
  cleanup.onApplicationBootstrap();
  expect(deleted).toEqual([]);
  jest.advanceTimersByTime(2 * HOUR_MS);
  expect(deleted).toEqual([HOUR_MS, HOUR_MS]);
  cleanup.beforeApplicationShutdown();
  jest.advanceTimersByTime(2 * HOUR_MS);
  expect(deleted).toHaveLength(2);
  expect(jest.getTimerCount()).toBe(0);
});
