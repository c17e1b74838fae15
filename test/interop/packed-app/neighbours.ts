// Runs a user's app, compiled outside the repository by packed-apps.test.ts, with Nest's neighbours: a microservice and its
// client, events of @nestjs/cqrs, a health check of Terminus and the hook of OpenTelemetry. It prints what happened.
import 'reflect-metadata';
import { Controller, Logger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CqrsModule, EventBus, EventsHandler } from '@nestjs/cqrs';
import type { IEventHandler } from '@nestjs/cqrs';
import { ClientProxy, ClientsModule, EventPattern, MessagePattern, RpcException } from '@nestjs/microservices';
import { HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { Payload, RocketMQListeners, RocketMQModule, RocketMQTemplate } from 'nest-rocketmq';
import { RocketMQCqrsModule, eventTo } from 'nest-rocketmq/cqrs';
import { RocketMQClientProxy, RocketMQRecordBuilder, RocketMQServer } from 'nest-rocketmq/microservices';
import { openTelemetry } from 'nest-rocketmq/opentelemetry';
import { RocketMQHealthIndicator } from 'nest-rocketmq/terminus';
import { consumed } from 'nest-rocketmq/testing';
import { filter, firstValueFrom } from 'rxjs';

const say = (line: string): boolean => process.stdout.write(`${line}\n`);

class InvalidOrder extends Error {}

class OrderPaid {
  constructor(readonly id: string) {}
}

@EventsHandler(OrderPaid)
class OnPaid implements IEventHandler<OrderPaid> {
  handle(event: OrderPaid): void {
    say(`event bus: ${event.constructor.name} ${event.id}`);
  }
}

@Controller()
class Orders {
  @EventPattern<string>('order:created', { consumerGroup: 'mails' })
  created(@Payload() { id }: { id: string }): void {
    say(`event ${id}`);
  }

  @EventPattern<string>('order:refused', { consumerGroup: 'refused', retry: { notRetryable: [InvalidOrder] } })
  refused(): void {
    throw new InvalidOrder('no such customer');
  }

  @MessagePattern('order.sum')
  sum(@Payload() numbers: number[]): number {
    if (numbers.length === 0) throw new RpcException('no numbers');
    return numbers.reduce((a, b) => a + b, 0);
  }
}

@Module({
  imports: [
    RocketMQModule.forRoot({ group: 'packed', embedded: { store: 'memory' }, hooks: [openTelemetry()] }),
    ClientsModule.registerAsync([
      {
        name: 'ORDERS',
        inject: [RocketMQTemplate],
        useFactory: (template: RocketMQTemplate) => ({ customClass: RocketMQClientProxy, options: { template } }),
      },
    ]),
    CqrsModule.forRoot(),
    RocketMQCqrsModule.forRoot({ consumerGroup: 'events', events: [eventTo(OrderPaid, 'order-paid')] }),
    TerminusModule,
  ],
  controllers: [Orders],
  providers: [OnPaid, RocketMQHealthIndicator],
})
class AppModule {}

async function main(): Promise<void> {
  // Nest logs what the handler throws.
  Logger.overrideLogger(['fatal']);
  const app = await NestFactory.createMicroservice(AppModule, {
    inject: [RocketMQListeners],
    useFactory: (listeners: RocketMQListeners) => ({ strategy: new RocketMQServer({ listeners }) }),
  });
  await app.listen();
  const client = app.get<ClientProxy>('ORDERS');

  const created = consumed(app, { topic: 'order', key: 'o1' });
  client.emit('order:created', new RocketMQRecordBuilder({ id: 'o1' }).setKeys('o1').build());
  await created;
  const { events } = app.get(RocketMQListeners);
  const dead = firstValueFrom(events.pipe(filter((event) => event.type === 'dead-lettered')));
  client.emit('order:refused', {});
  say(`dead letter: ${(await dead).reason}`);
  say(`sum ${await firstValueFrom(client.send<number>('order.sum', [1, 2, 3]))}`);
  const error: unknown = await firstValueFrom(client.send('order.sum', [])).catch((reason: unknown) => reason);
  say(`no sum: ${JSON.stringify(error)}`);

  const paid = consumed(app, { topic: 'order-paid' });
  await app.get(EventBus).publish(new OrderPaid('o2'));
  await paid;

  const indicator = app.get(RocketMQHealthIndicator);
  const { status, info } = await app.get(HealthCheckService).check([() => indicator.isHealthy('rocketmq')]);
  say(`health ${status}: rocketmq ${info?.['rocketmq']?.status}`);
  await app.close();
  say('closed');
}

void main();
