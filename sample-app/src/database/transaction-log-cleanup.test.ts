// Tests the hourly clean-up of the transaction log.
import { afterEach, expect, jest, test } from '@jest/globals';
import type { PostgresTransactionLog } from 'nest-rocketmq';
import { TransactionLogCleanup } from './transaction-log-cleanup.js';

const HOUR_MS = 3_600_000;
const THREE_DAYS_MS = 72 * HOUR_MS;

afterEach(() => {
  jest.useRealTimers();
});

test('records are deleted every hour, once no broker can ask about them: it may have been down for days', () => {
  jest.useFakeTimers();
  const deleted: number[] = [];
  const deleteOld = (olderThan: number): Promise<void> => Promise.resolve(void deleted.push(olderThan));
  const cleanup = new TransactionLogCleanup({ deleteOld } as PostgresTransactionLog);
  cleanup.onApplicationBootstrap();
  expect(deleted).toEqual([]);
  jest.advanceTimersByTime(2 * HOUR_MS);
  expect(deleted).toEqual([THREE_DAYS_MS, THREE_DAYS_MS]);
  cleanup.beforeApplicationShutdown();
  jest.advanceTimersByTime(2 * HOUR_MS);
  expect(deleted).toHaveLength(2);
  expect(jest.getTimerCount()).toBe(0);
});
