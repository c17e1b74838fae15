// Runs an app whose outbox is killed, by SIGKILL, at the step that KILL_AT names. Needs the build.
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import mysql from 'mysql2/promise';
import pg from 'pg';
import { RocketMQModule } from '../../../packages/nest-rocketmq/dist/esm/index.js';
import { RocketMQOutbox, RocketMQOutboxModule } from '../../../packages/nest-rocketmq/dist/esm/outbox/index.js';

const { DATABASE_URL, NAME_SERVER, KILL_AT = 'never', TOPIC, WRITES, CLAIM_TIMEOUT = '1s' } = process.env;
const dialect = DATABASE_URL.startsWith('mysql') ? 'mysql' : 'postgres';
const pool = dialect === 'mysql' ? mysql.createPool(DATABASE_URL) : new pg.Pool({ connectionString: DATABASE_URL });

/** On MySQL the claim has three statements: the last one reads what was taken. */
const CLAIM = { postgres: /^WITH RECURSIVE seen/, mysql: /^SELECT .* claimed_by = / };

function die(step) {
  if (KILL_AT === step) process.kill(process.pid, 'SIGKILL');
}

/** The pool, with a place to die before and after each step of the relay. */
const database = {
  async query(sql, parameters) {
    const step = CLAIM[dialect].test(sql) ? 'claim' : sql.includes("SET status = 'SENT'") ? 'mark' : undefined;
    if (step === 'mark') die('before the mark');
    const result = await pool.query(sql, parameters);
    if (step === 'claim' && (result.rows ?? result[0]).length > 0) die('after the claim');
    if (step === 'mark') die('after the mark');
    return result;
  },
};

class AppModule {}
const app = await NestFactory.createApplicationContext(
  {
    module: AppModule,
    imports: [
      RocketMQModule.forRoot({ nameServer: NAME_SERVER, group: `outbox-${process.pid}` }),
      RocketMQOutboxModule.forRoot({
        database,
        dialect,
        relay: { claimTimeout: CLAIM_TIMEOUT, pollInterval: '100ms', batchSize: 7 },
      }),
    ],
  },
  { logger: ['error'] },
);
const outbox = app.get(RocketMQOutbox);

// WRITES is a list of transactions, each a list of [key, number].
for (const messages of JSON.parse(WRITES ?? '[]')) {
  const client = await pool.connect();
  await client.query('BEGIN');
  for (const [key, number] of messages) await outbox.send(client, TOPIC, { key, number }, { shardingKey: key });
  die('before the commit');
  await client.query('COMMIT');
  client.release();
  die('after the commit');
}
process.stdout.write('written\n');
process.on('SIGTERM', () => void app.close().then(() => pool.end()));
