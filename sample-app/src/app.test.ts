// Tests the whole app over HTTP, on a broker in memory with a manual clock.
import { Logger } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { RocketMQTemplate } from 'nest-rocketmq';
import { Database } from './database/database.js';
import { CancelUnpaidOrder } from './orders/cancel-unpaid-order.listener.js';
import { TimelineRepository } from './orders/timeline.repository.js';
import { TestShop } from '../test-kit/shop.js';

const UNKNOWN_ID = '00000000-0000-4000-8000-000000000000';

/** Usually some 300. */
const REAL_MILLISECONDS = 5000;
/** Of which one has to be fast: other processes may take the processor from some. */
const ROUNDS = 4;

let shop: TestShop;

/** However often the cancel message comes. */
async function cancelsOnce(): Promise<void> {
  const before = await shop.stock('coffee');
  const { id } = await shop.place('coffee', 4);
  await shop.halfAnHourPasses(id);
  await expect(shop.order(id)).resolves.toMatchObject({ status: 'CANCELLED' });
  await shop.app.get(RocketMQTemplate).send('order-cancel', { id }, { keys: id });
  await shop.testing.expectConsumed(CancelUnpaidOrder, { id }, { times: 2 });
  await expect(shop.stock('coffee')).resolves.toBe(before);
}

