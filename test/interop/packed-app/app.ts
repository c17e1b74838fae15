// Runs a user's app, compiled outside the repository by packed-apps.test.ts: listeners, an event, a delayed message and a
// transaction. It prints what happened, and the process ends once the app is closed.
import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  RocketMQLocalTransactionState,
  RocketMQMessageListener,
  RocketMQModule,
  RocketMQTemplate,
  RocketMQTransactionListener,
} from 'nest-rocketmq';
import type { RocketMQContext, RocketMQListener, RocketMQLocalTransactionListener } from 'nest-rocketmq';
import { consumed, rocketMQTesting } from 'nest-rocketmq/testing';

interface Order {
  id: string;
}

const say = (line: string): boolean => process.stdout.write(`${line}\n`);

@Injectable()
class Shop {
  constructor(private readonly rocketmq: RocketMQTemplate) {}

  async sell(): Promise<void> {
    const { sendStatus } = await this.rocketmq.send('order:created', { id: 'o1' }, { keys: 'o1' });
    say(`sent ${sendStatus}`);
  }

  async pay(): Promise<void> {
    const { state } = await this.rocketmq.sendMessageInTransaction('payment', { id: 'o2' });
    say(`transaction ${state}`);
  }

  async cancelLater(): Promise<void> {
    await this.rocketmq.send('order-cancel', { id: 'o3' }, { delay: '30m' });
  }

  @RocketMQMessageListener({ topic: 'payment', consumerGroup: 'accounts' })
  paid({ id }: Order): void {
    say(`payment ${id}`);
  }

  @RocketMQMessageListener({ topic: 'order-cancel', consumerGroup: 'cancel' })
  cancel({ id }: Order): void {
    say(`order-cancel ${id}`);
  }
}

@RocketMQMessageListener({ topic: 'order', tags: 'created', consumerGroup: 'stock' })
class Created implements RocketMQListener<Order> {
  onMessage({ id }: Order, context: RocketMQContext): void {
    say(`${context.topic}:${context.tags} ${id}`);
  }
}

@RocketMQTransactionListener({ topic: 'payment' })
class Payments implements RocketMQLocalTransactionListener<Order> {
  executeLocalTransaction({ id }: Order): RocketMQLocalTransactionState {
    say(`local transaction ${id}`);
    return RocketMQLocalTransactionState.COMMIT;
  }

  checkLocalTransaction(): RocketMQLocalTransactionState {
    return RocketMQLocalTransactionState.UNKNOWN;
  }
}

const providers = [Shop, Created, Payments];

@Module({ imports: [RocketMQModule.forRoot({ group: 'packed', embedded: { store: 'memory' } })], providers })
class AppModule {}

async function main(): Promise<void> {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: ['warn', 'error'] });
  const created = consumed(app, { topic: 'order', key: 'o1' });
  await app.get(Shop).sell();
  await created;
  const paid = consumed(app, { topic: 'payment' });
  await app.get(Shop).pay();
  await paid;
  await app.close();

  const testing = rocketMQTesting({ group: 'tested' });
  const tested = await NestFactory.createApplicationContext(
    { module: class TestedModule {}, imports: [testing.module], providers },
    { logger: ['warn', 'error'] },
  );
  const cancelled = consumed(tested, { topic: 'order-cancel' });
  await tested.get(Shop).cancelLater();
  await testing.advance('31m');
  await cancelled;
  await tested.close();
  say('closed');
}

void main();
