// Runs SQL on a PrismaClient and on the client of an interactive transaction.
import { dialectNamed, hasMethod, rowsOf } from './adapter.js';
import type { Adapter } from './adapter.js';

/** A PrismaClient, or what `$transaction(async (tx) => …)` passes to its function. */
export interface PrismaShape {
  $queryRawUnsafe(sql: string, ...parameters: unknown[]): PromiseLike<unknown>;
  $executeRawUnsafe(sql: string, ...parameters: unknown[]): PromiseLike<number>;
}

export const prismaAdapter: Adapter = {
  library: 'Prisma',
  matches: (given) => hasMethod(given, '$queryRawUnsafe'),
  // Internal, and there since its first versions; without it the option `dialect` says.
  dialectOf: (given) => dialectNamed(given['_activeProvider']),
  async query(given, sql, parameters) {
    const client = given as unknown as PrismaShape;
    // Prisma reads the rows of a query; what returns none is executed.
    if (/\bRETURNING\b|^\s*(SELECT|WITH)\b/i.test(sql)) return rowsOf(await client.$queryRawUnsafe(sql, ...parameters));
    await client.$executeRawUnsafe(sql, ...parameters);
    return [];
  },
  // The client of a transaction cannot connect, nor disconnect.
  isTransaction: (given) => !hasMethod(given, '$disconnect'),
  onCommit: () => false,
};
