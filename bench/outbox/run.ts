// Measures the claims of the outbox's relay on a real PostgreSQL: by how many rows are pending, and by what the statistics say.
import 'reflect-metadata';
import { Test } from '@nestjs/testing';
import { RocketMQModule } from 'nest-rocketmq';
import { RocketMQOutbox, RocketMQOutboxModule } from 'nest-rocketmq/outbox';
import pg from 'pg';
import { cleanUp } from '../../test/interop/harness/clean-up.js';
import { startPostgres } from '../../test/interop/harness/databases.js';
import { print } from '../contest.js';
import { markdownTable, median } from '../table.js';

const CLAIMS = 10;
const SENT_BEFORE = 1_000;
const sizes = (process.argv[2] ?? '5000,100000,1000000').split(',').map(Number);
const KEYS: readonly (readonly [string, string])[] = [
  ['a key for each row', `'k' || g`],
  ['one key', `'hot'`],
];
/** What PostgreSQL knows: before the rows, after them, and after a vacuum. */
const STATISTICS: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['none', [], []],
  ['of a table where all was sent', ['ANALYZE rocketmq_outbox'], []],
  ['fresh, after a vacuum', [], ['VACUUM ANALYZE rocketmq_outbox']],
];

async function fill(
  pool: pg.Pool,
  count: number,
  key: string,
  before: readonly string[],
  after: readonly string[],
): Promise<void> {
  const insert = (from: number, to: number, status: string): Promise<unknown> =>
    pool.query(
      `INSERT INTO rocketmq_outbox (id, topic, lane, sharding_key, message, body, created_at, status, ended_at) ` +
        `SELECT md5(g::text), 'order', 'order:key:' || ${key}, ${key}, '{}', decode(repeat('ab', 200), 'hex'), now(), ` +
        `'${status}', CASE WHEN '${status}' = 'SENT' THEN now() END FROM generate_series(${from}, ${to}) g`,
    );
  await pool.query('DROP TABLE IF EXISTS rocketmq_outbox');
  await pool.query(RocketMQOutbox.createTableSql());
  await pool.query('ALTER TABLE rocketmq_outbox SET (autovacuum_enabled = false)');
  await insert(1, SENT_BEFORE, 'SENT');
  for (const sql of before) await pool.query(sql);
  await insert(SENT_BEFORE + 1, SENT_BEFORE + count, 'PENDING');
  for (const sql of after) await pool.query(sql);
}

/** Has so many relays claim and send, until there were ten claims. @returns how long each took, ms */
async function claimTimes(pool: pg.Pool, relays: number): Promise<number[]> {
  const times: number[] = [];
  let enough!: () => void;
  const done = new Promise<void>((resolve) => (enough = resolve));
  const database = {
    async query(sql: string, parameters: (string | null)[] = []): Promise<unknown> {
      const start = performance.now();
      const result = await pool.query<{ id: unknown }>(sql, parameters);
      const isClaim = sql.startsWith('WITH RECURSIVE seen') && typeof result.rows[0]?.id === 'string';
      if (isClaim) times.push(performance.now() - start);
      if (times.length >= CLAIMS * relays) enough();
      return result;
    },
  };
  const apps = [];
  for (let number = 0; number < relays; number++) {
    const imports = [
      RocketMQModule.forRoot({ embedded: { store: 'memory' } }),
      RocketMQOutboxModule.forRoot({ database, relay: { drainTimeout: 0, pollInterval: '1ms' } }),
    ];
    apps.push(await Test.createTestingModule({ imports }).compile());
  }
  await Promise.all(apps.map((app) => app.init()));
  await done;
  await Promise.all(apps.map((app) => app.close()));
  return times;
}

const { port } = await startPostgres();
const pool = new pg.Pool({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres', max: 8 });
pool.on('error', () => undefined);
const rows: string[][] = [];
for (const [keys, key] of KEYS) {
  for (const [statistics, before, after] of STATISTICS) {
    for (const count of sizes) {
      await fill(pool, count, key, before, after);
      const alone = await claimTimes(pool, 1);
      const together = await claimTimes(pool, 4);
      const figures = [median(alone), Math.max(...alone), median(together)].map((ms) => ms.toFixed(1));
      rows.push([keys, statistics, count.toLocaleString('en'), ...figures]);
      print(rows.at(-1)!.join(', '));
    }
  }
}
print(
  `\n${markdownTable(['sharding keys', 'statistics', 'pending', 'median ms', 'highest ms', 'median ms with 4 relays'], rows)}`,
);
await pool.end();
await cleanUp();
