// Lists the migrations of the schema. They are only added, never changed: a database remembers which it has had.
import { PostgresTransactionLog } from 'nest-rocketmq';
import { SqlIdempotencyStore } from 'nest-rocketmq/idempotency';
import type { Database } from './database.js';

interface Migration {
  readonly id: number;
  readonly statements: readonly string[];
}

const MIGRATIONS: readonly Migration[] = [
  {
    id: 1,
    statements: [
      `CREATE TABLE products (
         sku   text PRIMARY KEY,
         name  text NOT NULL,
         stock integer NOT NULL CHECK (stock >= 0)
       )`,
      `INSERT INTO products (sku, name, stock) VALUES
         ('coffee', 'Coffee, 1 kg', 100),
         ('tea', 'Tea, 100 bags', 50)`,
      `CREATE TABLE orders (
         id         uuid PRIMARY KEY,
         sku        text NOT NULL REFERENCES products,
         quantity   integer NOT NULL CHECK (quantity > 0),
         status     text NOT NULL DEFAULT 'PENDING' CHECK (status IN ('PENDING', 'PAID', 'CANCELLED')),
         created_at timestamptz NOT NULL DEFAULT now()
       )`,
      `CREATE TABLE payments (
         id       uuid PRIMARY KEY,
         order_id uuid NOT NULL UNIQUE REFERENCES orders,
         paid_at  timestamptz NOT NULL DEFAULT now()
       )`,
      `CREATE TABLE processed_messages (
         consumer     text NOT NULL,
         message_key  text NOT NULL,
         processed_at timestamptz NOT NULL DEFAULT now(),
         PRIMARY KEY (consumer, message_key)
       )`,
    ],
  },
  {
    id: 2,
    statements: [
      'ALTER TABLE orders DROP CONSTRAINT orders_status_check',
      `ALTER TABLE orders ADD CONSTRAINT orders_status_check
         CHECK (status IN ('PENDING', 'PAID', 'SHIPPED', 'CANCELLED'))`,
      `CREATE TABLE order_timeline (
         position bigserial PRIMARY KEY,
         order_id uuid NOT NULL REFERENCES orders,
         event    text NOT NULL,
         at       timestamptz NOT NULL
       )`,
      'CREATE INDEX ON order_timeline (order_id)',
      PostgresTransactionLog.createTableSql(),
    ],
  },
  {
    id: 3,
    statements: [
      ...SqlIdempotencyStore.createTableSql('postgres'),
      `INSERT INTO rocketmq_idempotency (scope, message_key, owner, done, expires_at)
         SELECT consumer, message_key, 'migration 3', 1,
                extract(epoch FROM processed_at + interval '72 hours') * 1000
         FROM processed_messages`,
      'DROP TABLE processed_messages',
    ],
  },
];

/** Any number, but the same in every instance of the app: it keeps two of them from migrating at once. */
const MIGRATION_LOCK = 7_263_001;

export async function migrate(database: Database): Promise<void> {
  await database.transaction(async (transaction) => {
    await transaction.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
    await transaction.query('CREATE TABLE IF NOT EXISTS schema_migrations (id integer PRIMARY KEY)');
    const applied = await transaction.query<{ id: number }>('SELECT id FROM schema_migrations');
    for (const { id, statements } of MIGRATIONS) {
      if (applied.some((row) => row.id === id)) continue;
      for (const statement of statements) await transaction.query(statement);
      await transaction.query('INSERT INTO schema_migrations (id) VALUES ($1)', [id]);
    }
  });
}
