// Tests the adapters by the shapes of libraries that are no dependencies here, and by results in all their forms.
import { describe, expect, test } from '@jest/globals';
import { rowsOf, withQuestionMarks } from './adapter.js';
import { connect, connectTransaction } from './find-adapter.js';
import type { Statement } from '../dialects/outbox-dialect.js';
import { postgresDialect } from '../dialects/postgres.js';

test.each([
  ["pg's", { rows: [{ id: 1 }], rowCount: 1 }, [{ id: 1 }]],
  ['plain', [{ id: 1 }, { id: 2 }], [{ id: 1 }, { id: 2 }]],
  ["TypeORM's of an update", [[{ id: 1 }], 1], [{ id: 1 }]],
  ["TypeORM's of an update without rows", [[], 3], []],
  ['that of a statement without rows', undefined, []],
])('rows are found in a result: %s', (_what, result, rows) => {
  expect(rowsOf(result)).toEqual(rows);
});

test('parameters are counted where a library does not number them', () => {
  expect(withQuestionMarks('a = $2 AND b = $1 OR c = $2', ['x', null])).toEqual({
    sql: 'a = ? AND b = ? OR c = ?',
    bindings: [null, 'x', null],
  });
});

describe('a client of Prisma', () => {
  /** As recorded with Prisma 7.10: a transaction's client has the methods of queries, and not those of connections. */
  const recorder = (): { calls: unknown[][]; tx: object; client: object } => {
    const calls: unknown[][] = [];
    const tx = {
      $queryRawUnsafe: async (...call: unknown[]) => (calls.push(['query', ...call]), [{ id: 'a' }]),
      $executeRawUnsafe: async (...call: unknown[]) => (calls.push(['execute', ...call]), 1),
    };
    return { calls, tx, client: { ...tx, $disconnect: async () => undefined, $transaction: async () => undefined } };
  };

  test('is asked for rows where there are some, and else told to execute', async () => {
    const { calls, tx } = recorder();
    const connected = connectTransaction('transaction', tx);
    const dialect = postgresDialect('t');
    const run = ({ sql, parameters }: Statement): ReturnType<typeof connected.query> =>
      connected.query(sql, parameters);
    const claim = { relay: 'r', claimTimeout: 1, batchSize: 9, batchBytes: 9, pausedTopics: [], pausedLanes: [] };
    const row = { id: 'a', topic: 't', lane: 't:id:a', shardingKey: null, message: '{}', body: '', createdAt: 0 };
    expect((await dialect.claim(run, claim, '')).rows).toEqual([{ id: 'a' }]);
    expect(await run(dialect.insert(row))).toEqual([]);
    await run(dialect.markSent(['a'], 0));
    expect(await dialect.purge(run, 0, 1)).toBe(1);
    await run(dialect.status());
    await connected.query(dialect.createTable[0]!);
    expect(calls[0]).toEqual(['query', expect.stringMatching(/^WITH RECURSIVE seen/), 'r', '1', '9', '[]', '[]', '']);
    expect(calls.map(([method]) => method)).toEqual(['query', 'execute', 'execute', 'query', 'query', 'execute']);
  });

  test('is a transaction only inside of $transaction', () => {
    const { client } = recorder();
    expect(connect('database', client).adapter.library).toBe('Prisma');
    expect(() => connectTransaction('transaction', client)).toThrow(/Prisma passes to the function/);
  });
});

describe('an EntityManager of MikroORM', () => {
  const manager = (isInTransaction: boolean): { calls: unknown[][]; em: object } => {
    const calls: unknown[][] = [];
    const em = {
      execute: async (...call: unknown[]) => (calls.push(call), [{ id: 'a' }]),
      getTransactionContext: () => undefined,
      isInTransaction: () => isInTransaction,
    };
    return { calls, em };
  };

  test('is given question marks, and must be in a transaction', async () => {
    const { calls, em } = manager(true);
    const connected = connectTransaction('transaction', em);
    expect(connected.adapter.library).toBe('MikroORM');
    expect(await connected.query('SELECT $1::text', ['x'])).toEqual([{ id: 'a' }]);
    expect(calls).toEqual([['SELECT ?::text', ['x']]]);
    expect(() => connectTransaction('transaction', manager(false).em)).toThrow(/MikroORM passes to the function/);
  });
});
