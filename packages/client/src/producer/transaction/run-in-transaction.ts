// Ends a transaction by what a function does: its return commits, its throw rolls back.
import type { Transaction } from '../options/producer-options.js';

/**
 * @returns what `work` has returned
 * @throws what `work` has thrown
 */
export async function runInTransaction<T>(transaction: Transaction, work: () => Promise<T> | T): Promise<T> {
  let result: T;
  try {
    result = await work();
  } catch (error) {
    await transaction.rollback();
    throw error;
  }
  await transaction.commit();
  return result;
}
