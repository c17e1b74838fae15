// The whole app over HTTP, on a broker in memory whose clock is turned by hand.
import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { RocketMQTemplate } from 'nest-rocketmq';
import { consumed, rocketMQTesting } from 'nest-rocketmq/testing';
import type { RocketMQTesting } from 'nest-rocketmq/testing';
import { AppModule } from './app.module.js';
import { AppConfig } from './config.js';
import { SeenFilter } from './idempotency/seen-filter.js';
import type { Order } from './orders/order.js';

const UNKNOWN_ID = '00000000-0000-4000-8000-000000000000';

/** Usually some 300; the bound leaves room for a busy machine. */
const REAL_MILLISECONDS = 5000;

let testing: RocketMQTesting;
let app: INestApplication;
let url: string;

async function start(filter?: SeenFilter): Promise<void> {
  Logger.overrideLogger(['warn', 'error']);
  testing = rocketMQTesting({ group: 'shop' });
  const config = new AppConfig(0, '30m', undefined, 'memory://', testing.options);
  const builder = Test.createTestingModule({ imports: [AppModule.register(config)] });
  if (filter) builder.overrideProvider(SeenFilter).useValue(filter);
  app = (await builder.compile()).createNestApplication();
  await app.listen(0, '127.0.0.1');
  url = await app.getUrl();
}

async function request<T>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<{ status: number; body: T }> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url + path, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) });
  return { status: response.status, body: (await response.json()) as T };
}

/** Places an order and waits until its cancel message is under way. */
async function place(sku: string, quantity: number): Promise<Order> {
  const { status, body } = await request<Order>('POST', '/orders', { sku, quantity });
  expect(status).toBe(201);
  const scheduled = consumed(app, { topic: 'order', key: body.id });
  await testing.advance('1s');
  await scheduled;
  return body;
}

async function order(id: string): Promise<Order> {
  return (await request<Order>('GET', `/orders/${id}`)).body;
}

async function stock(sku: string): Promise<number> {
  return (await request<{ stock: number }>('GET', `/stock/${sku}`)).body.stock;
}

async function halfAnHourPasses(id: string): Promise<void> {
  const arrived = consumed(app, { topic: 'order-cancel', key: id });
  await testing.advance('30m');
  await testing.advance('1s');
  await arrived;
}

/** However often the cancel message comes. */
async function cancelsOnce(): Promise<void> {
  const before = await stock('coffee');
  const { id } = await place('coffee', 4);
  await halfAnHourPasses(id);
  await expect(order(id)).resolves.toMatchObject({ status: 'CANCELLED' });
  const again = consumed(app, { topic: 'order-cancel', key: id });
  await app.get(RocketMQTemplate).send('order-cancel', { id }, { keys: id });
  await testing.advance('1s');
  await again;
  await expect(stock('coffee')).resolves.toBe(before);
}

describe('the order service', () => {
  beforeAll(() => start());
  afterAll(() => app.close());

  test('takes an order, and its stock', async () => {
    const before = await stock('coffee');
    const placed = await place('coffee', 2);
    expect(placed).toMatchObject({ sku: 'coffee', quantity: 2, status: 'PENDING' });
    await expect(order(placed.id)).resolves.toEqual(placed);
    await expect(stock('coffee')).resolves.toBe(before - 2);
  });

  test('cancels it after 30 minutes when it is not paid, and gives the stock back', async () => {
    const before = await stock('tea');
    const { id } = await place('tea', 3);
    await testing.advance('29m');
    await expect(order(id)).resolves.toMatchObject({ status: 'PENDING' });
    const started = performance.now();
    const arrived = consumed(app, { topic: 'order-cancel', key: id });
    await testing.advance('1m');
    await arrived;
    expect(performance.now() - started).toBeLessThan(REAL_MILLISECONDS);
    await expect(order(id)).resolves.toMatchObject({ status: 'CANCELLED' });
    await expect(stock('tea')).resolves.toBe(before);
  });

  test('cancels it once, however often the message comes', cancelsOnce);

  test('leaves it alone when it is paid', async () => {
    const before = await stock('coffee');
    const { id } = await place('coffee', 1);
    const payment = await request('POST', `/orders/${id}/pay`);
    expect(payment).toMatchObject({ status: 200, body: { orderId: id } });
    await halfAnHourPasses(id);
    await expect(order(id)).resolves.toMatchObject({ status: 'PAID' });
    await expect(stock('coffee')).resolves.toBeLessThan(before);
  });

  test('takes no second payment, and says so', async () => {
    const { id } = await place('coffee', 1);
    const payment = await request<{ id: string }>('POST', `/orders/${id}/pay`);
    const again = await request<{ message: string }>('POST', `/orders/${id}/pay`);
    expect(again.status).toBe(409);
    expect(again.body.message).toContain(`payment ${payment.body.id}`);
    expect(again.body.message).toContain('Nothing was charged again');
  });

  test('takes one payment of several at once', async () => {
    const { id } = await place('coffee', 1);
    const payments = await Promise.all([1, 2, 3].map(() => request('POST', `/orders/${id}/pay`)));
    expect(payments.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 409, 409]);
  });

  test('takes no payment for a cancelled order', async () => {
    const { id } = await place('coffee', 1);
    await halfAnHourPasses(id);
    const late = await request<{ message: string }>('POST', `/orders/${id}/pay`);
    expect(late.status).toBe(409);
    expect(late.body.message).toContain('was cancelled');
  });

  test('refuses more than there is, and keeps the stock', async () => {
    const before = await stock('tea');
    const { status, body } = await request<{ message: string }>('POST', '/orders', { sku: 'tea', quantity: 1000 });
    expect(status).toBe(409);
    expect(body.message).toBe("There are not 1000 of 'tea' in stock.");
    await expect(stock('tea')).resolves.toBe(before);
  });

  test.each<[string, 'GET' | 'POST', string, unknown, number]>([
    ['an unknown product', 'POST', '/orders', { sku: 'gold', quantity: 1 }, 404],
    ['no quantity', 'POST', '/orders', { sku: 'tea' }, 400],
    ['half a tea', 'POST', '/orders', { sku: 'tea', quantity: 0.5 }, 400],
    ['an unknown field', 'POST', '/orders', { sku: 'tea', quantity: 1, price: 0 }, 400],
    ['an unknown order', 'GET', `/orders/${UNKNOWN_ID}`, undefined, 404],
    ['paying an unknown order', 'POST', `/orders/${UNKNOWN_ID}/pay`, undefined, 404],
    ['an id that is none', 'GET', '/orders/1', undefined, 400],
    ['an unknown product', 'GET', '/stock/gold', undefined, 404],
  ])('answers %s clearly: %s %s', async (_what, method, path, body, status) => {
    await expect(request(method, path, body)).resolves.toMatchObject({ status, body: { message: expect.anything() } });
  });
});

class AlwaysMaybe extends SeenFilter {
  mightContain(): boolean {
    return true;
  }
  add(): void {}
}

describe('with a filter that always says maybe', () => {
  beforeAll(() => start(new AlwaysMaybe()));
  afterAll(() => app.close());

  test('an order is cancelled all the same, and once', cancelsOnce);
});
