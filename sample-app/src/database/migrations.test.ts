// Tests that a database of an earlier version of the app keeps what it knows.
import { rmSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { SqlIdempotencyStore } from 'nest-rocketmq/idempotency';
import { databaseDirectory } from '../../test-kit/data-directory.js';
import { migrate } from './migrations.js';
import { PGliteDatabase } from './pglite-database.js';

test('messages that were processed before migration 3 still count as done', async () => {
  const directory = await databaseDirectory();
  const database = await PGliteDatabase.open(directory);
  await migrate(database);
  await database.query('DELETE FROM schema_migrations WHERE id = 3');
  await database.query('DROP TABLE rocketmq_idempotency');
  await database.query(
    `CREATE TABLE processed_messages (
       consumer text NOT NULL, message_key text NOT NULL, processed_at timestamptz NOT NULL DEFAULT now(),
       PRIMARY KEY (consumer, message_key))`,
  );
  await database.query(`INSERT INTO processed_messages (consumer, message_key) VALUES ('order-cancel', 'o1')`);
  await migrate(database);
  const store = new SqlIdempotencyStore(database);
  await expect(store.find({ scope: 'order-cancel', key: 'o1' })).resolves.toMatchObject({ state: 'done' });
  await expect(store.find({ scope: 'order-cancel', key: 'o2' })).resolves.toBeUndefined();
  await database.close();
  rmSync(directory, { recursive: true });
});