describe('the order service', () => {
  beforeAll(async () => {
    shop = await TestShop.open();
  });
  afterAll(() => shop.close());

  test('takes an order, and its stock', async () => {
    const before = await shop.stock('coffee');
    const placed = await shop.place('coffee', 2);
    expect(placed).toMatchObject({ sku: 'coffee', quantity: 2, status: 'PENDING' });
    await expect(shop.order(placed.id)).resolves.toEqual(placed);
    await expect(shop.stock('coffee')).resolves.toBe(before - 2);
  });

  test('cancels it after 30 minutes when it is not paid, and gives the stock back', async () => {
    let took = Infinity;
    for (let round = 0; round < ROUNDS && took >= REAL_MILLISECONDS; round++) {
      const before = await shop.stock('tea');
      const { id } = await shop.place('tea', 3);
      await shop.testing.advance('29m', { timeout: '60s' });
      await expect(shop.order(id)).resolves.toMatchObject({ status: 'PENDING' });
      const started = performance.now();
      await shop.testing.expectConsumed(CancelUnpaidOrder, { id }, { timeout: '60s' });
      took = performance.now() - started;
      await expect(shop.order(id)).resolves.toMatchObject({ status: 'CANCELLED' });
      await expect(shop.stock('tea')).resolves.toBe(before);
    }
    expect(took).toBeLessThan(REAL_MILLISECONDS);
  });

  test('cancels it once, however often the message comes', cancelsOnce);

  test('leaves it alone when it is paid', async () => {
    const before = await shop.stock('coffee');
    const { id } = await shop.place('coffee', 1);
    const payment = await shop.request('POST', `/orders/${id}/pay`);
    expect(payment).toMatchObject({ status: 200, body: { orderId: id } });
    await shop.halfAnHourPasses(id);
    await expect(shop.order(id)).resolves.toMatchObject({ status: 'PAID' });
    await expect(shop.stock('coffee')).resolves.toBeLessThan(before);
  });

  test('takes no second payment, and says so', async () => {
    const { id } = await shop.place('coffee', 1);
    const payment = await shop.request<{ id: string }>('POST', `/orders/${id}/pay`);
    const again = await shop.request<{ message: string }>('POST', `/orders/${id}/pay`);
    expect(again.status).toBe(409);
    expect(again.body.message).toContain(`payment ${payment.body.id}`);
    expect(again.body.message).toContain('Nothing was charged again');
  });

  test('takes one payment of several at once', async () => {
    const { id } = await shop.place('coffee', 1);
    const payments = await Promise.all([1, 2, 3].map(() => shop.request('POST', `/orders/${id}/pay`)));
    expect(payments.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 409, 409]);
  });

  test('takes no payment for a cancelled order', async () => {
    const { id } = await shop.place('coffee', 1);
    await shop.halfAnHourPasses(id);
    const late = await shop.request<{ message: string }>('POST', `/orders/${id}/pay`);
    expect(late.status).toBe(409);
    expect(late.body.message).toContain('was cancelled');
  });

  test('keeps its timeline: created, paid and shipped, each once and in this order', async () => {
    const { id } = await shop.place('coffee', 1);
    await shop.request('POST', `/orders/${id}/pay`);
    await shop.request('POST', `/orders/${id}/pay`);
    const shipped = await shop.request('POST', `/orders/${id}/ship`);
    expect(shipped).toMatchObject({ status: 200, body: { id, status: 'SHIPPED' } });
    await expect(shop.timeline(id, 3)).resolves.toEqual(['created', 'paid', 'shipped']);
  });

  test('keeps its timeline: created and cancelled', async () => {
    const { id } = await shop.place('coffee', 1);
    await shop.halfAnHourPasses(id);
    await expect(shop.timeline(id, 2)).resolves.toEqual(['created', 'cancelled']);
  });

  test('keeps its timeline by the time of events: one that the broker had to ask about comes late', async () => {
    const { id } = await shop.place('coffee', 1);
    await expect(shop.timeline(id, 1)).resolves.toEqual(['created']);
    const late = { event: 'late', at: new Date(0) };
    await shop.app.get(TimelineRepository).add(shop.app.get(Database), id, late);
    await expect(shop.timeline(id, 2)).resolves.toEqual(['late', 'created']);
  });

  test('takes an id in capitals for the same order, also in its events', async () => {
    const { id } = await shop.place('coffee', 1);
    const paid = await shop.request('POST', `/orders/${id.toUpperCase()}/pay`);
    expect(paid).toMatchObject({ status: 200, body: { orderId: id } });
    await expect(shop.request('GET', `/orders/${id.toUpperCase()}`)).resolves.toMatchObject({ body: { id } });
    const { properties } = shop.testing.expectSent('order:paid', { id });
    expect(properties.get('__SHARDINGKEY')).toBe(id);
  });

  test('says that a broker took no message, and changes nothing then', async () => {
    const { id } = await shop.place('coffee', 1);
    const before = await shop.stock('coffee');
    const log = jest.spyOn(Logger.prototype, 'error').mockReturnValue();
    for (const [path, body] of [
      [`/orders/${id}/pay`, undefined],
      [`/orders/${id}/ship`, undefined],
      ['/orders', { sku: 'coffee', quantity: 1 }],
    ] as const) {
      shop.testing.faults.rejectSends(1, 'NO_PERMISSION');
      const answer = await shop.request<{ message: string }>('POST', path, body);
      expect([path, answer.status]).toEqual([path, 503]);
      expect(answer.body.message).toMatch(/^Nothing was changed/);
    }
    log.mockRestore();
    await expect(shop.order(id)).resolves.toMatchObject({ status: 'PENDING' });
    await expect(shop.stock('coffee')).resolves.toBe(before);
  });

  test('does not take the cancel message of an order that is not in its database for done', async () => {
    await shop.app.get(RocketMQTemplate).send('order-cancel', { id: UNKNOWN_ID });
    await shop.testing.expectFailed(CancelUnpaidOrder, { id: UNKNOWN_ID }, { timeout: '60s' });
  });

  test('says that a new order may be there when the database does not say that it has committed', async () => {
    const database = shop.app.get(Database);
    const commit = database.transaction.bind(database);
    jest.spyOn(database, 'transaction').mockImplementationOnce(async (work) => {
      await commit(work);
      throw new Error('the connection broke');
    });
    const answer = await shop.request<{ message: string }>('POST', '/orders', { sku: 'coffee', quantity: 1 });
    expect(answer).toMatchObject({ status: 503, body: { message: expect.stringMatching('may or may not') } });
    const id = /GET \/orders\/(\S+)/.exec(answer.body.message)![1]!;
    await expect(shop.timeline(id, 1)).resolves.toEqual(['created']);
    await shop.halfAnHourPasses(id);
    await expect(shop.order(id)).resolves.toMatchObject({ status: 'CANCELLED' });
  });

  test.each<[string, string, string, object]>([
    ['an event without an id', 'order:created', 'order-schedule-cancel', { sku: 'tea', quantity: 1 }],
    ['an event of an order that cannot be', 'order:paid', 'order-timeline', { id: 'no id' }],
    ['a cancel message with another id', 'order-cancel', 'order-cancel', { id: 7 }],
    ['a cancel message without one', 'order-cancel', 'order-cancel', {}],
  ])('puts %s aside at once, with the reason', async (_what, destination, group, payload) => {
    const { now } = shop.testing;
    const { msgId } = await shop.app.get(RocketMQTemplate).send(destination, payload);
    const letter = await shop.testing.expectDeadLetter(group, msgId, { timeout: '60s' });
    expect(letter.properties.get('DLQ_REASON')).toContain('id must be a UUID');
    expect(shop.testing.now.getTime() - now.getTime()).toBeLessThan(10_000);
  });

  test('takes an event with fields that it does not know', async () => {
    const { id } = await shop.place('coffee', 1);
    await shop.app.get(RocketMQTemplate).send('order:paid', { id, currency: 'CHF' });
    await expect(shop.timeline(id, 2)).resolves.toEqual(['created', 'paid']);
  });

  test('keeps timelines after an event that always fails: it goes to the dead letters', async () => {
    const { id } = await shop.place('coffee', 1);
    const template = shop.app.get(RocketMQTemplate);
    const options = { shardingKey: 'the same queue' };
    await template.send('order:shipped', { id: UNKNOWN_ID }, options);
    await template.send('order:paid', { id }, options);
    await shop.testing.advance('20s', { timeout: '60s' });
    await expect(shop.timeline(id, 2)).resolves.toEqual(['created', 'paid']);
  });

  test('ships no order that is not paid, and says so', async () => {
    const { id } = await shop.place('coffee', 1);
    const refused = await shop.request<{ message: string }>('POST', `/orders/${id}/ship`);
    expect(refused).toMatchObject({ status: 409, body: { message: `Order ${id} is PENDING: only PAID is shipped.` } });
    await expect(shop.timeline(id, 1)).resolves.toEqual(['created']);
  });

  test('refuses more than there is, and keeps the stock', async () => {
    const before = await shop.stock('tea');
    const { status, body } = await shop.request<{ message: string }>('POST', '/orders', { sku: 'tea', quantity: 1000 });
    expect(status).toBe(409);
    expect(body.message).toBe("There are not 1000 of 'tea' in stock.");
    await expect(shop.stock('tea')).resolves.toBe(before);
  });

  test.each<[string, 'GET' | 'POST', string, unknown, number]>([
    ['an unknown product', 'POST', '/orders', { sku: 'gold', quantity: 1 }, 404],
    ['no quantity', 'POST', '/orders', { sku: 'tea' }, 400],
    ['half a tea', 'POST', '/orders', { sku: 'tea', quantity: 0.5 }, 400],
    ['a product with a NUL', 'POST', '/orders', { sku: 'te\u0000a', quantity: 1 }, 400],
    ['half a character', 'POST', '/orders', { sku: 'tea\ud83c', quantity: 1 }, 400],
    ['a product with a line break', 'POST', '/orders', { sku: 'tea\n', quantity: 1 }, 400],
    ['a product that is none', 'POST', '/orders', { sku: ['tea'], quantity: 1 }, 400],
    ['an empty product', 'POST', '/orders', { sku: '', quantity: 1 }, 400],
    ['a very long product', 'POST', '/orders', { sku: 'x'.repeat(10_000), quantity: 1 }, 400],
    ['a product of other letters', 'POST', '/orders', { sku: 'τσάι 🍵', quantity: 1 }, 404],
    ['more than any number', 'POST', '/orders', { sku: 'tea', quantity: 1e300 }, 400],
    ['no order at all', 'POST', '/orders', null, 400],
    ['a NUL in the path', 'GET', '/stock/te%00a', undefined, 400],
    ['what is no UTF-8 in the path', 'GET', '/stock/%ff', undefined, 400],
    ['a NUL in an id', 'GET', '/orders/%00', undefined, 400],
    ['a NUL in a paid id', 'POST', '/orders/%00/pay', undefined, 400],
    ['an unknown field', 'POST', '/orders', { sku: 'tea', quantity: 1, price: 0 }, 400],
    ['an unknown order', 'GET', `/orders/${UNKNOWN_ID}`, undefined, 404],
    ['paying an unknown order', 'POST', `/orders/${UNKNOWN_ID}/pay`, undefined, 404],
    ['shipping an unknown order', 'POST', `/orders/${UNKNOWN_ID}/ship`, undefined, 404],
    ['the timeline of an unknown order', 'GET', `/orders/${UNKNOWN_ID}/timeline`, undefined, 404],
    ['an id that is none', 'GET', '/orders/1', undefined, 400],
    ['an unknown product', 'GET', '/stock/gold', undefined, 404],
  ])('answers %s clearly: %s %s', async (_what, method, path, body, status) => {
    await expect(shop.request(method, path, body)).resolves.toMatchObject({
      status,
      body: { message: expect.anything() },
    });
  });
});

describe('with a filter that says maybe to nearly all', () => {
  beforeAll(async () => {
    shop = await TestShop.open({ bloom: { expectedKeys: 1, falsePositiveRate: 0.99 } });
  });
  afterAll(() => shop.close());

  test('an order is cancelled all the same, and once', cancelsOnce);
});
