// Tests the app's main flows with DATABASE_URL: over connections to a PostgreSQL server.
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { databaseDirectory } from '../test-kit/data-directory.js';
import { Database } from './database/database.js';
import { PostgresDatabase } from './database/postgres-database.js';
import { TestPostgresServer } from '../test-kit/postgres-server.js';
import { TestShop } from '../test-kit/shop.js';

let directory: string;
let server: TestPostgresServer;
let shop: TestShop;

beforeAll(async () => {
  directory = await databaseDirectory();
  server = await TestPostgresServer.start(directory);
  shop = await TestShop.open({ databaseUrl: server.url });
});

afterAll(async () => {
  await shop.close();
  await server.stop();
  rmSync(directory, { recursive: true });
});

const pay = (id: string) => shop.request<{ id: string; message: string }>('POST', `/orders/${id}/pay`);

test('the app takes an order, and its stock', async () => {
  expect(shop.app.get(Database)).toBeInstanceOf(PostgresDatabase);
  const before = await shop.stock('coffee');
  const placed = await shop.place('coffee', 2);
  expect(placed).toMatchObject({ sku: 'coffee', quantity: 2, status: 'PENDING' });
  await expect(shop.order(placed.id)).resolves.toEqual(placed);
  await expect(shop.stock('coffee')).resolves.toBe(before - 2);
});

test('an order that is not paid in half an hour is cancelled, and its stock comes back', async () => {
  const before = await shop.stock('tea');
  const { id } = await shop.place('tea', 3);
  await shop.halfAnHourPasses(id);
  await expect(shop.order(id)).resolves.toMatchObject({ status: 'CANCELLED' });
  await expect(shop.stock('tea')).resolves.toBe(before);
});

test('a paid order takes no second payment, and is not cancelled', async () => {
  const { id } = await shop.place('coffee', 1);
  const payment = await pay(id);
  expect(payment).toMatchObject({ status: 200, body: { orderId: id } });
  const again = await pay(id);
  expect(again.status).toBe(409);
  expect(again.body.message).toContain(`payment ${payment.body.id}`);
  await shop.halfAnHourPasses(id);
  await expect(shop.order(id)).resolves.toMatchObject({ status: 'PAID' });
});

test('of several payments at once, over connections of their own, one is taken', async () => {
  const { id } = await shop.place('coffee', 1);
  const payments = await Promise.all([1, 2, 3].map(() => pay(id)));
  expect(payments.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 409, 409]);
  expect(server.connections).toBeGreaterThanOrEqual(3);
});

test('an order for more than there is leaves nothing behind', async () => {
  const before = await shop.stock('tea');
  await expect(shop.request('POST', '/orders', { sku: 'tea', quantity: 1000 })).resolves.toMatchObject({ status: 409 });
  await expect(shop.stock('tea')).resolves.toBe(before);
});

test('a client that is killed within a transaction leaves the session to the others', async () => {
  const { hostname, port } = new URL(server.url);
  const client = connect(Number(port), hostname);
  client.write(message('', '\0\x03\0\0user\0postgres\0\0'));
  await once(client, 'data');
  client.write(message('Q', 'BEGIN\0'));
  await once(client, 'data');
  client.resetAndDestroy();
  await expect(shop.stock('tea')).resolves.toBeGreaterThan(0);
});

/** Of PostgreSQL's wire protocol. */
function message(type: string, content: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(length.length + content.length);
  return Buffer.concat([Buffer.from(type), length, Buffer.from(content, 'latin1')]);
}

test('the next start finds the schema and the orders, and changes neither', async () => {
  const { id } = await shop.place('coffee', 1);
  const stock = await shop.stock('coffee');
  await shop.close();
  shop = await TestShop.open({ databaseUrl: server.url });
  await expect(shop.order(id)).resolves.toMatchObject({ id, status: 'PENDING' });
  await expect(shop.stock('coffee')).resolves.toBe(stock);
});
