// Starts the whole app for tests over HTTP, on a broker in memory with a manual clock.
import 'reflect-metadata';
import { rmSync } from 'node:fs';
import { Logger } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { expect } from '@jest/globals';
import type { BloomOptions } from 'nest-rocketmq/idempotency';
import { rocketMQTesting } from 'nest-rocketmq/testing';
import type { RocketMQTesting } from 'nest-rocketmq/testing';
import { AppModule } from '../src/app.module.js';
import { AppConfig } from '../src/config.js';
import { databaseDirectory } from './data-directory.js';
import { CancelUnpaidOrder } from '../src/orders/cancel-unpaid-order.listener.js';
import type { Order } from '../src/orders/order.js';
import { ScheduleCancel } from '../src/orders/schedule-cancel.listener.js';

/** Listeners ask PostgreSQL, which is slow on a busy machine. */
const PATIENT = { timeout: '60s' };

/** How often a test turns the clock for a timeline. */
const MOST_TURNS = 100;

export interface TestShopOptions {
  /** In place of the app's own Bloom filter. */
  readonly bloom?: BloomOptions;
  /** The value of DATABASE_URL; without it PostgreSQL runs inside this process. */
  readonly databaseUrl?: string;
}

export class TestShop {
  private constructor(
    readonly app: INestApplication,
    readonly testing: RocketMQTesting,
    private readonly url: string,
    private readonly directory: string | undefined,
  ) {}

  static async open({ bloom, databaseUrl }: TestShopOptions = {}): Promise<TestShop> {
    Logger.overrideLogger(['warn', 'error']);
    const testing = rocketMQTesting({ group: 'shop', idempotency: bloom && { bloom } });
    const directory = databaseUrl === undefined ? await databaseDirectory() : undefined;
    const env = AppConfig.fromEnvironment({ DATABASE_URL: databaseUrl, DATABASE_DIR: directory });
    const config = new AppConfig(0, '30m', env.databaseUrl, env.databaseDirectory, testing.options);
    const builder = Test.createTestingModule({ imports: [AppModule.register(config)] });
    const app = (await builder.compile()).createNestApplication();
    await app.listen(0, '127.0.0.1');
    return new TestShop(app, testing, await app.getUrl(), directory);
  }

  async close(): Promise<void> {
    await this.app.close();
    if (this.directory) rmSync(this.directory, { recursive: true });
  }

  async request<T>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<{ status: number; body: T }> {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(this.url + path, {
      method,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as T };
  }

  /** Places an order and waits until its cancel message is under way. */
  async place(sku: string, quantity: number): Promise<Order> {
    const { status, body } = await this.request<Order>('POST', '/orders', { sku, quantity });
    expect(status).toBe(201);
    await this.testing.expectConsumed(ScheduleCancel, body.id, PATIENT);
    return body;
  }

  async order(id: string): Promise<Order> {
    return (await this.request<Order>('GET', `/orders/${id}`)).body;
  }

  /** The names of the order's events in the order of its timeline, once there are so many. */
  async timeline(id: string, length: number): Promise<string[]> {
    const entries = async (): Promise<{ event: string }[]> =>
      (await this.request<{ event: string }[]>('GET', `/orders/${id}/timeline`)).body;
    for (let turn = 0; turn < MOST_TURNS && (await entries()).length < length; turn++) {
      await this.testing.advance('100ms', PATIENT);
    }
    return (await entries()).map(({ event }) => event);
  }

  async stock(sku: string): Promise<number> {
    return (await this.request<{ stock: number }>('GET', `/stock/${sku}`)).body.stock;
  }

  async halfAnHourPasses(id: string): Promise<void> {
    await this.testing.expectConsumed(CancelUnpaidOrder, id, PATIENT);
  }
}
